#include "services/dosage/check/shown.h"

#include "common/base/status.h"

#include <string.h>

#define GROUPED_FROM 5 /* digits before the point: from 10,000 on */
#define GROW         6 /* maximum bytes that one byte of a unit becomes */

/* A part of a unit, delimited by "/" and ".". The annotation of a count has no braces here. */
struct unit_name {
    const char *code, *en, *zh;
};
static const struct unit_name NAMES[] = {
    {"ug", "mcg", "微克"},
    {"[IU]", "units", "单位"},
    {"[iU]", "units", "单位"},
    {"k[IU]", "thousand units", "千单位"},
    {"M[IU]", "million units", "百万单位"},
    {"m[IU]", "milliunits", "毫单位"},
    {"meq", "mEq", "mEq"},
    {"m2", "m²", "m²"},
    {"d", "day", "日"},
    {"h", "h", "小时"},
    {"min", "min", "分钟"},
    {"tablet", "tablet", "片"},
    {"capsule", "capsule", "粒"},
    {"vial", "vial", "瓶"},
    {"ampoule", "ampoule", "支"},
    {"suppository", "suppository", "枚"},
    {"patch", "patch", "贴"},
    {"spray", "spray", "喷"},
    {"inhalation", "inhalation", "吸"},
    {"injection", "injection", "支"},
    {"syringe", "syringe", "支"},
    {"drop", "drop", "滴"},
    {"dose", "dose", "剂"},
};

struct writer {
    char *to;
    size_t n;
};

static void put(struct writer *w, const char *s, size_t n)
{
    memcpy(w->to + w->n, s, n);
    w->n += n;
}

/* Writes "1000000.5" as "1,000,000.5"; numbers below 10,000 are unchanged. */
static void put_number(struct writer *w, const char *s, size_t n)
{
    const char *point = memchr(s, '.', n);
    size_t whole = point == NULL ? n : (size_t)(point - s);

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && i < whole && whole >= GROUPED_FROM && (whole - i) % 3 == 0)
            put(w, ",", 1);
        put(w, s + i, 1);
    }
}

static void put_part(struct writer *w, const char *s, size_t n, bool zh)
{
    if (n > 2 && s[0] == '{' && s[n - 1] == '}')
        s++, n -= 2;
    for (size_t i = 0; i < WARD_COUNT(NAMES); i++)
        if (strncmp(NAMES[i].code, s, n) == 0 && NAMES[i].code[n] == '\0') {
            const char *name = zh ? NAMES[i].zh : NAMES[i].en;

            put(w, name, strlen(name));
            return;
        }
    put(w, s, n);
}

static void put_unit(struct writer *w, const char *s, size_t n, bool zh)
{
    size_t from = 0;

    for (size_t i = 0; i <= n; i++)
        if (i == n || s[i] == '/') {
            put_part(w, s + from, i - from, zh);
            if (i < n)
                put(w, "/", 1);
            from = i + 1;
        }
}

static void put_amount(struct writer *w, const char *s, size_t n, bool zh)
{
    const char *space = memchr(s, ' ', n);
    size_t number = space == NULL ? n : (size_t)(space - s);

    put_number(w, s, number);
    if (space == NULL)
        return;
    put(w, " ", 1);
    put_unit(w, space + 1, n - number - 1, zh);
}

char *shown(struct ward_arena *mem, const char *sentence, bool zh)
{
    struct writer w = {.to = ward_alloc(mem, GROW * strlen(sentence) + 1)};

    if (w.to == NULL)
        return NULL;
    for (const char *s = sentence; *s != '\0';) {
        const char *from = strchr(s, SHOWN_FROM);
        const char *to = from == NULL ? NULL : strchr(from, SHOWN_TO);

        if (to == NULL) {
            put(&w, s, strlen(s));
            break;
        }
        put(&w, s, (size_t)(from - s));
        put_amount(&w, from + 1, (size_t)(to - from) - 1, zh);
        s = to + 1;
    }
    w.to[w.n] = '\0';
    return w.to;
}
