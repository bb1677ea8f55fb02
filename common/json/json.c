#include "common/json/json.h"

#include "common/base/text.h"

#include <string.h>

bool ward_json_is(const struct ward_json *v, enum ward_json_kind kind)
{
    return v != NULL && v->kind == kind;
}

static const struct ward_json *member(const struct ward_json *v, const char *key, size_t n)
{
    if (!ward_json_is(v, WARD_JSON_OBJECT))
        return NULL;
    for (const struct ward_json *m = v->first; m != NULL; m = m->next)
        if (m->key_n == n && memcmp(m->key, key, n) == 0)
            return m;
    return NULL;
}

const struct ward_json *ward_json_get(const struct ward_json *v, const char *key)
{
    return member(v, key, strlen(key));
}

const struct ward_json *ward_json_at(const struct ward_json *v, size_t i)
{
    const struct ward_json *item;

    if (!ward_json_is(v, WARD_JSON_ARRAY) || i >= v->count)
        return NULL;
    for (item = v->first; i > 0; i--)
        item = item->next;
    return item;
}

const char *ward_json_string(const struct ward_json *v)
{
    return ward_json_is(v, WARD_JSON_STRING) ? v->text : NULL;
}

const char *ward_json_number(const struct ward_json *v)
{
    return ward_json_is(v, WARD_JSON_NUMBER) ? v->text : NULL;
}

bool ward_json_i64(const struct ward_json *v, int64_t *out)
{
    return ward_i64(ward_json_number(v), INT64_MIN, INT64_MAX, out);
}

bool ward_json_f64(const struct ward_json *v, double *out)
{
    return ward_f64(ward_json_number(v), out);
}

/* The recursion is bounded, because no value has more than WARD_JSON_DEPTH levels. */
bool ward_json_equal(const struct ward_json *a, const struct ward_json *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->kind != b->kind || a->count != b->count || a->n != b->n ||
        memcmp(a->text, b->text, a->n) != 0)
        return false;
    for (const struct ward_json *x = a->first, *y = b->first; x != NULL; x = x->next) {
        if (a->kind == WARD_JSON_OBJECT)
            y = member(b, x->key, x->key_n);
        if (!ward_json_equal(x, y))
            return false;
        y = y->next;
    }
    return true;
}
