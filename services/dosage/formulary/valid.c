/* Validation of a whole rule set: its size and names first, then each part. */
#include "services/dosage/formulary/valid.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TITLE  120
#define NOTICE 500

static size_t print(const struct place *at, char *out, size_t size)
{
    size_t n = at->in == NULL ? 0 : print(at->in, out, size);
    const char *dot = at->in == NULL ? "" : ".";
    int more;

    if (n >= size)
        return n;
    if (at->i < 0)
        more = snprintf(out + n, size - n, "%s%s", dot, at->name);
    else
        more = snprintf(out + n, size - n, "%s%s[%ld]", dot, at->name, at->i);
    return more < 0 ? n : n + (size_t)more;
}

bool wrong(struct valid *v, const struct place *at, const char *fmt, ...)
{
    struct ruleset_problems *all = v->problems;
    struct ruleset_problem *p;
    va_list args;

    if (all->n >= RULESET_PROBLEMS)
        return false;
    p = &all->at[all->n++];
    print(at, p->path, sizeof(p->path));
    va_start(args, fmt);
    vsnprintf(p->what, sizeof(p->what), fmt, args);
    va_end(args);
    return false;
}

/* Keys are sorted: duplicates are adjacent. */
static void once(struct valid *v, const struct names *all,
                 void (*tell)(struct valid *v, const struct named *n))
{
    for (size_t i = 1; i < all->n; i++)
        if (strcmp(all->at[i - 1].key, all->at[i].key) == 0)
            tell(v, &all->at[i]);
}

static void twice_ingredient(struct valid *v, const struct named *n)
{
    wrong(v, PLACE(PLACE_OF(NULL, "ingredients", n->i), "id"),
          "is also used by another ingredient");
}

static void twice_drug(struct valid *v, const struct named *n)
{
    wrong(v, PLACE(PLACE_OF(NULL, "drugs", n->i), "id"), "is also used by another drug");
}

static void twice_product(struct valid *v, const struct named *n)
{
    const struct place *drug = PLACE_OF(NULL, "drugs", n->i);

    wrong(v, PLACE(PLACE_OF(drug, "products", n->j), "id"), "is also used by another product");
}

static void twice_gtin(struct valid *v, const struct named *n)
{
    const struct place *drug = PLACE_OF(NULL, "drugs", n->i);

    wrong(v, PLACE(PLACE_OF(drug, "products", n->j), "gtins"),
          "contains a code that is also used elsewhere");
}

static void twice_trace(struct valid *v, const struct named *n)
{
    const struct place *drug = PLACE_OF(NULL, "drugs", n->i);

    wrong(v, PLACE(PLACE_OF(drug, "products", n->j), "trace_codes"),
          "contains a code that is also used elsewhere");
}

static void twice_local(struct valid *v, const struct named *n)
{
    const struct place *drug = PLACE_OF(NULL, "drugs", n->i);

    wrong(v, PLACE(PLACE_OF(drug, "products", n->j), "local_codes"),
          "contains a code that is also used elsewhere");
}

static void twice_named(struct valid *v, const struct named *n)
{
    const struct place *drug = PLACE_OF(NULL, "drugs", n->i);

    wrong(v, PLACE(PLACE_OF(drug, "products", n->j), "name"),
          "is also used by another product, in one of the languages");
}

static void twice_reason(struct valid *v, const struct named *n)
{
    wrong(v, PLACE(PLACE_OF(NULL, "reasons", n->i), "code"), "is also used by another reason");
}

static void twice_rule(struct valid *v, const struct named *n)
{
    static const char *const LISTS[] = {
        "dose_rules", "interactions", "duplicates",  "allergies",  "fresh",       "slips",
        "context",    "monitoring",   "usual_doses", "class_sums", "kidney_risks"};
    const struct place *rule = PLACE(PLACE_OF(NULL, LISTS[n->i], n->j), "rule");

    wrong(v, PLACE(rule, "id"), "is also used by another rule");
}

static void all_once(struct valid *v)
{
    const struct ruleset *r = v->r;

    once(v, &r->ingredients, twice_ingredient);
    once(v, &r->drugs, twice_drug);
    once(v, &r->products, twice_product);
    once(v, &r->gtins, twice_gtin);
    once(v, &r->traces, twice_trace);
    once(v, &r->locals, twice_local);
    once(v, &r->named_en, twice_named);
    once(v, &r->named_zh, twice_named);
    once(v, &r->reasons, twice_reason);
    once(v, &r->rules, twice_rule);
}

void valid_ruleset(const struct ruleset *r, struct ruleset_problems *problems)
{
    struct valid v = {.r = r, .problems = problems};

    valid_text(&v, PLACE(NULL, "title"), r->msg->title, TITLE);
    valid_text(&v, PLACE(NULL, "notice"), r->msg->notice, NOTICE);
    if (ruleset_rules(r->msg) > RULESET_RULES)
        wrong(&v, PLACE(NULL, "dose_rules"),
              "and the other lists have more than %d rules in total", RULESET_RULES);
    if (protobuf_c_message_get_packed_size(&r->msg->base) > RULESET_BYTES)
        wrong(&v, PLACE(NULL, "title"), "and the rest of the rule set have more than 4 MiB");
    all_once(&v);
    valid_drugs(&v);
    valid_doses(&v);
    valid_rules(&v);
    valid_contexts(&v);
}
