#include "services/dosage/check/allergy_read.h"
#include "services/dosage/check/run.h"

#include <stdio.h>

/* {0}: number of uninterpreted entries; {1}: uninterpreted words of other entries. */
#define PART_EN                                                                                \
    "Part of a recorded allergy was not understood and not checked: {1}. Read it in the "      \
    "chart."
#define PART_ZH "过敏记录中有部分内容未能识别，未经核对：{1}。请查阅病历。"
#define ALL_EN                                                                                 \
    "{0} recorded allergies were not understood and not checked, nor were these words of "     \
    "others: {1}. Read them in the chart."
#define ALL_ZH "有 {0} 条过敏记录未能识别，另有部分内容未能识别：{1}；均未经核对。请查阅病历。"

/* A chart entry and its known meanings. */
struct known {
    const Ward__Dosage__V1__Allergy *msg;
    struct target *is;
    size_t n;
    bool told;        /* a rule of the rule set matched this entry and stops the order */
    const char *left; /* uninterpreted words of the entry */
    const struct allergy_reading *reading; /* NULL: the engine has version 1 */
};

static bool in_drug(const struct drug *d, int ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return true;
    return false;
}

/* Whether a known meaning of an entry matches a rule. */
static bool speaks_of(const struct run *r, const struct target *t, int rule)
{
    const struct selector *s = &r->set->allergies[rule].allergy;
    const struct drug *d;

    switch (t->kind) {
    case IS_RULE:
        return t->at == rule;
    case IS_INGREDIENT:
        return set_selects(r->set, s, t->at);
    case IS_CLASS:
        return s->class_id == t->at;
    case IS_DRUG:
    default:
        d = &r->set->drugs[t->at];
        for (size_t i = 0; i < d->n_ingredients; i++)
            if (set_selects(r->set, s, d->ingredients[i]))
                return true;
        return false;
    }
}

/* The ingredient of this order that an entry names directly; -1: the entry names none. */
static int named(const struct run *r, const struct target *t)
{
    for (size_t k = 0; k < r->n_shares; k++) {
        int ours = r->shares[k].ingredient;

        if ((t->kind == IS_INGREDIENT && t->at == ours) ||
            (t->kind == IS_CLASS && set_in_class(r->set, ours, t->at)) ||
            (t->kind == IS_DRUG && in_drug(&r->set->drugs[t->at], ours)))
            return ours;
    }
    return -1;
}

static void check_rule(struct run *r, int rule, struct known *known, size_t n)
{
    const Ward__Dosage__V1__AllergyRule *m = r->set->allergies[rule].msg;
    struct told told = {0};
    size_t room = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < known[i].n; t++)
            if (speaks_of(r, &known[i].is[t], rule)) {
                known[i].told |= m->rule->severity == WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD;
                about_add(r, &told.about, &told.n_about, &room, known[i].msg->record_id);
            }
    trace_add(r, m->rule,
              told.n_about > 0 ? WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
                               : WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD,
              told.n_about > 0 ? "allergy" : "", NULL, 0);
    if (told.n_about > 0) {
        const char *en[] = {name_en(r->drug->msg->name, r->drug->msg->id),
                            name_en(m->effect, "")};
        const char *zh[] = {name_zh(r->drug->msg->name, r->drug->msg->id),
                            name_zh(m->effect, "")};

        find_rule(r, m->rule, say(r, "{0}: {1}", en), say(r, "{0}：{1}", zh), &told);
    }
}

static bool seen(const struct run *r, size_t k, int rule)
{
    for (size_t before = 0; before < k; before++) {
        const struct ingredient *i = &r->set->ingredients[r->shares[before].ingredient];

        for (size_t n = 0; n < i->n_forbidden; n++)
            if (i->forbidden[n] == rule)
                return true;
    }
    return false;
}

/* An allergy to an ingredient of the order needs no rule in the rule set. */
static void check_named(struct run *r, const struct known *known, size_t n)
{
    for (size_t k = 0; k < r->n_shares; k++) {
        int ours = r->shares[k].ingredient;
        const Ward__Dosage__V1__Ingredient *m = r->set->ingredients[ours].msg;
        const char *en[] = {name_en(m->name, m->id)}, *zh[] = {name_zh(m->name, m->id)};
        struct told told = {0};
        size_t room = 0;

        for (size_t i = 0; i < n; i++)
            for (size_t t = 0; !known[i].told && t < known[i].n; t++)
                if (named(r, &known[i].is[t]) == ours)
                    about_add(r, &told.about, &told.n_about, &room, known[i].msg->record_id);
        if (told.n_about > 0)
            find_own(r, OWN_ALLERGY, en, zh, &told);
    }
}

static Ward__Dosage__V1__Severity known_severity(const Ward__Dosage__V1__Allergy *a)
{
    if (a->no_medication)
        return WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO;
    return a->high_criticality ? WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD
                               : own_findings[OWN_ALLERGY_TEXT].severity;
}

/* ---- uninterpreted words, and denied allergies ---- */

static bool is_unread(const struct known *k)
{
    return k->n == 0 && (k->reading == NULL || k->reading->n_denied == 0);
}

/* Joins the uninterpreted words of partly interpreted entries. */
static const char *left_of(struct run *r, const struct known *known, size_t n,
                           struct told *told, size_t *room)
{
    const char *all = "";

