/* Hospitals' spellings of units. A row cites a standard if one uses the spelling for the unit;
 * otherwise, it is marked as Ward's own convention:
 *   UCUM  a name or print symbol of the same unit in UCUM 2.1, or of a prefix and a unit
 *   SI    NIST Special Publication 811 (2008), tables and rules for unit names
 *   GB    GB 3100-93 and GB 3102, names of units in Chinese
 *   ISMP  ISMP List of Error-Prone Abbreviations (2021): gives the meaning and the right form
 *   OWN   Ward's convention: the meaning in all sources that Ward's authors found
 * Missing because the meaning would be a guess: "units" (enzyme, insulin or heparin), gr (grain
 * or gram), C and F (coulomb and farad), Mg and ML (mega or milli), M (molar, a million or, in
 * ISMP's list, a thousand), mM/L (which per litre), G/L (giga in French, grams in capitals),
 * K/mL and M/L, drops as millilitres. plain.c lists the unambiguous codes. */
#include "common/measure/synonyms.h"

#include "common/base/status.h"

#include <string.h>

enum source { UCUM, SI, GB, ISMP, OWN };

struct synonym {
    const char *from, *to;
    enum source source;
};

/* Exact spelling, because case distinguishes these. */
static const struct synonym exact[] = {
    {"IU", "[IU]", UCUM},    {"iu", "[IU]", OWN},     {"mIU", "m[IU]", UCUM},
    {"uIU", "u[IU]", UCUM},  {"kIU", "k[IU]", UCUM},  {"mEq", "meq", UCUM},
    {"uEq", "ueq", UCUM},    {"Eq", "eq", UCUM},      {"mOsm", "mosm", UCUM},
    {"mOsmol", "mosm", OWN}, {"mosmol", "mosm", OWN}, {"Cal", "[Cal]", UCUM},
    {"Kcal", "kcal", OWN},   {"Kg", "kg", OWN},       {"KG", "kg", OWN},
    {"CM", "cm", OWN},       {"mMol", "mmol", OWN},   {"umol/l", "umol/L", UCUM},
    {"KPa", "kPa", OWN},     {"kpa", "kPa", OWN},     {"Hours", "h", SI},
    {"MmHg", "mm[Hg]", OWN},
};

/* In any case. */
static const struct synonym words[] = {
    {"mcg", "ug", ISMP},
    {"mcl", "uL", OWN},
    {"mcmol", "umol", OWN},
    {"gm", "g", OWN},
    {"gms", "g", OWN},
    {"gram", "g", SI},
    {"grams", "g", SI},
    {"kgs", "kg", OWN},
    {"kilogram", "kg", SI},
    {"kilograms", "kg", SI},
    {"kilo", "kg", OWN},
    {"mgs", "mg", OWN},
    {"milligram", "mg", SI},
    {"milligrams", "mg", SI},
    {"microgram", "ug", SI},
    {"micrograms", "ug", SI},
    {"nanogram", "ng", SI},
    {"cc", "mL", ISMP},
    {"mls", "mL", OWN},
    {"milliliter", "mL", SI},
    {"milliliters", "mL", SI},
    {"liter", "L", SI},
    {"liters", "L", SI},
    {"litre", "L", SI},
    {"lb", "[lb_av]", UCUM},
    {"lbs", "[lb_av]", OWN},
    {"pound", "[lb_av]", UCUM},
    {"pounds", "[lb_av]", UCUM},
    {"oz", "[oz_av]", UCUM},
    {"ounce", "[oz_av]", UCUM},
    {"ounces", "[oz_av]", UCUM},
    {"in", "[in_i]", UCUM},
    {"inch", "[in_i]", UCUM},
    {"inches", "[in_i]", UCUM},
    {"ft", "[ft_i]", UCUM},
    {"feet", "[ft_i]", UCUM},
    {"foot", "[ft_i]", UCUM},
    {"centimeter", "cm", SI},
    {"centimeters", "cm", SI},
    {"meter", "m", SI},
    {"hr", "h", OWN},
    {"hrs", "h", OWN},
    {"hour", "h", SI},
    {"hours", "h", SI},
    {"sec", "s", OWN},
    {"secs", "s", OWN},
    {"second", "s", SI},
    {"seconds", "s", SI},
    {"mins", "min", OWN},
    {"minute", "min", SI},
    {"minutes", "min", SI},
    {"day", "d", SI},
    {"days", "d", SI},
    {"week", "wk", UCUM},
    {"weeks", "wk", UCUM},
    {"wks", "wk", OWN},
    {"month", "mo", UCUM},
    {"months", "mo", UCUM},
    {"mos", "mo", OWN},
    {"year", "a", UCUM},
    {"years", "a", UCUM},
    {"yr", "a", OWN},
    {"yrs", "a", OWN},
    {"msec", "ms", OWN},
    {"mmhg", "mm[Hg]", UCUM},
    {"mm hg", "mm[Hg]", UCUM},
    {"cmh2o", "cm[H2O]", UCUM},
    {"cm h2o", "cm[H2O]", UCUM},
    {"mmh2o", "mm[H2O]", UCUM},
    {"inhg", "[in_i'Hg]", UCUM},
    {"torr", "Torr", UCUM},
    {"celsius", "Cel", SI},
    {"degc", "Cel", SI},
    {"deg c", "Cel", SI},
    {"fahrenheit", "[degF]", UCUM},
    {"degf", "[degF]", UCUM},
    {"deg f", "[degF]", UCUM},
    {"percent", "%", UCUM},
    {"pct", "%", OWN},
    {"ppm", "[ppm]", UCUM},
    {"ppb", "[ppb]", UCUM},
    {"hpf", "[HPF]", UCUM},
    {"lpf", "[LPF]", UCUM},
    {"cfu", "[CFU]", UCUM},
    {"pfu", "[PFU]", UCUM},
    {"gtt", "[drp]", UCUM},
    {"gtts", "[drp]", UCUM},
    {"ph", "[pH]", UCUM},
    {"cumm", "mm3", OWN},
    {"cu mm", "mm3", OWN},
    {"cmm", "mm3", OWN},
    {"sq m", "m2", OWN},
    {"sqm", "m2", OWN},
    {"cells", "{cells}", UCUM},
    {"cell", "{cells}", UCUM},
    {"copies", "{copies}", UCUM},
    {"beats", "{beats}", UCUM},
    {"breaths", "{breaths}", UCUM},
    {"tablet", "{tablet}", UCUM},
    {"tablets", "{tablet}", UCUM},
    {"capsule", "{capsule}", OWN},
    {"capsules", "{capsule}", OWN},
    {"puff", "{puff}", OWN},
    {"puffs", "{puff}", OWN},
    {"score", "{score}", UCUM},
};

