#include "services/records/exchange/plausible.h"

#include <stddef.h>
#include <string.h>

/* Source: H. Harutyunyan et al., Multitask learning and benchmarking with clinical time series
 * data, Scientific Data 6:96 (2019), doi:10.1038/s41597-019-0103-9; its variable_ranges.csv
 * (mimic3-benchmarks, MIT): ICU: "outlier low" and "outlier high". The authors drop values of
 * adults in intensive care outside these limits. VALID: the narrower "valid low" and "valid
 * high". */
#define ICU   "Harutyunyan 2019, doi:10.1038/s41597-019-0103-9, variable_ranges: outlier"
#define VALID "Harutyunyan 2019, doi:10.1038/s41597-019-0103-9, variable_ranges: valid"
/* Source: C. Daymont et al., Automated identification of implausible values in growth data from
 * pediatric electronic health records, JAMIA 24:1080 (2017), doi:10.1093/jamia/ocx037, and the
 * absolute limits of its growthcleanr (MIT). */
#define GROWTH "Daymont 2017, doi:10.1093/jamia/ocx037, growthcleanr: absolute limits"
/* Source: Guinness World Records, "Tallest man ever" (R. Wadlow, 272 cm) and "Heaviest man
 * ever" (J. B. Minnoch, 635 kg). */
#define TALLEST "low: Daymont 2017, doi:10.1093/jamia/ocx037; high: Guinness, tallest man ever"
#define HEAVIEST                                                                               \
    "low: Daymont 2017, doi:10.1093/jamia/ocx037; high: Guinness, heaviest man ever"
/* The possible range of a score. */
#define GCS    "the scale itself: Teasdale and Jennett, Lancet 304:81 (1974)"
#define APGAR  "the score itself: Apgar, Curr Res Anesth Analg 32:260 (1953)"
#define NIHSS  "the scale itself: Brott et al., Stroke 20:864 (1989)"
#define BRADEN "the scale itself: Bergstrom et al., Nurs Res 36:205 (1987)"
#define PAIN   "the rating itself: LOINC 72514-3, 0-10 verbal numeric rating"

