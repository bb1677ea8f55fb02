#include "services/records/access/label_own.h"

#include "common/base/status.h"
#include "common/base/text.h"
#include "services/records/access/label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Common codes of LOINC and SNOMED CT, which have no ranges. A resource with an unlisted
 * sensitive code needs a label in meta.security. */
struct listed {
    const char *code;
    uint32_t labels;
};

/* LOINC numbers in ascending order, without the check digit. Source: the value sets of the CMS
 * quality measures: HIV laboratory tests (Ab and Ag) 2.16.840.1.113762.1.4.1056.50, HIV viral
 * load tests 2.16.840.1.113762.1.4.1248.377, chlamydia screening
 * 2.16.840.1.113883.3.464.1003.110.12.1052, gonorrhea screening 2.16.840.1.113762.1.4.1258.1,
 * syphilis tests 2.16.840.1.113762.1.4.1248.389, updates of 2021 and 2025, checked 2026-11-24;
 * HIV and chlamydia also as in the Swiss list of laboratory observations to be reported,
 * https://github.com/project-husky/husky, LabObsListLoinc, checked 2026-11-21. */
static const int loinc_hiv[] = {
    5017,  5018,  5220,  5221,  5222,  5223,  5224,  5225,  7917,   7918,   7919,  9660,  9661,
    9662,  9663,  9664,  9665,  9666,  9667,  9668,  9669,  9821,   10351,  10901, 10902, 11078,
    11079, 11080, 11081, 11082, 12855, 12856, 12857, 12858, 12859,  12870,  12871, 12872, 12875,
    12876, 12893, 12894, 12895, 13499, 13920, 14092, 14126, 16132,  16974,  16975, 16976, 16977,
    16978, 16979, 18396, 19110, 20447, 21007, 21008, 21331, 21332,  21333,  21334, 21335, 21336,
    21337, 21338, 21339, 21340, 22356, 22357, 22358, 23876, 24012,  24013,  25835, 25836, 25841,
    25842, 28004, 28052, 29327, 29539, 29541, 29893, 30361, 31072,  31073,  31201, 31430, 32571,
    32602, 32827, 32842, 33508, 33660, 33806, 33807, 33866, 34591,  34592,  35437, 35438, 35439,
    35440, 35441, 35442, 35443, 35444, 35445, 35446, 35447, 35448,  35449,  35450, 35452, 35564,
    35565, 40437, 40438, 40439, 40732, 40733, 41143, 41144, 41145,  41290,  41513, 41514, 41515,
    41516, 42339, 42600, 42627, 42768, 42917, 43008, 43009, 43010,  43011,  43012, 43013, 43185,
    43599, 44531, 44532, 44533, 44607, 44872, 44873, 45212, 47029,  47359,  48023, 48345, 48346,
    48510, 48511, 48551, 48552, 49483, 49580, 49718, 49890, 49905,  49965,  51780, 51786, 51866,
    53379, 53601, 54086, 55277, 56888, 57974, 57975, 57976, 57977,  57978,  58900, 59419, 62456,
    62469, 68961, 69354, 69668, 70241, 73905, 73906, 75622, 75666,  77685,  80203, 80387, 81641,
    83101, 85037, 85686, 86233, 86657, 89365, 89374, 95524, 104762, 104781,
};
static const int loinc_std[] = {
    4993,  5028,  5291,  5292,  5392,  5393,  5394,   6349,   6353,   6356,   6357,  6561,
    6562,  8041,  11084, 11597, 13288, 14463, 14464,  14465,  14467,  14474,  14513, 14904,
    16600, 17723, 17724, 17725, 17726, 17727, 17728,  17729,  20507,  20508,  21190, 21191,
    21415, 21416, 21613, 22461, 22462, 22464, 22585,  22587,  22590,  22592,  22594, 23838,
    24110, 24111, 24312, 26009, 29310, 31147, 31775,  32705,  33904,  34147,  34382, 34710,
    35735, 36902, 36903, 39015, 40679, 40680, 41122,  41163,  42931,  43304,  43305, 43403,
    43404, 43405, 43406, 44806, 44807, 45068, 45069,  45072,  45073,  45075,  45076, 45084,
    45089, 45090, 45091, 45093, 45095, 47235, 47236,  47237,  47238,  47387,  47476, 47511,
    50387, 50388, 50690, 51838, 51839, 53605, 53879,  53925,  53926,  53927,  57032, 57180,
    57287, 57289, 57458, 60255, 60256, 63464, 71793,  73752,  76766,  80360,  80361, 80362,
    80363, 80364, 80365, 80366, 80367, 82306, 87949,  87950,  88221,  88224,  88225, 89648,
    91846, 91860, 91873, 96599, 97626, 99779, 104765, 104780, 105085, 105922,
};
static const struct listed loinc[] = {
    {"28245-9", LABEL_SDV}, /* Abuse Status [OMAHA] */
    {"76690-7", LABEL_SEX}, /* Sexual orientation */
};

/* Source: HIV: OHDSI, Covid-19 phenotypes, HIV&AIDS (concepts mapped from ICD-10 B20-B24, R75,
 * Z21), https://github.com/OHDSI/Covid-19, checked 2026-11-21; the others: SNOMED CT, with the
 * names used in the bundles of Synthea (https://github.com/synthetichealth/synthea). */
