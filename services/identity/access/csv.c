#include "services/identity/access/csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct csv *c, const char *s, size_t n)
{
    if (c->full || n > c->cap - c->n) {
        c->full = true;
        return;
    }
    memcpy(c->at + c->n, s, n);
    c->n += n;
}

static void begin_field(struct csv *c)
{
    if (c->inside)
        put(c, ",", 1);
    c->inside = true;
}

static void quoted(struct csv *c, const char *s)
{
    put(c, "\"", 1);
    for (; *s != '\0'; s++)
        put(c, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    put(c, "\"", 1);
}

void csv_text(struct csv *c, const char *s)
{
    char safe[256];

    begin_field(c);
    if (*s != '\0' && strchr("=+-@\t\r", *s) != NULL) {
        if (strlen(s) + 2 > sizeof(safe))
            c->full = true;
        snprintf(safe, sizeof(safe), "'%s", s);
        s = safe;
    }
    if (strpbrk(s, ",\"\r\n") != NULL)
        quoted(c, s);
    else
        put(c, s, strlen(s));
}

void csv_int(struct csv *c, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, v);

    begin_field(c);
    put(c, text, (size_t)n);
}

void csv_end_line(struct csv *c)
{
    put(c, "\r\n", 2);
    c->inside = false;
}
