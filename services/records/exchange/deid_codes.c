/* Recognizes terms that identify no person: codes of known terminologies, units, states. */
#include "services/records/exchange/deid.h"

#include "common/measure/ucum.h"

#include <string.h>

#define DIGITS "0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"

/* ---- codes ---- */

static bool only(const char *s, const char *of, size_t least, size_t most)
{
    size_t n = strlen(s);

    return n >= least && n <= most && strspn(s, of) == n;
}

/* 8867-4, LA6568-5, LP12345-6 */
static bool loinc(const char *s)
{
    size_t n;

    if (s[0] == 'L' && (s[1] == 'A' || s[1] == 'P' || s[1] == 'L' || s[1] == 'G'))
        s += 2;
    n = strspn(s, DIGITS);
    return n >= 1 && n <= 7 && s[n] == '-' && only(s + n + 1, DIGITS, 1, 1);
}

/* The dihedral check of a SNOMED CT identifier. Source: J. Verhoeff, Error Detecting Decimal
 * Codes (1969); SNOMED CT Release File Specification, 5.5 Check-digit. */
static bool verhoeff(const char *s, size_t n)
{
    static const char times[10][11] = {"0123456789", "1234067895", "2340178956", "3401289567",
                                       "4012395678", "5987604321", "6598710432", "7659821043",
                                       "8765932104", "9876543210"};
    static const char moved[8][11] = {"0123456789", "1576283094", "5803796142", "8916043527",
                                      "9453126870", "4286573901", "2793806415", "7046913258"};
    int sum = 0;

    for (size_t i = 0; i < n; i++)
        sum = times[sum][moved[i % 8][s[n - 1 - i] - '0'] - '0'] - '0';
    return sum == 0;
}

/* Whether a code of 18 digits is also a valid Chinese identity number. Source: GB 11643-1999:
 * the date of birth begins at position 6 (from 0), and the last digit is a check digit of
 * ISO/IEC 7064, MOD 11-2. The check digit X (10) does not occur in a code.
 */
