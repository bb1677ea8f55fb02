/* Converts each parameter to a condition on resource r of patient p. */
#include "services/records/search/plan.h"

#include <string.h>

/* A subquery that returns 1 or no row. The database could convert an EXISTS to a join with
 * `token` as the driving table.
 */
#define TOKEN_OF_R                                                                             \
    "(SELECT 1 FROM token t FORCE INDEX (token_of) WHERE t.patient_id = r.patient_id"          \
    " AND t.resource_id = r.resource_id AND t.param IN "
#define TOKEN_EXACTLY                                                                          \
    "(SELECT 1 FROM token t WHERE t.patient_id = r.patient_id AND t.param = ?"                 \
    " AND t.hash = ? AND t.at_us = r.from_us AND t.resource_id = r.resource_id LIMIT 1)"
#define HAS_DATE "r.from_us >= -9223372036854775807" /* DATE_SINCE */

static struct ward_val number(struct ward_arena *mem, int64_t v)
{
    return ward_int(mem, v);
}

/* ---- lists ---- */

struct listed {
    struct ward_arena *mem;
    const struct tokens *tokens;
    const struct token **different;
    const struct filter *filter;
};

/* The i-th different parameter of the tokens. */
static struct ward_val param_at(const void *arg, size_t i)
{
    const struct listed *l = arg;

    return number(l->mem, l->different[i]->param);
}

static struct ward_val hash_at(const void *arg, size_t i)
{
    const struct listed *l = arg;

    return ward_blob(l->tokens->at[i].hash, TOKEN_HASH);
}

static struct ward_val id_at(const void *arg, size_t i)
{
    const struct listed *l = arg;

    return ward_blob(l->filter->value[i].id, RECORDS_ID);
}

static struct ward_val status_at(const void *arg, size_t i)
{
    const struct listed *l = arg;

    return number(l->mem, l->filter->value[i].status);
}

static struct ward_val kind_of_token(const void *arg, size_t i)
{
    const struct listed *l = arg;

    return number(l->mem, l->filter->param->token[i]);
}

static bool is_new(const struct token *const *list, size_t n, enum param param)
{
    for (size_t i = 0; i < n; i++)
        if (list[i]->param == param)
            return false;
    return true;
}

void cond_tokens(struct sql *q, const char *param, const char *hash, const struct tokens *any)
{
    const struct token **different = ward_alloc(q->mem, any->n * sizeof(*different));
    struct listed l = {.mem = q->mem, .tokens = any, .different = different};
    size_t n = 0;

    if (different == NULL) {
        q->full = true;
        return;
    }
    for (size_t i = 0; i < any->n; i++)
        if (is_new(different, n, any->at[i].param))
            different[n++] = &any->at[i];
    sql_put(q, param);
    sql_list(q, param_at, &l, n);
    sql_put(q, hash);
    sql_list(q, hash_at, &l, any->n);
}

void cond_ids(struct sql *q, const char *column, const struct filter *f)
{
    struct listed l = {.mem = q->mem, .filter = f};

    sql_put(q, column);
    sql_list(q, id_at, &l, f->n);
}

/* ---- tokens ---- */

static void group(struct sql *q, const struct tokens *any)
{
    if (any->n == 1) {
        sql_put(q, TOKEN_EXACTLY " IS NOT NULL");
        sql_bind(q, number(q->mem, any->at[0].param));
        sql_bind(q, ward_blob(any->at[0].hash, TOKEN_HASH));
        return;
    }
    cond_tokens(q, TOKEN_OF_R, " AND t.hash IN ", any);
    sql_put(q, " LIMIT 1) IS NOT NULL");
}

static void by_tokens(struct sql *q, const struct filter *f)
{
    sql_put(q, f->modifier == MOD_NOT ? "NOT (" : "(");
    for (size_t i = 0; i < f->n; i++) {
        sql_put(q, i == 0 ? "(" : " OR (");
        for (size_t k = 0; k < f->value[i].n_groups; k++) {
            sql_put(q, k == 0 ? "" : " AND ");
            group(q, &f->value[i].group[k]);
        }
        sql_put(q, ")");
    }
    sql_put(q, ")");
}

/* ---- dates and numbers ---- */

/* F to T is the resource's interval, a to b is the parameter's interval. Both intervals are
 * half-open. */
#define DATES(F, T)                                                                            \
    {                                                                                          \
        [PRE_EQ] = {"(" F " >= ? AND " T " <= ?)", "ab"},                                      \
        [PRE_NE] = {"(" F " < ? OR " T " > ?)", "ab"}, [PRE_GT] = {T " > ?", "b"},             \
        [PRE_LT] = {F " < ?", "a"}, [PRE_GE] = {"(" F " >= ? OR " T " > ?)", "ab"},            \
        [PRE_LE] = {"(" F " < ? OR " T " <= ?)", "ab"}, [PRE_SA] = {F " >= ?", "b"},           \
        [PRE_EB] = {T " <= ?", "a"}, [PRE_AP] = {"(" T " > ? AND " F " < ?)", "ab"},           \
    }
