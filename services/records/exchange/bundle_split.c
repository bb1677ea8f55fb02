#include "services/records/exchange/bundle_split.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void copy(char *out, const struct bundle_split *s)
{
    size_t n = s->n < BUNDLE_WORD ? s->n : 0; /* a longer word is unknown and counts as "" */

    memcpy(out, s->word, n);
    out[n] = '\0';
}

static void string_ends(struct bundle_split *s)
{
    s->in_string = false;
    if (s->depth != 1)
        return;
    if (s->expects_key) {
        copy(s->key, s);
        s->expects_key = false;
    } else if (strcmp(s->key, "type") == 0) {
        copy(s->type, s);
    } else if (strcmp(s->key, "resourceType") == 0) {
        copy(s->resource_type, s);
    }
}

static void in_string(struct bundle_split *s, char c)
{
    if (!s->escaped && c == '"') {
        string_ends(s);
        return;
    }
    s->escaped = !s->escaped && c == '\\';
    if (s->n < BUNDLE_WORD - 1)
        s->word[s->n++] = c;
    else
        s->n = BUNDLE_WORD;
}

/* Processes a byte outside a string. Returns true at the object's end. */
static bool outside_string(struct bundle_split *s, char c)
{
    switch (c) {
    case '"':
        s->in_string = true;
        s->escaped = false;
        s->n = 0;
        return false;
    case '{':
    case '[':
        s->expects_key = ++s->depth == 1;
        return false;
    case '}':
    case ']':
        return --s->depth <= 0;
    case ',':
        s->expects_key = s->expects_key || s->depth == 1;
        return false;
    default:
        return false;
    }
}

/* Returns the length of the text of a string below the first level. Only its end matters. */
static size_t plain(const struct bundle_split *s, const char *p, size_t n)
{
    size_t i = 0;

    if (!s->in_string || s->escaped || s->depth == 1)
        return 0;
    while (i < n && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

size_t bundle_split(struct bundle_split *s, const char *p, size_t n, size_t *skip, bool *ends)
{
    size_t i = 0;

    *ends = false;
    while (!s->inside && i < n && is_space(p[i]))
        i++;
    *skip = i;
    if (i < n && !s->inside)
        *s = (struct bundle_split){.inside = true};
    while (i < n && !*ends) {
        i += plain(s, p + i, n - i);
        if (i == n)
            break;
        if (s->in_string)
            in_string(s, p[i]);
        else
            *ends = outside_string(s, p[i]);
        i++;
    }
    s->inside = s->inside && !*ends;
    return i;
}