static const struct listed snomed[] = {
    {"19030005", LABEL_HIV},        /* Human immunodeficiency virus, the organism */
    {"86406008", LABEL_HIV},        /* Human immunodeficiency virus infection */
    {"62479008", LABEL_HIV},        /* AIDS */
    {"91947003", LABEL_HIV},        /* Asymptomatic HIV infection */
    {"111880001", LABEL_HIV},       /* Acute HIV infection */
    {"165816005", LABEL_HIV},       /* HIV positive */
    {"699433000", LABEL_HIV},       /* HIV carrier */
    {"79019005", LABEL_HIV},        /* HIV II infection */
    {"81000119104", LABEL_HIV},     /* Symptomatic HIV infection */
    {"186706006", LABEL_HIV},       /* HIV infection constitutional disease */
    {"186707002", LABEL_HIV},       /* HIV infection with neurological disease */
    {"186708007", LABEL_HIV},       /* HIV infection with secondary infectious disease */
    {"281388009", LABEL_HIV},       /* HIV-related sclerosing cholangitis */
    {"402901009", LABEL_HIV},       /* Oral hairy leukoplakia associated with HIV disease */
    {"414604009", LABEL_HIV},       /* Leukoplakia of tongue associated with HIV disease */
    {"420403001", LABEL_HIV},       /* Pneumocystosis associated with AIDS */
    {"420524008", LABEL_HIV},       /* Kaposi's sarcoma associated with AIDS */
    {"420721002", LABEL_HIV},       /* AIDS-associated disorder */
    {"421695000", LABEL_HIV},       /* Abnormal weight loss associated with AIDS */
    {"422003001", LABEL_HIV},       /* Cachexia associated with AIDS */
    {"442537007", LABEL_HIV},       /* Non-Hodgkin lymphoma associated with HIV infection */
    {"697904001", LABEL_HIV},       /* Pulmonary arterial hypertension associated with HIV */
    {"713897006", LABEL_HIV},       /* Burkitt lymphoma co-occurrent with HIV infection */
    {"10383002", LABEL_SEX},        /* Counseling for termination of pregnancy */
    {"19169002", LABEL_SEX},        /* Miscarriage in first trimester */
    {"46706006", LABEL_SEX},        /* Replacement of contraceptive intrauterine device */
    {"65200003", LABEL_SEX},        /* Insertion of intrauterine contraceptive device */
    {"79586000", LABEL_SEX},        /* Tubal pregnancy */
    {"169553002", LABEL_SEX},       /* Insertion of subcutaneous contraceptive */
    {"252160004", LABEL_SEX},       /* Standard pregnancy test */
    {"386394001", LABEL_SEX},       /* Pregnancy termination care */
    {"714812005", LABEL_SEX},       /* Induced termination of pregnancy */
    {"5880005", LABEL_SEX},         /* Physical exam following abortion */
    {"755621000000101", LABEL_SEX}, /* Replacement of subcutaneous contraceptive */
    {"55680006", LABEL_ETH},        /* Drug overdose */
    {"56876005", LABEL_ETH},        /* Drug rehabilitation and detoxification */
    {"60112009", LABEL_ETH},        /* Drug addiction counseling */
    {"61480009", LABEL_ETH},        /* Drug detoxification */
    {"266707007", LABEL_ETH},       /* Drug addiction therapy */
    {"171207006", LABEL_PSY},       /* Depression screening */
    {"405783006", LABEL_PSY},       /* Psychological assessment */
};

static int by_number(const void *a, const void *b)
{
    const int *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Converts "5017-9" to 5017, without the check digit. Returns 0 for a text that is not a LOINC
 * code. */
static int number_of_loinc(const char *code)
{
    const size_t n = strspn(code, "0123456789");
    char digits[8];
    int64_t number;

    if (n >= sizeof(digits))
        return 0;
    snprintf(digits, sizeof(digits), "%.*s", (int)n, code);
    return ward_i64(digits, 0, INT32_MAX, &number) ? (int)number : 0;
}

static uint32_t label_of_loinc(const char *code)
{
    const int number = number_of_loinc(code);
    uint32_t labels = 0;

    if (bsearch(&number, loinc_hiv, WARD_COUNT(loinc_hiv), sizeof(number), by_number) != NULL)
        labels |= LABEL_HIV;
    if (bsearch(&number, loinc_std, WARD_COUNT(loinc_std), sizeof(number), by_number) != NULL)
        labels |= LABEL_STD;
    return labels;
}

static uint32_t listed(const struct listed *list, size_t n, const char *code)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].code, code) == 0)
            return list[i].labels;
    return 0;
}

uint32_t label_of_listed(const char *system, const char *code)
{
    if (strcmp(system, LABEL_LOINC) == 0)
        return label_of_loinc(code) | listed(loinc, WARD_COUNT(loinc), code);
    if (strcmp(system, LABEL_SNOMED) == 0)
        return listed(snomed, WARD_COUNT(snomed), code);
    return 0;
}