/* clang-format off */
const struct plausible_range plausible_ranges[] = {
    /* vital signs */
    {"8867-4 8889-8 8893-0", "heart rate", "0", "390", "/min", "", ICU},
    {"9279-1", "respiratory rate", "0", "330", "/min", "", ICU},
    {"2708-6 59408-5", "oxygen saturation", "0", "100", "%", "1", VALID},
    {"8310-5 8328-7 8329-5 8331-1 8332-4 8333-0", "body temperature", "14.2", "47", "Cel", "[degF] K", ICU},
    {"8480-6 8459-0 8460-8 8461-6", "systolic blood pressure", "0", "375", "mm[Hg]", "kPa", ICU},
    {"8462-4 8453-3 8454-1 8455-8", "diastolic blood pressure", "0", "375", "mm[Hg]", "kPa", ICU},
    {"8478-0", "mean blood pressure", "0", "375", "mm[Hg]", "kPa", ICU},
    {"8302-2 8306-3 8308-9 3137-7", "body height", "18", "272", "cm", "m [in_i] [ft_i] mm", TALLEST},
    {"29463-7 3141-9 3142-7 8339-4", "body weight", "0.2", "635", "kg", "g [lb_av]", HEAVIEST},
    {"8287-5 9843-4", "head circumference", "13", "75", "cm", "[in_i] mm m", GROWTH},
    /* serum, plasma, blood */
    {"2345-7 2339-0 1558-6 41653-7", "glucose", "0", "2200", "mg/dL", "mg/L", ICU},
    {"2160-0 38483-4", "creatinine", "0", "66", "mg/dL", "mg/L", ICU},
    {"3094-0 6299-2", "urea nitrogen", "0", "275", "mg/dL", "mg/L", ICU},
    {"2951-2 2947-0", "sodium", "0", "250", "mmol/L", "umol/L", ICU},
    {"2823-3 6298-4", "potassium", "0", "15", "mmol/L", "umol/L", ICU},
    {"2075-0 2069-3", "chloride", "0", "200", "mmol/L", "umol/L", ICU},
    {"1963-8 1959-6 1960-4", "bicarbonate", "0", "66", "mmol/L", "umol/L", ICU},
    {"33037-3 1863-0", "anion gap", "0", "55", "mmol/L", "umol/L", ICU},
    {"19123-9", "magnesium", "0", "22", "mg/dL", "mg/L", ICU},
    {"2777-1", "phosphate", "0", "22", "mg/dL", "mg/L", ICU},
    {"1751-7", "albumin", "0.6", "6", "g/dL", "g/L mg/dL", VALID},
    {"1975-2", "bilirubin, total", "0", "66", "mg/dL", "mg/L", ICU},
    {"1742-6", "alanine aminotransferase", "0", "11000", "U/L", "", ICU},
    {"1920-8", "aspartate aminotransferase", "0", "22000", "U/L", "", ICU},
    {"6768-6", "alkaline phosphatase", "0", "4000", "U/L", "", ICU},
    {"2532-0 14804-9", "lactate dehydrogenase", "0", "35000", "U/L", "", ICU},
    {"2524-7 32693-4 2518-9", "lactate", "0", "33", "mmol/L", "umol/L", ICU},
    {"4544-3 20570-8", "haematocrit", "0", "100", "%", "1", ICU},
    {"718-7", "haemoglobin", "0", "30", "g/dL", "g/L", ICU},
    {"777-3 26515-7", "platelets", "0", "2200", "10*3/uL", "/uL", ICU},
    {"6690-2 26464-8", "leukocytes", "0", "1100", "10*3/uL", "/uL", ICU},
    {"2744-1 2746-6 11558-4", "pH of blood", "6.3", "8.4", "[pH]", "", VALID},
    {"2019-8", "partial pressure of carbon dioxide", "0", "220", "mm[Hg]", "", ICU},
    {"2703-7", "partial pressure of oxygen", "0", "770", "mm[Hg]", "", ICU},
    {"3150-6 19994-3", "fraction of inspired oxygen", "20", "100", "%", "1", VALID},
    {"5902-2", "prothrombin time", "0", "150", "s", "", ICU},
    {"14979-9 3173-2", "partial thromboplastin time", "0", "150", "s", "", ICU},
    {"20077-4", "positive end-expiratory pressure", "0", "30", "cm[H2O]", "", ICU},
    /* scores */
    {"9269-2", "Glasgow coma scale, total", "3", "15", "1", "", GCS},
    {"9267-6", "Glasgow coma scale, eyes", "1", "4", "1", "", GCS},
    {"9268-4", "Glasgow coma scale, motor", "1", "6", "1", "", GCS},
    {"9270-0", "Glasgow coma scale, verbal", "1", "5", "1", "", GCS},
    {"9271-8 9272-6 9274-2", "Apgar score", "0", "10", "1", "", APGAR},
    {"72089-6", "NIH stroke scale", "0", "42", "1", "", NIHSS},
    {"38227-5", "Braden scale", "6", "23", "1", "", BRADEN},
    {"72514-3", "pain rating", "0", "10", "1", "", PAIN},
    {0},
};
/* clang-format on */

const struct plausible_range *plausible_of(const char *loinc)
{
    size_t n = strlen(loinc);

    if (n == 0 || strchr(loinc, ' ') != NULL)
        return NULL;
    for (const struct plausible_range *r = plausible_ranges; r->loinc != NULL; r++) {
        for (const char *at = strstr(r->loinc, loinc); at != NULL; at = strstr(at + n, loinc)) {
            bool starts = at == r->loinc || at[-1] == ' ';

            if (starts && (at[n] == ' ' || at[n] == '\0'))
                return r;
        }
    }
    return NULL;
}
