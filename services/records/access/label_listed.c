#include "services/records/access/label_own.h"

#include "common/base/status.h"
#include "services/records/access/label.h"

#include <string.h>

/* LOINC and SNOMED CT have no ranges, so what is here is a choice of what is common: the rest
 * needs its mark in meta.security. */
struct listed {
    const char *code;
    uint32_t labels;
};

/* Source: LOINC, https://loinc.org; HIV and chlamydia as in the Swiss list of laboratory
 * observations to be reported, https://github.com/project-husky/husky, LabObsListLoinc,
 * checked 2026-11-21. Names are LOINC's, shortened. */
static const struct listed loinc[] = {
    {"5017-9", LABEL_HIV},  /* HIV 1 RNA in Blood */
    {"5018-7", LABEL_HIV},  /* HIV 1 RNA in specimen */
    {"5224-1", LABEL_HIV},  /* HIV 2 Ab, units */
    {"5225-8", LABEL_HIV},  /* HIV 2 Ab by Immunoblot */
    {"7919-4", LABEL_HIV},  /* HIV 2 Ab in Serum */
    {"9665-1", LABEL_HIV},  /* HIV 1 p24 Ag, units */
    {"9666-9", LABEL_HIV},  /* HIV 1 p31 Ab by Immunoblot */
    {"9667-7", LABEL_HIV},  /* HIV 1 p51 Ab by Immunoblot */
    {"9668-5", LABEL_HIV},  /* HIV 1 p55 Ab by Immunoblot */
    {"9669-3", LABEL_HIV},  /* HIV 1 p66 Ab by Immunoblot */
    {"10351-5", LABEL_HIV}, /* HIV 1 RNA, viral load */
    {"20447-9", LABEL_HIV}, /* HIV 1 RNA, viral load, copies */
    {"21008-8", LABEL_HIV}, /* HIV 1 RNA, viral load by DNA probe */
    {"21333-0", LABEL_HIV}, /* HIV 1 RNA in Serum */
    {"22358-6", LABEL_HIV}, /* HIV 2 Ab, units */
    {"23876-6", LABEL_HIV}, /* HIV 1 RNA, viral load in Plasma */
    {"24013-5", LABEL_HIV}, /* HIV 1 RNA, interpretation */
    {"25835-0", LABEL_HIV}, /* HIV 1 RNA in Serum or Plasma */
    {"25836-8", LABEL_HIV}, /* HIV 1 RNA, viral load in specimen */
    {"25841-8", LABEL_HIV}, /* HIV 2 DNA in Blood */
    {"25842-6", LABEL_HIV}, /* HIV 2 DNA in specimen */
    {"29539-4", LABEL_HIV}, /* HIV 1 RNA, log viral load */
    {"29541-0", LABEL_HIV}, /* HIV 1 RNA, log viral load */
    {"29893-5", LABEL_HIV}, /* HIV 1 Ab by Immunoassay */
    {"30361-0", LABEL_HIV}, /* HIV 2 Ab by Immunoassay */
    {"31073-0", LABEL_HIV}, /* HIV 2 Ab band pattern */
    {"31201-7", LABEL_HIV}, /* HIV 1+2 Ab by Immunoassay */
    {"33806-1", LABEL_HIV}, /* HIV 2 IgG Ab by Immunoblot */
    {"33807-9", LABEL_HIV}, /* HIV 2 IgG Ab */
    {"41513-3", LABEL_HIV}, /* HIV 1 RNA, limit 400/mL */
    {"41514-1", LABEL_HIV}, /* HIV 1 RNA, log, limit 2.6 */
    {"41515-8", LABEL_HIV}, /* HIV 1 RNA, limit 75/mL */
    {"41516-6", LABEL_HIV}, /* HIV 1 RNA, log, limit 1.9 */
    {"42917-5", LABEL_HIV}, /* HIV 1 RNA in cerebral spinal fluid */
    {"47359-5", LABEL_HIV}, /* HIV 1 RNA of a donor */
    {"48023-6", LABEL_HIV}, /* HIV 1 proviral DNA */
    {"48510-2", LABEL_HIV}, /* HIV 1 RNA, log, limit 1.7 */
    {"48511-0", LABEL_HIV}, /* HIV 1 RNA, limit 50/mL */
    {"48551-6", LABEL_HIV}, /* HIV 1 RNA, limit 400/mL */
    {"48552-4", LABEL_HIV}, /* HIV 1 RNA, log, limit 2.6 */
    {"49890-7", LABEL_HIV}, /* HIV 1 RNA, log viral load in specimen */
    {"7917-8", LABEL_HIV},  /* HIV 1 Ab in Serum */
    {"43010-8", LABEL_HIV}, /* HIV 1+2 Ab in specimen */
    {"49580-4", LABEL_HIV}, /* HIV 1+2 Ab by Rapid immunoassay */
    {"75622-1", LABEL_HIV}, /* HIV 1 and 2 tests, set */
    {"75666-5", LABEL_HIV}, /* HIV 1+2 Ab and HIV 1 p24 Ag */
    {"80203-3", LABEL_HIV}, /* HIV 1 and 2 Ab by Rapid immunoassay */
    {"58900-2", LABEL_HIV}, /* HIV 1+2 Ab and HIV 1 p24 Ag by Immunoassay */
    {"51780-5", LABEL_HIV}, /* HIV 1 RNA, log, limit 0.5 */
    {"51786-2", LABEL_HIV}, /* HIV 2 Ab Signal/Cutoff */
    {"53601-1", LABEL_HIV}, /* HIV 1 p24 Ag by Immunoassay */
    {"55277-8", LABEL_HIV}, /* HIV status */
    {"56888-1", LABEL_HIV}, /* HIV 1+2 Ab+HIV1 p24 Ag */
    {"59419-2", LABEL_HIV}, /* HIV 1 RNA, viral load in Plasma */
    {"62469-2", LABEL_HIV}, /* HIV 1 RNA, viral load, units */
    {"68961-2", LABEL_HIV}, /* HIV 1 Ab, rapid */
    {"70241-5", LABEL_HIV}, /* HIV 1 RNA, limit 20/mL */
    {"6349-5", LABEL_STD},  /* Chlamydia trachomatis by culture */
    {"6356-0", LABEL_STD},  /* Chlamydia trachomatis DNA, genital */
    {"6357-8", LABEL_STD},  /* Chlamydia trachomatis DNA in Urine */
    {"4993-2", LABEL_STD},  /* Chlamydia trachomatis rRNA by DNA probe */
    {"20507-0", LABEL_STD}, /* Reagin Ab by RPR (syphilis) */
    {"21190-4", LABEL_STD}, /* Chlamydia trachomatis DNA, cervix */
    {"21191-2", LABEL_STD}, /* Chlamydia trachomatis DNA, urethra */
    {"21613-5", LABEL_STD}, /* Chlamydia trachomatis DNA in specimen */
    {"42931-6", LABEL_STD}, /* Chlamydia trachomatis rRNA in Urine */
    {"43304-5", LABEL_STD}, /* Chlamydia trachomatis rRNA in specimen */
    {"43404-3", LABEL_STD}, /* Chlamydia trachomatis DNA, signal */
    {"45084-1", LABEL_STD}, /* Chlamydia trachomatis DNA, vaginal */
    {"45090-8", LABEL_STD}, /* Chlamydia trachomatis DNA, anal */
    {"50387-0", LABEL_STD}, /* Chlamydia trachomatis rRNA, cervix */
    {"53925-4", LABEL_STD}, /* Chlamydia trachomatis rRNA, urethra */
    {"53926-2", LABEL_STD}, /* Chlamydia trachomatis rRNA, vaginal */
    {"28245-9", LABEL_SDV}, /* Abuse Status [OMAHA] */
    {"76690-7", LABEL_SEX}, /* Sexual orientation */
};

/* Source: HIV: OHDSI, Covid-19 phenotypes, HIV&AIDS (concepts mapped from ICD-10 B20-B24, R75,
 * Z21), https://github.com/OHDSI/Covid-19, checked 2026-11-21; the others: SNOMED CT, as the
 * bundles of Synthea (https://github.com/synthetichealth/synthea) use and name them. */
static const struct listed snomed[] = {
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
        return listed(loinc, WARD_COUNT(loinc), code);
    if (strcmp(system, LABEL_SNOMED) == 0)
        return listed(snomed, WARD_COUNT(snomed), code);
    return 0;
}
