/* Findings about the patient that a prescriber acknowledged within the last 24 hours. */
#include "services/dosage/check/run.h"

#include "common/base/crypto.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Dosage__V1__Acknowledged Acknowledged;
typedef Ward__Dosage__V1__Decision Decision;
typedef Ward__Dosage__V1__Facts Facts;
typedef Ward__Dosage__V1__Finding Finding;
typedef Ward__Dosage__V1__Measured Measured;
typedef Ward__Dosage__V1__RuleSet RuleSet;

#define INFO WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO
#define WARN WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN

static bool is_own(const Finding *f, enum own_id which)
{
    return strcmp(f->rule_id, own_findings[which].id) == 0;
}

static bool is_fresh(const RuleSet *set, const char *rule)
{
    for (size_t i = 0; i < set->n_fresh; i++)
        if (set->fresh[i]->rule != NULL && strcmp(set->fresh[i]->rule->id, rule) == 0)
            return true;
    return false;
}

static bool names(const Finding *f, const char *id)
{
    for (size_t i = 0; i < f->n_about; i++)
        if (strcmp(f->about[i], id) == 0)
            return true;
    return false;
}

/* ---- the matter: the chart entries that a finding is based on ---- */

struct matter {
    struct ward_arena *mem;
    const Finding *f;
    char *text;
};

static void add(struct matter *m, const char *id, int version, const char *value)
{
    m->text = m->text == NULL ? NULL
                              : ward_printf(m->mem, "%s\n%zu %s %d %zu %s", m->text, strlen(id),
                                            id, version, strlen(value), value);
}

static void add_allergies(struct matter *m, const Facts *facts)
{
    for (size_t i = 0; i < facts->n_allergies; i++) {
        const Ward__Dosage__V1__Allergy *a = facts->allergies[i];

        if (names(m->f, a->record_id))
            add(m, a->record_id, a->record_version, a->text);
    }
    add(m, "", 0, m->f->text == NULL ? "" : m->f->text->en);
}

static void add_measured(struct matter *m, Measured *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Measured *is = all[i];
        const char *value = is->quantity == NULL
                                ? ""
                                : ward_printf(m->mem, "%lld %s %s", (long long)is->at_us,
                                              is->quantity->value, is->quantity->unit);

        if (!names(m->f, is->record_id))
            continue;
        if (value == NULL)
            m->text = NULL;
        else
            add(m, is->record_id, is->record_version, value);
    }
}

bool matter_of(const struct prepared *set, const Facts *facts, const Finding *f,
               struct ward_arena *mem, char out[CHECK_MATTER])
{
    struct matter m = {.mem = mem, .f = f};
    uint8_t hash[WARD_SHA256_SIZE];

    if (facts == NULL || f->final)
        return false;
    m.text = ward_printf(mem, "%s %d", f->rule_id, (int)f->rule_version);
    if (is_own(f, OWN_ALLERGY_TEXT)) {
        add_allergies(&m, facts);
    } else if (is_fresh(set->set, f->rule_id)) {
        add_measured(&m, facts->weights, facts->n_weights);
        add_measured(&m, facts->heights, facts->n_heights);
        add_measured(&m, facts->creatinines, facts->n_creatinines);
        add_measured(&m, facts->egfrs, facts->n_egfrs);
    } else if (!is_own(f, OWN_ALLERGY_UNKNOWN)) {
        return false;
    }
    if (m.text == NULL)
        return false;
    ward_sha256(m.text, strlen(m.text), hash);
    ward_hex(hash, sizeof(hash), out);
    return true;
}

bool check_matter(const struct ruleset *rules, const Decision *d, const Finding *f,
                  struct ward_arena *mem, char out[CHECK_MATTER])
{
    return f->severity == WARN && d->snapshot != NULL &&
           matter_of(ruleset_prepared(rules), d->snapshot->facts, f, mem, out);
}

/* ---- lowering ---- */

/* The newest acknowledgement of this finding; NULL: there is no acknowledgement. */
static const Acknowledged *acknowledged(const struct run *r, const Finding *f,
                                        const char *matter)
{
    const Acknowledged *newest = NULL;

    for (size_t i = 0; i < r->snap->n_acknowledged; i++) {
        const Acknowledged *a = r->snap->acknowledged[i];

        if (strcmp(a->rule_id, f->rule_id) == 0 && a->rule_version == f->rule_version &&
            strcmp(a->matter, matter) == 0 && time_of(a->at_us) <= r->at_us &&
            time_since(a->at_us, r->at_us) < DAY_US &&
            (newest == NULL || a->at_us >= newest->at_us))
            newest = a;
    }
    return newest;
}

static void lower(struct run *r, Finding *f, const Acknowledged *a)
{
    int64_t minutes = time_since(a->at_us, r->at_us) / MINUTE_US;
    bool hours = minutes >= 60;
    char number[24];
    const char *en[] = {f->text->en, a->by, number, hours ? "h" : "min"};
    const char *zh[] = {f->text->zh, a->by, number, hours ? "小时" : "分钟"};

    snprintf(number, sizeof(number), "%lld", (long long)(hours ? minutes / 60 : minutes));
    f->severity = INFO;
    f->text->en = say(r, "{0} Acknowledged by {1} {2} {3} ago.", en);
    f->text->zh = say(r, "{0}（{1} 已于 {2} {3}前确认知晓。）", zh);
}

void check_acknowledged(struct run *r)
{
    char matter[CHECK_MATTER];

    if (r->snap->n_acknowledged == 0)
        return;
    for (size_t i = 0; i < r->n_findings; i++) {
        Finding *f = r->findings[i];
        const Acknowledged *a = NULL;

        if (f->severity == WARN && f->text != NULL &&
            matter_of(r->set, r->snap->facts, f, r->mem, matter))
            a = acknowledged(r, f, matter);
        if (a != NULL)
            lower(r, f, a);
    }
}

bool check_lowered(const Decision *d, const Finding *f)
{
    for (size_t i = 0;
         f->severity == INFO && d->snapshot != NULL && i < d->snapshot->n_acknowledged; i++)
        if (strcmp(d->snapshot->acknowledged[i]->rule_id, f->rule_id) == 0)
            return true;
    return false;
}