/* Units in Chinese. */
static const struct synonym chinese[] = {
    {"毫克", "mg", GB},        {"微克", "ug", GB},
    {"克", "g", GB},           {"千克", "kg", GB},
    {"公斤", "kg", GB},        {"毫升", "mL", GB},
    {"升", "L", GB},           {"微升", "uL", GB},
    {"厘米", "cm", GB},        {"毫米", "mm", GB},
    {"米", "m", GB},           {"秒", "s", GB},
    {"分", "min", GB},         {"分钟", "min", OWN},
    {"小时", "h", GB},         {"时", "h", GB},
    {"天", "d", GB},           {"日", "d", GB},
    {"周", "wk", OWN},         {"月", "mo", OWN},
    {"年", "a", GB},           {"岁", "a", OWN},
    {"毫摩尔", "mmol", GB},    {"微摩尔", "umol", GB},
    {"摩尔", "mol", GB},       {"摄氏度", "Cel", GB},
    {"千帕", "kPa", GB},       {"毫米汞柱", "mm[Hg]", GB},
    {"国际单位", "[IU]", OWN}, {"次", "{count}", OWN},
    {"个", "{count}", OWN},    {"片", "{tablet}", OWN},
    {"粒", "{capsule}", OWN},  {"滴", "[drp]", OWN},
};

/* Whole units, as written or with corrected powers. Some are UCUM codes of quantities that
 * nobody measures: kelvin per microlitre, tesla per litre, femtotonnes. None of these may be
 * treated as a word: mM/L is not mmol/L/L. */
