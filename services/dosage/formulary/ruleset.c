#include "services/dosage/check/prepared.h"
#include "services/dosage/formulary/ruleset_own.h"
#include "services/dosage/formulary/valid.h"

#include <stdio.h>
#include <string.h>

/* For the indexes only: a few words for each name in a message of RULESET_BYTES. */
#define INDEX_MEM ((size_t)64 << 20)

static enum ward_code begin(const RuleSet *msg, const char *sha256, struct ruleset **out,
                            struct ward_err *err)
{
    struct ward_arena mem;
    struct ruleset *r;

    ward_arena_init(&mem, INDEX_MEM);
    r = ward_new(&mem, struct ruleset);
    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a rule set");
    r->mem = mem;
    r->msg = msg;
    snprintf(r->sha256, sizeof(r->sha256), "%s", sha256);
    *out = r;
    return WARD_OK;
}

static enum ward_code end(struct ruleset *r, enum ward_code code, struct ruleset **out,
                          struct ward_err *err)
{
    if (code == WARD_OK)
        code = check_prepare(r, &r->mem, &r->prepared, err);
    if (code == WARD_OK)
        *out = r;
    else
        ruleset_free(r);
    return code;
}

static enum ward_code check(const struct ruleset *r, struct ruleset_problems *problems,
                            struct ward_err *err)
{
    valid_ruleset(r, problems);
    if (problems->n == 0)
        return WARD_OK;
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "RULE_SET_INVALID", "%s %s",
                            problems->at[0].path, problems->at[0].what);
}

enum ward_code ruleset_make(const RuleSet *msg, const char sha256[65], struct ruleset **out,
                            struct ruleset_problems *problems, struct ward_err *err)
{
    struct ruleset *r;
    enum ward_code code;

    problems->n = 0;
    WARD_TRY(begin(msg, sha256, &r, err));
    code = ruleset_index(r, err);
    if (code == WARD_OK)
        code = check(r, problems, err);
    return end(r, code, out, err);
}

enum ward_code ruleset_load(const RuleSet *msg, const char sha256[65], struct ruleset **out,
                            struct ward_err *err)
{
    struct ruleset *r;

    WARD_TRY(begin(msg, sha256, &r, err));
    return end(r, ruleset_index(r, err), out, err);
}

void ruleset_free(struct ruleset *r)
{
    struct ward_arena mem;

    if (r == NULL)
        return;
    mem = r->mem; /* copied, because the arena contains r itself */
    ward_arena_done(&mem);
}

const RuleSet *ruleset_message(const struct ruleset *r)
{
    return r->msg;
}

int64_t ruleset_version(const struct ruleset *r)
{
    return r->msg->version;
}

const struct prepared *ruleset_prepared(const struct ruleset *r)
{
    return r->prepared;
}

char *const *ruleset_loincs(const struct ruleset *r, size_t *n)
{
    *n = r->n_loincs;
    return r->loincs;
}

const char *ruleset_sha256(const struct ruleset *r)
{
    return r->sha256;
}

static const void *item(const struct names *all, const char *key, const void **of)
{
    const struct named *found = names_find(all, key);

    if (found == NULL)
        return NULL;
    if (of != NULL)
        *of = found->of;
    return found->item;
}

const Drug *ruleset_drug(const struct ruleset *r, const char *id)
{
    return item(&r->drugs, id, NULL);
}

const Ingredient *ruleset_ingredient(const struct ruleset *r, const char *id)
{
    return item(&r->ingredients, id, NULL);
}

static const Product *product(const struct names *all, const char *key, const Drug **drug)
{
    const void *of = NULL;
    const Product *p = item(all, key, &of);

    if (p != NULL && drug != NULL)
        *drug = of;
    return p;
}

const Product *ruleset_product(const struct ruleset *r, const char *id, const Drug **drug)
{
    return product(&r->products, id, drug);
}

const Product *ruleset_gtin(const struct ruleset *r, const char *gtin, const Drug **drug)
{
    return product(&r->gtins, gtin, drug);
}

const Product *ruleset_trace(const struct ruleset *r, const char *code, const Drug **drug)
{
    char begins[RULESET_TRACE_MOST + 1];
    const Product *p = NULL;

    for (size_t n = strnlen(code, RULESET_TRACE_MOST); p == NULL && n >= RULESET_TRACE_LEAST;
         n--) {
        memcpy(begins, code, n);
        begins[n] = '\0';
        p = product(&r->traces, begins, drug);
    }
    return p;
}

const Product *ruleset_local(const struct ruleset *r, const char *code, const Drug **drug)
{
    return product(&r->locals, code, drug);
}

const Reason *ruleset_reason(const struct ruleset *r, const char *code,
                             Ward__Dosage__V1__Reason__Use use)
{
    const Reason *reason = item(&r->reasons, code, NULL);

    for (size_t i = 0; reason != NULL && i < reason->n_uses; i++)
        if (reason->uses[i] == use)
            return reason;
    return NULL;
}

size_t ruleset_dose_rules(const struct ruleset *r, const char *ingredient,
                          const DoseRule *const **out)
{
    const struct named *first = names_find(&r->dose, ingredient);
    const struct named *end = r->dose.at + r->dose.n, *p = first;

    if (first == NULL)
        return 0;
    while (p < end && strcmp(p->key, ingredient) == 0)
        p++;
    *out = &r->dose_rules[first - r->dose.at];
    return (size_t)(p - first);
}

bool ruleset_in_class(const struct ruleset *r, const char *ingredient, const char *class_id)
{
    const Ingredient *in = ruleset_ingredient(r, ingredient);

    for (size_t i = 0; in != NULL && i < in->n_classes; i++)
        if (strcmp(in->classes[i], class_id) == 0)
            return true;
    return false;
}

bool ruleset_selects(const struct ruleset *r, const Selector *s, const char *ingredient)
{
    if (s->of_case == WARD__DOSAGE__V1__SELECTOR__OF_INGREDIENT)
        return strcmp(s->ingredient, ingredient) == 0;
    return s->of_case == WARD__DOSAGE__V1__SELECTOR__OF_CLASS &&
           ruleset_in_class(r, ingredient, s->class_);
}
