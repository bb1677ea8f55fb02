#include "services/records/access/label_own.h"

#include "common/base/status.h"
#include "services/records/access/label.h"

#include <stdio.h>
#include <string.h>

/* LOINC and SNOMED CT have no ranges, so what is here is a choice of what is common: the rest
 * needs its mark in meta.security. */
struct listed {
    const char *code;
    uint32_t labels;
};

/* A space before and behind each code. Source: the value sets of the CMS quality measures: HIV
 * laboratory tests (Ab and Ag) 2.16.840.1.113762.1.4.1056.50, HIV viral load tests
 * 2.16.840.1.113762.1.4.1248.377, chlamydia screening 2.16.840.1.113883.3.464.1003.110.12.1052,
 * gonorrhea screening 2.16.840.1.113762.1.4.1258.1, syphilis
 * tests 2.16.840.1.113762.1.4.1248.389, updates of 2021 and 2025, checked 2026-11-24; HIV and
 * chlamydia also as in the Swiss list of laboratory observations to be reported,
 * https://github.com/project-husky/husky, LabObsListLoinc, checked 2026-11-21. */
static const char loinc_hiv[] =
    " 5017-9 5018-7 5220-9 5221-7 5222-5 5223-3 5224-1 5225-8 7917-8 7918-6 7919-4 9660-2 "
    "9661-0 9662-8 9663-6 9664-4 9665-1 9666-9 9667-7 9668-5 9669-3 9821-0 10351-5 10901-7 "
    "10902-5 11078-3 11079-1 11080-9 11081-7 11082-5 12855-3 12856-1 12857-9 12858-7 12859-5 "
    "12870-2 12871-0 12872-8 12875-1 12876-9 12893-4 12894-2 12895-9 13499-9 13920-4 14092-1 "
    "14126-7 16132-3 16974-8 16975-5 16976-3 16977-1 16978-9 16979-7 18396-2 19110-6 20447-9 "
    "21007-0 21008-8 21331-4 21332-2 21333-0 21334-8 21335-5 21336-3 21337-1 21338-9 21339-7 "
    "21340-5 22356-0 22357-8 22358-6 23876-6 24012-7 24013-5 25835-0 25836-8 25841-8 25842-6 "
    "28004-0 28052-9 29327-4 29539-4 29541-0 29893-5 30361-0 31072-2 31073-0 31201-7 31430-2 "
    "32571-2 32602-5 32827-8 32842-7 33508-3 33660-2 33806-1 33807-9 33866-5 34591-8 34592-6 "
    "35437-3 35438-1 35439-9 35440-7 35441-5 35442-3 35443-1 35444-9 35445-6 35446-4 35447-2 "
    "35448-0 35449-8 35450-6 35452-2 35564-4 35565-1 40437-6 40438-4 40439-2 40732-0 40733-8 "
    "41143-9 41144-7 41145-4 41290-8 41513-3 41514-1 41515-8 41516-6 42339-2 42600-7 42627-0 "
    "42768-2 42917-5 43008-2 43009-0 43010-8 43011-6 43012-4 43013-2 43185-8 43599-0 44531-2 "
    "44532-0 44533-8 44607-0 44872-0 44873-8 45212-8 47029-4 47359-5 48023-6 48345-3 48346-1 "
    "48510-2 48511-0 48551-6 48552-4 49483-1 49580-4 49718-0 49890-7 49905-3 49965-7 51780-5 "
    "51786-2 51866-2 53379-4 53601-1 54086-4 55277-8 56888-1 57974-8 57975-5 57976-3 57977-1 "
    "57978-9 58900-2 59419-2 62456-9 62469-2 68961-2 69354-9 69668-2 70241-5 73905-2 73906-0 "
    "75622-1 75666-8 77685-6 80203-3 80387-4 81641-3 83101-6 85037-0 85686-4 86233-4 86657-4 "
    "89365-1 89374-3 95524-5 104762-0 104781-0 ";
static const char loinc_std[] =
    " 4993-2 5028-6 5291-0 5292-8 5392-6 5393-4 5394-2 6349-5 6353-7 6356-0 6357-8 6561-5 "
    "6562-3 8041-6 11084-1 11597-2 13288-6 14463-4 14464-2 14465-9 14467-5 14474-1 14513-6 "
    "14904-7 16600-9 17723-8 17724-6 17725-3 17726-1 17727-9 17728-7 17729-5 20507-0 20508-8 "
    "21190-4 21191-2 21415-5 21416-3 21613-5 22461-8 22462-6 22464-2 22585-4 22587-0 22590-4 "
    "22592-0 22594-6 23838-6 24110-9 24111-7 24312-1 26009-1 29310-0 31147-2 31775-0 32705-6 "
    "33904-4 34147-9 34382-2 34710-4 35735-0 36902-5 36903-3 39015-3 40679-3 40680-1 41122-3 "
    "41163-7 42931-6 43304-5 43305-2 43403-5 43404-3 43405-0 43406-8 44806-8 44807-6 45068-4 "
    "45069-2 45072-6 45073-4 45075-9 45076-7 45084-1 45089-0 45090-8 45091-6 45093-2 45095-7 "
    "47235-7 47236-5 47237-3 47238-1 47387-6 47476-7 47511-1 50387-0 50388-8 50690-7 51838-1 "
    "51839-9 53605-2 53879-3 53925-4 53926-2 53927-0 57032-5 57180-2 57287-5 57289-1 57458-2 "
    "60255-7 60256-5 63464-2 71793-4 73752-8 76766-5 80360-1 80361-9 80362-7 80363-5 80364-3 "
    "80365-0 80366-8 80367-6 82306-2 87949-4 87950-2 88221-7 88224-1 88225-8 89648-0 91846-6 "
    "91860-7 91873-0 96599-6 97626-6 99779-1 104765-3 104780-2 105085-5 105922-9 ";
static const struct listed loinc[] = {
    {"28245-9", LABEL_SDV}, /* Abuse Status [OMAHA] */
    {"76690-7", LABEL_SEX}, /* Sexual orientation */
};

/* Source: HIV: OHDSI, Covid-19 phenotypes, HIV&AIDS (concepts mapped from ICD-10 B20-B24, R75,
 * Z21), https://github.com/OHDSI/Covid-19, checked 2026-11-21; the others: SNOMED CT, as the
 * bundles of Synthea (https://github.com/synthetichealth/synthea) use and name them. */
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

static bool among(const char *codes, const char *code)
{
    char spaced[12];
    const int n = snprintf(spaced, sizeof(spaced), " %s ", code);

    return n < (int)sizeof(spaced) && strchr(code, ' ') == NULL &&
           strstr(codes, spaced) != NULL;
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
        return (among(loinc_hiv, code) ? LABEL_HIV : 0U) |
               (among(loinc_std, code) ? LABEL_STD : 0U) |
               listed(loinc, WARD_COUNT(loinc), code);
    if (strcmp(system, LABEL_SNOMED) == 0)
        return listed(snomed, WARD_COUNT(snomed), code);
    return 0;
}