    for (size_t i = 0; i < n; i++)
        if (!is_unread(&known[i]) && *known[i].left != '\0') {
            about_add(r, &told->about, &told->n_about, room, known[i].msg->record_id);
            all = ward_printf(r->mem, "%s%s%s", all, *all == '\0' ? "" : "; ", known[i].left);
            if (all == NULL)
                return "";
        }
    return all;
}

/* Reports uninterpreted entries, as severely as a missing allergy status (INFO if an entry is
 * only about food or dust). An entry about a possibly fatal reaction stops the order until a
 * person reads the entry. */
static void not_understood(struct run *r, const struct known *known, size_t n)
{
    Ward__Dosage__V1__Severity severity = WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO;
    struct told told = {0};
    char number[24];
    const char *left, *args[] = {number, ""};
    size_t room = 0, count = 0;

    for (size_t i = 0; i < n; i++)
        if (is_unread(&known[i])) {
            about_add(r, &told.about, &told.n_about, &room, known[i].msg->record_id);
            count++;
            if (known_severity(known[i].msg) > severity)
                severity = known_severity(known[i].msg);
        } else if (*known[i].left != '\0' && !known[i].msg->no_medication &&
                   severity < own_findings[OWN_ALLERGY_TEXT].severity) {
            severity = own_findings[OWN_ALLERGY_TEXT].severity;
        }
    left = left_of(r, known, n, &told, &room);
    snprintf(number, sizeof(number), "%zu", count);
    args[1] = left;
    if (*left == '\0' && count > 0)
        find_own_as(r, OWN_ALLERGY_TEXT, severity, args, args, &told);
    else if (*left != '\0')
        find_own_words(r, OWN_ALLERGY_TEXT, severity,
                       say(r, count > 0 ? ALL_EN : PART_EN, args),
                       say(r, count > 0 ? ALL_ZH : PART_ZH, args), &told);
}

/* Whether an allergy to `t` would concern this order. */
static bool is_about(const struct run *r, const struct target *t)
{
    bool is_group = t->kind == IS_RULE || t->kind == IS_CLASS;

    if (named(r, t) >= 0)
        return true;
    for (size_t k = 0; k < r->n_shares; k++) {
        const struct ingredient *i = &r->set->ingredients[r->shares[k].ingredient];

        for (size_t a = 0; a < i->n_forbidden; a++)
            if (is_group && speaks_of(r, t, i->forbidden[a]))
                return true;
    }
    return false;
}

/* The chart denies an allergy to an ordered drug. The denial is reported, in case the chart's
 * text was misinterpreted. */
static void check_denied(struct run *r, const struct known *known, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct allergy_reading *d = known[i].reading;
        struct told told = {.n_about = 1};
        const char *about[1], *args[1];
        size_t t = 0;

        while (d != NULL && t < d->n_denied && !is_about(r, &d->denied[t]))
            t++;
        if (d == NULL || t == d->n_denied)
            continue;
        about[0] = known[i].msg->record_id;
        args[0] = d->said;
        told.about = about;
        find_own(r, OWN_ALLERGY_DENIED, args, args, &told);
    }
}

/* ---- all checks ---- */

static void read_first(struct run *r, struct known *k)
{
    if (names_of(r->set, k->msg, r->mem, &k->is, &k->n, NULL) != WARD_OK)
        k->n = 0;
}

/* False: the entry is not about drugs, or denies all drug allergies. *none: the entry denies
 * all drug allergies. */
static bool read_second(struct run *r, struct known *k, bool *none)
{
    struct allergy_reading *read = ward_new(r->mem, struct allergy_reading);

    if (read == NULL || allergy_read(r->set, k->msg, r->mem, read, NULL) != WARD_OK)
        return true; /* the arena is full: check_run fails at its end */
    *none = *none || read->none;
    k->reading = read;
    k->is = read->is;
    k->n = read->n;
    k->left = read->left;
    return !read->none && !read->nothing;
}

/* Selects the entries about drug allergies. *told: the chart has a statement about drug
 * allergies, or denies drug allergies. */
static struct known *read_all(struct run *r, const Ward__Dosage__V1__Facts *f, size_t *n,
                              bool *told)
{
    struct known *known = ward_alloc(r->mem, f->n_allergies * sizeof(*known));

    *n = 0;
    *told = f->allergies_cut;
    for (size_t i = 0; known != NULL && i < f->n_allergies; i++) {
        struct known *k = &known[*n];

        *k = (struct known){.msg = f->allergies[i], .left = ""};
        if (engine_at_least(r, 2)) {
            *n += read_second(r, k, told);
            continue;
        }
        *told = true;
        if (k->msg->no_known)
            continue;
        read_first(r, k);
        (*n)++;
    }
    *told = *told || *n > 0;
    return known;
}

void check_allergies(struct run *r)
{
    const Ward__Dosage__V1__Facts *f = r->snap->facts;
    struct known *known;
    size_t n = 0;
    bool told;

    if (f == NULL || f->state == WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_UNAVAILABLE)
        return; /* an unavailable chart is a separate finding */
    known = read_all(r, f, &n, &told);
    if (known == NULL)
        return;
    if (!told)
        find_own(r, OWN_ALLERGY_UNKNOWN, NULL, NULL, NULL);
    for (size_t k = 0; k < r->n_shares; k++) {
        const struct ingredient *i = &r->set->ingredients[r->shares[k].ingredient];

        for (size_t a = 0; a < i->n_forbidden; a++)
            if (!seen(r, k, i->forbidden[a]))
                check_rule(r, i->forbidden[a], known, n);
    }
    check_named(r, known, n);
    not_understood(r, known, n);
    check_denied(r, known, n);
}
