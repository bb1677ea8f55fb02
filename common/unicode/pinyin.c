#include "common/unicode/pinyin.h"

#include <pthread.h>
#include <string.h>
#include <unistr.h>

#define FIRST         0x4e00u
#define LAST          0x9fffu
#define SYLLABLE      8
#define SYLLABLES_MAX 512

extern const char ward_pinyin_table[]; /* pinyin.txt */

static struct {
    char syllable[SYLLABLES_MAX][SYLLABLE]; /* [0] is "": no reading */
    uint16_t of[LAST - FIRST + 1];
} table;

/* Characters whose reading as a surname differs from their usual reading. The list has no
 * published source. */
static const struct {
    ucs4_t character;
    const char *reading;
} surnames[] = {{0x66fe, "zeng"}, {0x5355, "shan"},  {0x55ae, "shan"}, {0x89e3, "xie"},
                {0x4ec7, "qiu"},  {0x67e5, "zha"},   {0x76d6, "ge"},   {0x84cb, "ge"},
                {0x4e50, "yue"},  {0x6a02, "yue"},   {0x533a, "ou"},   {0x5340, "ou"},
                {0x6734, "piao"}, {0x7fdf, "zhai"},  {0x8983, "qin"},  {0x7f2a, "miao"},
                {0x7e46, "miao"}, {0x79cd, "chong"}, {0x53ec, "shao"}, {0x5c09, "yu"},
                {0x9ed1, "he"},   {0x7e41, "po"},    {0x5458, "yun"},  {0x54e1, "yun"}};

static void read_line(const char *line, const char *end, size_t *n)
{
    const char *space = memchr(line, ' ', (size_t)(end - line));
    ucs4_t c;

    if (*line == '#' || space == NULL || space - line >= SYLLABLE || *n == SYLLABLES_MAX)
        return;
    memcpy(table.syllable[*n], line, (size_t)(space - line));
    for (const char *p = space + 1; p < end;) {
        p += u8_mbtouc(&c, (const uint8_t *)p, (size_t)(end - p));
        if (c >= FIRST && c <= LAST)
            table.of[c - FIRST] = (uint16_t)*n;
    }
    ++*n;
}

static void read_table(void)
{
    size_t n = 1;

    for (const char *line = ward_pinyin_table, *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL)
            return;
        read_line(line, end, &n);
    }
}

static const char *reading_of(ucs4_t c, bool surname)
{
    for (size_t i = 0; surname && i < WARD_COUNT(surnames); i++)
        if (surnames[i].character == c)
            return surnames[i].reading;
    return c >= FIRST && c <= LAST ? table.syllable[table.of[c - FIRST]] : "";
}

enum ward_code ward_pinyin(struct ward_arena *mem, const char *folded, bool surname,
                           const char *const **out, size_t *n, struct ward_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const uint8_t *p = (const uint8_t *)folded, *end = p + strlen(folded);
    const char **syllables = ward_alloc(mem, ((size_t)(end - p) / 3 + 1) * sizeof(*syllables));
    size_t k = 0;

    if (syllables == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to read a name");
    pthread_once(&once, read_table);
    *out = NULL;
    *n = 0;
    for (ucs4_t c; p < end; k++) {
        p += u8_mbtouc(&c, p, (size_t)(end - p));
        syllables[k] = reading_of(c, surname && k == 0);
        if (*syllables[k] == '\0')
            return WARD_OK;
    }
    *out = k > 0 ? syllables : NULL;
    *n = k;
    return WARD_OK;
}

enum ward_code ward_pinyin_join(struct ward_arena *mem, const char *const *syllables,
                                size_t from, size_t n, char **out, struct ward_err *err)
{
    char *to = *out = ward_alloc(mem, (n - from) * SYLLABLE + 1);

    if (to == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to read a name");
    for (size_t i = from; i < n; i++)
        to = stpcpy(to, syllables[i]);
    return WARD_OK;
}