static bool is_identity_number(const char *s)
{
    int sum = 0, month = (s[10] - '0') * 10 + s[11] - '0';
    int day = (s[12] - '0') * 10 + s[13] - '0';

    for (int i = 0; i < 18; i++)
        sum = (2 * sum + s[i] - '0') % 11;
    return sum == 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* Whether a code is a SNOMED CT concept: partition 00, or 10 for an extension. Source: SNOMED
 * CT Release File Specification, 5 SNOMED CT Identifiers. */
static bool snomed(const char *s)
{
    size_t n = strlen(s);

    if (!only(s, DIGITS, 6, 18) || s[0] == '0' || !verhoeff(s, n))
        return false;
    return (s[n - 3] == '0' || s[n - 3] == '1') && s[n - 2] == '0' &&
           (n < 18 || !is_identity_number(s));
}

static bool rxnorm(const char *s)
{
    return only(s, DIGITS, 1, 8);
}

static bool cvx(const char *s)
{
    return only(s, DIGITS, 1, 3);
}

/* Whether a code has no sequence of more than five digits, which could be a personal number. */
static bool short_runs(const char *s)
{
    for (; *s != '\0'; s += strcspn(s, DIGITS)) {
        size_t n = strspn(s, DIGITS);

        if (n > 5)
            return false;
        s += n;
    }
    return true;
}

/* J18.9, S72.001A, E11, U07.1, A41x001, I10.x00x002 */
static bool icd10(const char *s)
{
    if (strchr(UPPER, s[0]) == NULL || s[0] == '\0' || strspn(s + 1, DIGITS) == 0)
        return false;
    return only(s + 1, DIGITS UPPER "x.+*", 2, 11) && short_runs(s);
}

/* finished, problem-list-item, AMB, v3 and v2 codes */
static bool word(const char *s)
{
    return only(s, UPPER LOWER DIGITS "-", 1, 32) && short_runs(s);
}

/* Source: HL7 FHIR R4, code systems (https://hl7.org/fhir/R4/terminologies-systems.html). */
static const struct system {
    const char *uri;
    bool (*is)(const char *code);
} systems[] = {
    {"http://loinc.org", loinc},
    {"http://snomed.info/sct", snomed},
    {"http://hl7.org/fhir/sid/icd-10", icd10},
    {"http://hl7.org/fhir/sid/icd-10-cm", icd10},
    {"http://www.nlm.nih.gov/research/umls/rxnorm", rxnorm},
    {"http://hl7.org/fhir/sid/cvx", cvx},
};

/* HL7's code systems that R4 binds to an exported field. Source:
 * https://hl7.org/fhir/R4/terminologies-systems.html. */
#define THO "http://terminology.hl7.org/CodeSystem/"
static const char *const words[] = {
    THO "admit-source",
    THO "allerg-intol-substance-exp-risk",
    THO "allergyintolerance-clinical",
    THO "allergyintolerance-verification",
    THO "condition-category",
    THO "condition-clinical",
    THO "condition-ver-status",
    THO "consentcategorycodes",
    THO "consentscope",
    THO "data-absent-reason",
    THO "diagnosis-role",
    THO "discharge-disposition",
    THO "encounter-type",
    THO "observation-category",
    THO "referencerange-meaning",
    THO "service-category",
    THO "service-type",
    THO "v2-0001",
    THO "v2-0004",
    THO "v2-0007",
    THO "v2-0074",
    THO "v2-0078",
    THO "v2-0092",
    THO "v3-ActCode",
    THO "v3-ActPriority",
    THO "v3-ActReason",
    THO "v3-MaritalStatus",
    THO "v3-NullFlavor",
    THO "v3-ObservationInterpretation",
    THO "v3-ObservationMethod",
    THO "v3-RouteOfAdministration",
    "http://hl7.org/fhir/administrative-gender",
    "http://hl7.org/fhir/allergy-intolerance-category",
    "http://hl7.org/fhir/allergy-intolerance-criticality",
    "http://hl7.org/fhir/allergy-intolerance-type",
    "http://hl7.org/fhir/diagnostic-report-status",
    "http://hl7.org/fhir/encounter-status",
    "http://hl7.org/fhir/observation-status",
    "http://hl7.org/fhir/reaction-event-severity",
};

bool deid_is_code(const char *system, const char *code)
{
    for (size_t i = 0; i < WARD_COUNT(systems); i++)
        if (strcmp(system, systems[i].uri) == 0)
            return systems[i].is(code);
    for (size_t i = 0; i < WARD_COUNT(words); i++)
        if (strcmp(system, words[i]) == 0)
            return word(code);
    return false;
}

/* ---- units ---- */

/* Whether a text in braces belongs to a unit of measurement. Any other text in braces may be
 * free text. */
static bool is_annotation(const char *s, size_t n)
{
    static const char *const known[] = {"score", "count", "T-score", "Z-score", "1.73_m2", "pH",
                                        "ratio", "index", "beats",   "breaths", "#"};

    for (size_t i = 0; i < WARD_COUNT(known); i++)
        if (strlen(known[i]) == n && memcmp(known[i], s, n) == 0)
            return true;
    return false;
}

bool deid_is_unit(const char *code)
{
    struct ward_ucum u;

    for (const char *at = strchr(code, '{'); at != NULL; at = strchr(at, '{')) {
        const char *end = strchr(at, '}');

        if (end == NULL || !is_annotation(at + 1, (size_t)(end - at - 1)))
            return false;
        at = end;
    }
    return ward_ucum_parse(code, strlen(code), &u, NULL) == WARD_OK;
}

/* ---- states ---- */

/* Source: USPS Publication 28, appendix B (states and possessions); GB/T 2260-2007 (provinces
 * of China). */
static const char *const states[] = {"Alabama",
                                     "AL",
                                     "Alaska",
                                     "AK",
                                     "Arizona",
                                     "AZ",
                                     "Arkansas",
                                     "AR",
                                     "California",
                                     "CA",
                                     "Colorado",
                                     "CO",
                                     "Connecticut",
                                     "CT",
                                     "Delaware",
                                     "DE",
                                     "District of Columbia",
                                     "DC",
                                     "Florida",
                                     "FL",
                                     "Georgia",
                                     "GA",
                                     "Hawaii",
                                     "HI",
                                     "Idaho",
                                     "ID",
                                     "Illinois",
                                     "IL",
                                     "Indiana",
                                     "IN",
                                     "Iowa",
                                     "IA",
                                     "Kansas",
                                     "KS",
                                     "Kentucky",
                                     "KY",
                                     "Louisiana",
                                     "LA",
                                     "Maine",
                                     "ME",
                                     "Maryland",
                                     "MD",
                                     "Massachusetts",
                                     "MA",
                                     "Michigan",
                                     "MI",
                                     "Minnesota",
                                     "MN",
                                     "Mississippi",
                                     "MS",
                                     "Missouri",
                                     "MO",
                                     "Montana",
                                     "MT",
                                     "Nebraska",
                                     "NE",
                                     "Nevada",
                                     "NV",
                                     "New Hampshire",
                                     "NH",
                                     "New Jersey",
                                     "NJ",
                                     "New Mexico",
                                     "NM",
                                     "New York",
                                     "NY",
                                     "North Carolina",
                                     "NC",
                                     "North Dakota",
                                     "ND",
                                     "Ohio",
                                     "OH",
                                     "Oklahoma",
                                     "OK",
                                     "Oregon",
                                     "OR",
                                     "Pennsylvania",
                                     "PA",
                                     "Puerto Rico",
                                     "PR",
                                     "Rhode Island",
                                     "RI",
                                     "South Carolina",
                                     "SC",
                                     "South Dakota",
                                     "SD",
                                     "Tennessee",
                                     "TN",
                                     "Texas",
                                     "TX",
                                     "Utah",
                                     "UT",
                                     "Vermont",
                                     "VT",
                                     "Virginia",
                                     "VA",
                                     "Washington",
                                     "WA",
                                     "West Virginia",
                                     "WV",
                                     "Wisconsin",
                                     "WI",
                                     "Wyoming",
                                     "WY",
                                     "北京市",
                                     "天津市",
                                     "河北省",
                                     "山西省",
                                     "内蒙古自治区",
                                     "辽宁省",
                                     "吉林省",
                                     "黑龙江省",
                                     "上海市",
                                     "江苏省",
                                     "浙江省",
                                     "安徽省",
                                     "福建省",
                                     "江西省",
                                     "山东省",
                                     "河南省",
                                     "湖北省",
                                     "湖南省",
                                     "广东省",
                                     "广西壮族自治区",
                                     "海南省",
                                     "重庆市",
                                     "四川省",
                                     "贵州省",
                                     "云南省",
                                     "西藏自治区",
                                     "陕西省",
                                     "甘肃省",
                                     "青海省",
                                     "宁夏回族自治区",
                                     "新疆维吾尔自治区",
                                     "台湾省",
                                     "香港特别行政区",
                                     "澳门特别行政区"};

bool deid_is_state(const char *state)
{
    for (size_t i = 0; i < WARD_COUNT(states); i++)
        if (strcmp(states[i], state) == 0)
            return true;
    return false;
}
