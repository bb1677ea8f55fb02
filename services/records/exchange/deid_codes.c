/* Words that name no person: codes of known terminologies, units, states. */
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

static bool number(const char *s)
{
    return only(s, DIGITS, 1, 18);
}

/* J18.9, S72.001A, E11, U07.1, A41x001, I10.x00x002 */
static bool icd10(const char *s)
{
    if (strchr(UPPER, s[0]) == NULL || s[0] == '\0' || strspn(s + 1, DIGITS) == 0)
        return false;
    return only(s + 1, DIGITS UPPER "x.+*", 2, 11);
}

/* finished, problem-list-item, AMB, v3 and v2 codes */
static bool word(const char *s)
{
    return only(s, UPPER LOWER DIGITS "-", 1, 32);
}

/* Source: HL7 FHIR R4, code systems (https://hl7.org/fhir/R4/terminologies-systems.html); ends
 * with '/': whatever begins so. */
static const struct system {
    const char *uri;
    bool (*is)(const char *code);
} systems[] = {
    {"http://loinc.org", loinc},
    {"http://snomed.info/sct", number},
    {"http://hl7.org/fhir/sid/icd-10", icd10},
    {"http://hl7.org/fhir/sid/icd-10-cm", icd10},
    {"http://www.nlm.nih.gov/research/umls/rxnorm", number},
    {"http://hl7.org/fhir/sid/cvx", number},
    {"http://terminology.hl7.org/CodeSystem/", word},
    {"http://hl7.org/fhir/", word},
};

bool deid_is_code(const char *system, const char *code)
{
    for (size_t i = 0; i < WARD_COUNT(systems); i++) {
        const char *uri = systems[i].uri;
        size_t n = strlen(uri);

        if (uri[n - 1] == '/' ? strncmp(system, uri, n) == 0 && word(system + n)
                              : strcmp(system, uri) == 0)
            return systems[i].is(code);
    }
    return false;
}

/* ---- units ---- */

/* What stands between braces is anybody's words: these are a measurement's. */
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
