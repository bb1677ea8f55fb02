/* A search's parameter: any bytes as its value give a condition whose text is the program's
 * own, with a value for each "?", or a refusal that names the parameter alone.
 * links: records
 * max_len: 300 */
#include "services/records/search/plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA ((size_t)4 << 20)

/* In place of the service's key: no database is here. */
enum ward_code ward_keyring_hash(struct ward_keyring *k, const char *what, const void *data,
                                 size_t n, uint8_t out[WARD_SHA256_SIZE], struct ward_err *err)
{
    const struct ward_bytes parts[] = {{what, strlen(what)}, {data, n}};

    (void)k, (void)err;
    ward_sha256_parts(parts, 2, out);
    return WARD_OK;
}

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void is_whole(const struct filter *f)
{
    const struct value *v = f->value;

    if (f->modifier == MOD_MISSING || f->modifier == MOD_PRESENT)
        return;
    check(f->n == 1 && v != NULL, "no value");
    switch (f->param->ask) {
    case ASK_UPDATED:
    case ASK_DATE:
    case ASK_SECOND:
        check(v->from_us < v->to_us, "an empty interval");
        break;
    case ASK_QUANTITY:
        check(v->low <= v->number + v->eps && v->number - v->eps <= v->high, "not around it");
        check(v->unit != NULL && strlen(v->unit) <= 32, "no unit");
        break;
    case ASK_STATUS:
        check(v->status > 0, "no status");
        break;
    case ASK_ID:
    case ASK_PATIENT:
        break;
    default:
        check(v->n_groups > 0, "no token");
        for (size_t i = 0; i < v->n_groups; i++)
            check(v->group[i].n > 0, "an empty group");
    }
}

static void is_ours(const struct filter *f, struct ward_arena *mem)
{
    static const char OURS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               " _.,=<>()?+-";
    struct sql q;
    size_t marks = 0;

    check(sql_begin(&q, mem, NULL) == WARD_OK, "no memory");
    cond_filter(&q, f);
    check(!q.full && strspn(q.text, OURS) == q.n, "a character that is not ours");
    for (const char *c = q.text; *c != '\0'; c++)
        marks += *c == '?';
    check(marks == q.n_values, "a value too many or too few");
}

static void is_refused_well(const struct ward_err *err, const char *name, const char *value)
{
    check(err->code == WARD_INVALID_ARGUMENT || err->code == WARD_RESOURCE_EXHAUSTED, "a code");
    if (strcmp(err->reason, "PARAMETER_INVALID") == 0)
        check(strcmp(err->field, name) == 0, "another field");
    if (strlen(value) > 12 && strstr(name, value) == NULL) /* an error may name the parameter */
        check(strstr(err->msg, value) == NULL, "a value in an error");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const modifiers[] = {"",    "",        "",      "",
                                            "not", "missing", "exact", "Practitioner"};
    Ward__Records__V1__SearchRequest q = WARD__RECORDS__V1__SEARCH_REQUEST__INIT;
    Ward__Records__V1__Parameter p = WARD__RECORDS__V1__PARAMETER__INIT, *list[] = {&p};
    const struct search_param *param = search_params;
    struct search s = {.asked_us = INT64_C(1772323200000000)};
    struct ward_err err = {0};
    struct ward_arena mem;
    char value[300], *values[] = {value};
    size_t n = 0;

    if (size < 2 || size - 2 >= sizeof(value))
        return 0;
    memcpy(value, data + 2, size - 2);
    value[size - 2] = '\0';
    while (search_params[n].name != NULL)
        n++;
    param += data[0] % n;
    while ((param->kinds & KIND_BIT(s.kind)) == 0)
        s.kind++;
    p.name = (char *)(uintptr_t)param->name;
    p.modifier = (char *)(uintptr_t)modifiers[data[1] % WARD_COUNT(modifiers)];
    p.n_values = q.n_parameters = 1;
    p.values = values;
    q.parameters = list;
    ward_arena_init(&mem, ARENA);
    if (search_read(&(struct search_reader){.mem = &mem, .err = &err}, &q, &s) == WARD_OK) {
        is_whole(&s.filter[0]);
        is_ours(&s.filter[0], &mem);
    } else {
        is_refused_well(&err, param->name, value);
    }
    ward_arena_done(&mem);
    return 0;
}
