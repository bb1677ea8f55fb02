/* UCUM codes that a text may mean without declaring UCUM. A symbol that is missing here is
 * rejected, even if UCUM defines it, because hospitals use the symbol for something else:
 *   ML MG Mg Ml Mmol Gm        capitals or milli, not mega and giga; in UCUM, MG is megagauss
 *   M K                        thousand or million (ISMP List of Error-Prone Abbreviations,
 *                              2021)
 *   G T P                      gram in capitals, giga; tablet, tera; pulse. UCUM: gauss, tesla,
 *                              poise
 *   C F deg                    degrees of temperature. UCUM: coulomb, farad, a plane angle
 *   H ph                       hour in capitals; pH. UCUM: henry, phot
 *   u AU                       units, or micro; arbitrary units. UCUM: dalton, the distance of
 *                              the sun
 *   t ft pt st                 tablet, foot, pint or patient, stone. UCUM: tonnes; stere
 *   b B                        beats, billion. UCUM: barn, bel
 *   S N R A V with letters     seconds, normal; only the combinations below are permitted
 *   ' '' pc Gal                minutes or feet, inches, pieces, gallon. UCUM: angles, parsec,
 *                              cm/s2
 *   as am hs pm                before and after noon, at bedtime. UCUM: seconds and metres
 * A code with brackets is not an abbreviation of anything else. */
#include "common/measure/atoms.h"
#include "common/measure/synonyms.h"

#include "common/base/status.h"

#include <string.h>

static const struct {
    const char *atom;
    const char *prefixes; /* permitted one-letter prefixes; "-": also without a prefix */
} plain[] = {
    {"g", "-kmunpfcd"}, {"L", "-dcmunpf"}, {"l", "-dcmunpf"}, {"m", "-kdcmun"},
    {"s", "-mun"},      {"min", "-"},      {"h", "-"},        {"d", "-"},
    {"wk", "-"},        {"mo", "-"},       {"a", "-"},        {"mol", "-kmunpf"},
    {"eq", "-mun"},     {"osm", "-m"},     {"kat", "-mun"},   {"U", "-kmun"},
    {"%", "-"},         {"g%", "-mun"},    {"Cel", "-"},      {"Pa", "-khM"},
    {"bar", "-m"},      {"atm", "-"},      {"Torr", "-"},     {"cal", "-k"},
    {"J", "-kMm"},      {"W", "-kmu"},     {"V", "-kmu"},     {"A", "-mun"},
    {"Hz", "-kMG"},     {"Ohm", "-kMm"},   {"Bq", "-kMG"},    {"Ci", "-mu"},
    {"Gy", "-mcu"},     {"Sv", "-mu"},     {"eV", "-kM"},     {"dyn", "-"},
    {"S", "mu"},        {"P", "mc"},       {"B", "d"},        {"St", "c"},
    {"lx", "-"},        {"rad", "-"},      {"bit", "-"},      {"By", "-kMG"},
};

/* Whole texts that are permitted although their symbols are not. */
static const char *const shorthand[] = {
    "U",      "U/h",       "U/d",      "U/kg", /* insulin, heparin: international units */
    "U/min",  "U/kg/h",    "U/kg/min", "U/kg/d",
    "mU/min", "mU/kg/min", "mm/L",     "mm/l", /* millimoles */
};

static bool is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < WARD_COUNT(plain); i++) {
        size_t len = strlen(plain[i].atom);

        if ((n != len && n != len + 1) || memcmp(s + n - len, plain[i].atom, len) != 0)
            continue;
        if (strchr(plain[i].prefixes, n == len ? '-' : s[0]) != NULL)
            return true;
    }
    return false;
}

bool ward_ucum_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < WARD_COUNT(shorthand); i++)
        if (strlen(shorthand[i]) == n && memcmp(shorthand[i], s, n) == 0)
            return false;
    for (size_t i = 0; i < n;) {
        size_t from = i;
        bool brackets = false;

        if (s[i] == '{') {
            const char *end = memchr(s + i, '}', n - i);

            i = end == NULL ? n : (size_t)(end - s) + 1;
            continue;
        }
        while (i < n && (brackets || strchr("+-./(){0123456789*^", s[i]) == NULL)) {
            brackets = brackets || s[i] == '[';
            brackets = brackets && s[i] != ']';
            i++;
        }
        if (i == from)
            i++; /* a separator */
        else if (memchr(s + from, '[', i - from) == NULL && !is_plain(s + from, i - from))
            return false;
    }
    return true;
}