static const struct synonym wholes[] = {
    {"mM", "mmol/L", OWN},
    {"uM", "umol/L", OWN},
    {"nM", "nmol/L", OWN},
    {"pM", "pmol/L", OWN},
    {"pH", "[pH]", UCUM},
    {"PH", "[pH]", OWN},
    {"ph", "[pH]", OWN},
    {"ft", "[ft_i]", UCUM},
    {"K/uL", "10*3/uL", ISMP},
    {"k/uL", "10*3/uL", ISMP},
    {"K/ul", "10*3/uL", ISMP},
    {"k/ul", "10*3/uL", ISMP},
    {"K/mm3", "10*3/uL", ISMP},
    {"k/mm3", "10*3/uL", ISMP},
    {"K/mcL", "10*3/uL", ISMP},
    {"M/uL", "10*6/uL", OWN},
    {"M/ul", "10*6/uL", OWN},
    {"M/mm3", "10*6/uL", OWN},
    {"M/mcL", "10*6/uL", OWN},
    {"M/mL", "10*6/mL", OWN},
    {"M/ml", "10*6/mL", OWN},
    {"T/L", "10*12/L", OWN},
    {"T/l", "10*12/L", OWN},
    {"bpm", "/min", OWN},
    {"BPM", "/min", OWN},
    {"beats/min", "/min", OWN},
    {"breaths/min", "/min", OWN},
    {"br/min", "/min", OWN},
    {"resp/min", "/min", OWN},
    {"(score)", "{score}", OWN},
    {"次/分", "/min", OWN},
    {"次/分钟", "/min", OWN},
    {"次/min", "/min", OWN},
    {"mm/1h", "mm/h", OWN},
    {"mL/min/1.73m2", "mL/min/{1.73_m2}", UCUM},
    {"ml/min/1.73m2", "mL/min/{1.73_m2}", UCUM},
    {"mL/min/1.73 m2", "mL/min/{1.73_m2}", UCUM},
    {"ml/min/1.73 m2", "mL/min/{1.73_m2}", UCUM},
    {"mL/min/1.73m^2", "mL/min/{1.73_m2}", UCUM},
    {"mL/min/{1.73m2}", "mL/min/{1.73_m2}", UCUM},
};

/* Characters that stand for ASCII ones. */
static const struct synonym marks[] = {
    {"µ", "u", UCUM},    {"μ", "u", UCUM},       {"℃", "Cel", UCUM},    {"℉", "[degF]", UCUM},
    {"°C", "Cel", UCUM}, {"°F", "[degF]", UCUM}, {"‰", "[ppth]", UCUM}, {"×", "x", SI},
    {"·", ".", SI},      {"•", ".", SI},         {"⋅", ".", SI},        {"⁰", "^0", SI},
    {"¹", "^1", SI},     {"²", "^2", SI},        {"³", "^3", SI},       {"⁴", "^4", SI},
    {"⁵", "^5", SI},     {"⁶", "^6", SI},        {"⁷", "^7", SI},       {"⁸", "^8", SI},
    {"⁹", "^9", SI},     {"⁻", "^-", SI},        {"−", "-", SI},        {"㎍", "ug", UCUM},
    {"㎎", "mg", UCUM},  {"㎏", "kg", UCUM},     {"㎕", "uL", UCUM},    {"㎖", "mL", UCUM},
    {"㎗", "dL", UCUM},  {"㎜", "mm", UCUM},     {"㎝", "cm", UCUM},    {"㎡", "m2", UCUM},
    {"㎥", "m3", UCUM},  {"㏄", "cc", ISMP},     {"　", " ", SI},
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(const char *a, const char *s, size_t n, bool any_case)
{
    if (strlen(a) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (a[i] != (any_case ? lower(s[i]) : s[i]))
            return false;
    return true;
}

static const char *find(const struct synonym *table, size_t rows, const char *s, size_t n,
                        bool any_case)
{
    for (size_t i = 0; i < rows; i++)
        if (same(table[i].from, s, n, any_case))
            return table[i].to;
    return NULL;
}

const char *ward_ucum_whole(const char *s, size_t n)
{
    return find(wholes, WARD_COUNT(wholes), s, n, false);
}

const char *ward_ucum_word(const char *s, size_t n)
{
    const char *to = find(exact, WARD_COUNT(exact), s, n, false);

    if (to == NULL)
        to = find(chinese, WARD_COUNT(chinese), s, n, false);
    return to != NULL ? to : find(words, WARD_COUNT(words), s, n, true);
}

const char *ward_ucum_mark(const char *s, size_t n, size_t *used)
{
    for (size_t i = 0; i < WARD_COUNT(marks); i++) {
        size_t len = strlen(marks[i].from);

        if (len <= n && memcmp(marks[i].from, s, len) == 0) {
            *used = len;
            return marks[i].to;
        }
    }
    return NULL;
}

const char *ward_ucum_synonym(size_t i, const char **to)
{
    static const struct {
        const struct synonym *rows;
        size_t n;
    } tables[] = {{exact, WARD_COUNT(exact)},
                  {words, WARD_COUNT(words)},
                  {chinese, WARD_COUNT(chinese)},
                  {wholes, WARD_COUNT(wholes)},
                  {marks, WARD_COUNT(marks)}};

    for (size_t t = 0; t < WARD_COUNT(tables); i -= tables[t].n, t++)
        if (i < tables[t].n) {
            *to = tables[t].rows[i].to;
            return tables[t].rows[i].from;
        }
    return NULL;
}
