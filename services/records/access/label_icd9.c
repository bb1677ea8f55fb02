/* Diagnoses of ICD-9-CM, because charts from before 2015 are still exchanged. */
#include "services/records/access/label_own.h"

#include "common/base/status.h"
#include "services/records/access/label.h"

/* Source: CDC/NCHS and CMS, ICD-9-CM, sixth edition, volume 1: tabular list, fiscal year 2012,
 * https://www.cdc.gov/nchs/icd/icd9cm.htm. The selection corresponds to the ICD-10 table in
 * label.c. */
static const struct label_range icd_9[] = {
    {"290", "319", LABEL_PSY},               /* chapter 5: mental disorders */
    {"291", "292", LABEL_ETH},               /* alcohol- and drug-induced disorders */
    {"302", "302", LABEL_SEX},               /* sexual and gender identity disorders */
    {"303", "305", LABEL_ETH},               /* alcohol and drug dependence, abuse */
    {"E950", "E959", LABEL_PSY},             /* suicide and self-inflicted injury */
    {"V11", "V11", LABEL_PSY},               /* history of mental disorder */
    {"V113", "V113", LABEL_ETH},             /* history of alcoholism */
    {"V154", "V154", LABEL_PSY | LABEL_SDV}, /* history of psychological trauma, of abuse */
    {"V6284", "V6285", LABEL_PSY},           /* suicidal, homicidal ideation */
    {"V790", "V790", LABEL_PSY},             /* screening for depression */
    {"V791", "V791", LABEL_ETH},             /* screening for alcoholism */
    {"V6542", "V6542", LABEL_ETH},           /* counselling on substance use */
    {"3575", "3575", LABEL_ETH},             /* alcoholic polyneuropathy */
    {"4255", "4255", LABEL_ETH},             /* alcoholic cardiomyopathy */
    {"5353", "5353", LABEL_ETH},             /* alcoholic gastritis */
    {"5710", "5713", LABEL_ETH},             /* alcoholic liver disease */
    {"7903", "7903", LABEL_ETH},             /* excessive blood level of alcohol */
    {"042", "042", LABEL_HIV},               /* HIV disease */
    {"07953", "07953", LABEL_HIV},           /* HIV type 2 */
    {"79571", "79571", LABEL_HIV},           /* serologic evidence of HIV */
    {"V08", "V08", LABEL_HIV},               /* asymptomatic HIV infection */
    {"V6544", "V6544", LABEL_HIV},           /* HIV counselling */
    {"0541", "0541", LABEL_STD},             /* genital herpes */
    {"07811", "07811", LABEL_STD},           /* condyloma acuminatum */
    {"090", "099", LABEL_STD},               /* syphilis and other venereal diseases */
    {"131", "131", LABEL_STD},               /* trichomoniasis */
    {"6470", "6472", LABEL_STD},             /* venereal diseases in pregnancy */
    {"V016", "V016", LABEL_STD},             /* contact with venereal diseases */
    {"V027", "V028", LABEL_STD},             /* carrier of venereal diseases */
    {"V745", "V745", LABEL_STD},             /* screening for venereal diseases */
    {"9955", "9955", LABEL_SDV},             /* child maltreatment syndrome */
    {"9958", "9958", LABEL_SDV},             /* adult maltreatment */
    {"E9601", "E9601", LABEL_SDV},           /* rape */
    {"E967", "E967", LABEL_SDV},             /* perpetrator of abuse */
    {"V6111", "V6112", LABEL_SDV},           /* counselling, spousal abuse */
    {"V6121", "V6122", LABEL_SDV},           /* counselling, child abuse */
    {"V715", "V715", LABEL_SDV},             /* observation after alleged rape */
    {"V7181", "V7181", LABEL_SDV},           /* observation for abuse and neglect */
    {"270", "271", LABEL_GDIS},              /* disorders of amino-acids, carbohydrates */
    {"2727", "2727", LABEL_GDIS},            /* lipidoses */
    {"2734", "2734", LABEL_GDIS},            /* alpha-1-antitrypsin deficiency */
    {"2750", "2751", LABEL_GDIS},            /* disorders of iron, of copper (Wilson) */
    {"2770", "2770", LABEL_GDIS},            /* cystic fibrosis */
    {"2775", "2775", LABEL_GDIS},            /* mucopolysaccharidosis */
    {"27911", "27911", LABEL_GDIS},          /* DiGeorge syndrome */
    {"282", "282", LABEL_GDIS},              /* hereditary haemolytic anaemias */
    {"2860", "2864", LABEL_GDIS},            /* haemophilia, von Willebrand disease */
    {"3334", "3334", LABEL_GDIS},            /* Huntington's chorea */
    {"334", "334", LABEL_GDIS},              /* spinocerebellar disease */
    {"3350", "3351", LABEL_GDIS},            /* spinal muscular atrophy */
    {"3561", "3561", LABEL_GDIS},            /* peroneal muscular atrophy */
    {"3590", "3592", LABEL_GDIS},            /* hereditary muscular dystrophy, myotonia */
    {"7565", "7565", LABEL_GDIS},            /* osteodystrophies */
    {"758", "758", LABEL_GDIS},              /* chromosomal anomalies */
    {"7595", "7598", LABEL_GDIS},            /* phakomatoses, malformation syndromes */
    {"V263", "V263", LABEL_GDIS},            /* genetic counselling and testing */
    {"V827", "V827", LABEL_GDIS},            /* genetic screening */
    {"V83", "V84", LABEL_GDIS},              /* genetic carrier, susceptibility */
    {"606", "606", LABEL_SEX},               /* male infertility */
    {"60784", "60784", LABEL_SEX},           /* impotence of organic origin */
    {"628", "628", LABEL_SEX},               /* female infertility */
    {"630", "639", LABEL_SEX},               /* pregnancy with abortive outcome */
    {"V25", "V26", LABEL_SEX},               /* contraception, procreation */
    {"V617", "V617", LABEL_SEX},             /* unwanted pregnancy */
    {"V724", "V724", LABEL_SEX},             /* pregnancy examination or test */
};

uint32_t label_of_icd_9(const char *bare)
{
    return label_of_ranges(icd_9, WARD_COUNT(icd_9), bare);
}