struct compared {
    const char *fragment, *with;
};

static void by_date(struct sql *q, const struct filter *f, const struct compared *how)
{
    sql_put(q, "(");
    for (size_t i = 0; i < f->n; i++) {
        const struct compared *c = &how[f->value[i].prefix];

        sql_put(q, i == 0 ? "" : " OR ");
        sql_put(q, c->fragment);
        for (const char *w = c->with; *w != '\0'; w++)
            sql_bind(q, number(q->mem, *w == 'a' ? f->value[i].from_us : f->value[i].to_us));
    }
    sql_put(q, ")");
}

static void by_number(struct sql *q, const struct value *v)
{
    switch (v->prefix) {
    case PRE_EQ:
    case PRE_AP:
        sql_put_num(q, "r.value >= ?", v->low - v->eps);
        sql_put_num(q, " AND r.value < ?",
                    v->prefix == PRE_AP ? v->high + v->eps : v->high - v->eps);
        break;
    case PRE_NE:
        sql_put_num(q, "(r.value < ?", v->low - v->eps);
        sql_put_num(q, " OR r.value >= ?)", v->high - v->eps);
        break;
    case PRE_GT:
    case PRE_SA:
        sql_put_num(q, "r.value > ?", v->number + v->eps);
        break;
    case PRE_LT:
    case PRE_EB:
        sql_put_num(q, "r.value < ?", v->number - v->eps);
        break;
    case PRE_GE:
        sql_put_num(q, "r.value >= ?", v->number - v->eps);
        break;
    case PRE_LE:
        sql_put_num(q, "r.value <= ?", v->number + v->eps);
        break;
    }
}

static void by_quantity(struct sql *q, const struct filter *f)
{
    sql_put(q, "(");
    for (size_t i = 0; i < f->n; i++) {
        sql_put(q, i == 0 ? "(r.unit = ? AND " : " OR (r.unit = ? AND ");
        sql_bind(q, ward_text(f->value[i].unit));
        by_number(q, &f->value[i]);
        sql_put(q, ")");
    }
    sql_put(q, ")");
}

/* ---- :missing ---- */

static void by_absence(struct sql *q, const struct filter *f)
{
    struct listed l = {.mem = q->mem, .filter = f};
    bool missing = f->modifier == MOD_MISSING;
    const char *is = missing ? " IS NULL" : " IS NOT NULL";
    size_t n = 0;

    switch (f->param->ask) {
    case ASK_DATE:
        sql_put(q, missing ? "NOT " HAS_DATE : HAS_DATE);
        return;
    case ASK_SECOND:
        sql_put(q, "r.from2_us");
        break;
    case ASK_QUANTITY:
        sql_put(q, "r.value");
        break;
    case ASK_REFERENCE:
        sql_put(q, "r.encounter_id"); /* only `encounter` is permitted here */
        break;
    default:
        while (n < WARD_COUNT(f->param->token) && f->param->token[n] != 0)
            n++;
        sql_put(q, TOKEN_OF_R);
        sql_list(q, kind_of_token, &l, n);
        sql_put(q, " LIMIT 1)");
    }
    sql_put(q, is);
}

void cond_filter(struct sql *q, const struct filter *f)
{
    static const struct compared first[] = DATES("r.from_us", "r.to_us");
    static const struct compared second[] = DATES("r.from2_us", "r.to2_us");
    static const struct compared written[] = DATES("r.written_at_us", "(r.written_at_us + 1)");
    struct listed l = {.mem = q->mem, .filter = f};

    sql_put(q, " AND ");
    if (f->modifier == MOD_MISSING || f->modifier == MOD_PRESENT) {
        by_absence(q, f);
        return;
    }
    switch (f->param->ask) {
    case ASK_ID:
        cond_ids(q, "r.resource_id IN ", f);
        break;
    case ASK_PATIENT:
        cond_ids(q,
                 "(SELECT 1 FROM patient pa WHERE pa.root_id = p.root_id"
                 " AND pa.patient_id IN ",
                 f);
        sql_put(q, " LIMIT 1) IS NOT NULL");
        break;
    case ASK_STATUS:
        sql_put(q, f->modifier == MOD_NOT ? "r.status NOT IN " : "r.status IN ");
        sql_list(q, status_at, &l, f->n);
        break;
    case ASK_UPDATED:
        by_date(q, f, written);
        break;
    case ASK_DATE:
        sql_put(q, HAS_DATE " AND ");
        by_date(q, f, first);
        break;
    case ASK_SECOND:
        by_date(q, f, second);
        break;
    case ASK_QUANTITY:
        by_quantity(q, f);
        break;
    default:
        by_tokens(q, f);
    }
}
