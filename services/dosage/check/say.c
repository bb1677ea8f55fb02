#include "services/dosage/check/run.h"
#include "services/dosage/check/shown.h"

#include "common/base/crypto.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

/* Casts const away, for messages that are only read. */
static char *same(const char *s)
{
    return (char *)(uintptr_t)s;
}

static char *text(char *made)
{
    static char none[] = "";

    return made == NULL ? none : made; /* the arena is full: check_run fails at its end */
}

/* Position of the next {0} to {9}, or the end. */
static const char *next_hole(const char *s)
{
    while (*(s = strchrnul(s, '{')) != '\0' && !(s[1] >= '0' && s[1] <= '9' && s[2] == '}'))
        s++;
    return s;
}

char *say(struct run *r, const char *words, const char *const *args)
{
    size_t n = 1;
    char *out, *to;

    for (const char *s = words, *hole;; s = hole + 3) {
        hole = next_hole(s);
        n += (size_t)(hole - s) + (*hole == '\0' ? 0 : strlen(args[hole[1] - '0']));
        if (*hole == '\0')
            break;
    }
    to = out = ward_alloc(r->mem, n);
    if (out == NULL)
        return text(NULL);
    for (const char *s = words, *hole;; s = hole + 3) {
        hole = next_hole(s);
        to = mempcpy(to, s, (size_t)(hole - s));
        if (*hole == '\0')
            return out;
        to = stpcpy(to, args[hole[1] - '0']);
    }
}

/* "4000", not "4e+3". */
static void print(const struct ward_decimal *v, char out[WARD_DECIMAL_SIZE])
{
    struct ward_decimal c = ward_decimal_canonical(v);

    for (; c.exp > 0 && c.coef <= UINT64_MAX; c.exp--)
        c.coef *= 10;
    ward_decimal_print(&c, out);
}

/* Marks an amount, so that shown() finds the amount in a sentence. */
static char *marked(struct run *r, const char *number, const char *unit)
{
    size_t n = strlen(number), m = strlen(unit);
    char *out = ward_alloc(r->mem, n + m + 4), *to = out;

    if (out == NULL)
        return text(NULL);
    *to++ = SHOWN_FROM;
    memcpy(to, number, n);
    to += n;
    if (m > 0)
        *to++ = ' ';
    memcpy(to, unit, m);
    to += m;
    *to++ = SHOWN_TO;
    *to = '\0';
    return out;
}

char *say_decimal(struct run *r, const struct ward_decimal *v, const char *unit)
{
    char number[WARD_DECIMAL_SIZE];

    print(v, number);
    if (engine_at_least(r, 2))
        return marked(r, number, unit);
    return text(*unit == '\0' ? ward_strdup(r->mem, number)
                              : ward_printf(r->mem, "%s %s", number, unit));
}

static void *grown(struct run *r, void *list, size_t n, size_t *room, size_t size)
{
    size_t more = *room == 0 ? 8 : *room * 2;
    char *big;

    if (n < *room)
        return list;
    big = ward_alloc(r->mem, more * size);
    if (big == NULL)
        return NULL;
    if (n > 0)
        memcpy(big, list, n * size);
    *room = more;
    return big;
}

void about_add(struct run *r, const char ***list, size_t *n, size_t *room, const char *id)
{
    const char **more;

    for (size_t i = 0; i < *n; i++)
        if (strcmp((*list)[i], id) == 0)
            return;
    more = grown(r, *list, *n, room, sizeof(*more));
    if (more == NULL)
        return;
    more[(*n)++] = id;
    *list = more;
}

void unfit_add(struct run *r, const char *id)
{
    about_add(r, &r->unfit, &r->n_unfit, &r->room_unfit, id);
}

static Ward__Dosage__V1__Quantity *quantity(struct run *r, const struct ward_decimal *v,
                                            const char *unit)
{
    Ward__Dosage__V1__Quantity *q = NULL;

    return amount_print(v, unit, r->mem, &q, NULL) == WARD_OK ? q : NULL;
}

Ward__Dosage__V1__Compared *compared(struct run *r, const char *what,
                                     const struct ward_decimal *actual,
                                     const struct ward_decimal *limit, const char *unit,
                                     const char *relation)
{
    Ward__Dosage__V1__Compared *c = ward_new(r->mem, Ward__Dosage__V1__Compared);

    if (c == NULL)
        return NULL;
    ward__dosage__v1__compared__init(c);
    c->what = same(what);
    c->actual = quantity(r, actual, unit);
    c->limit = quantity(r, limit, unit);
    c->relation = same(relation);
    return c;
}

const char *name_en(const Ward__Dosage__V1__Sentence *s, const char *id)
{
    return s == NULL || *s->en == '\0' ? id : s->en;
}

const char *name_zh(const Ward__Dosage__V1__Sentence *s, const char *id)
{
    return s == NULL || *s->zh == '\0' ? id : s->zh;
}

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put(struct run *r, Ward__Dosage__V1__Finding *f, char *en, char *zh,
                const struct told *told)
{
    Ward__Dosage__V1__Finding **more =
        grown(r, r->findings, r->n_findings, &r->room_findings, sizeof(*more));

    f->text = ward_new(r->mem, Ward__Dosage__V1__Sentence);
    f->about = told == NULL ? NULL : ward_alloc(r->mem, told->n_about * sizeof(*f->about));
    if (f->text == NULL || more == NULL || (told != NULL && f->about == NULL))
        return;
    ward__dosage__v1__sentence__init(f->text);
    f->text->en = engine_at_least(r, 2) ? text(shown(r->mem, en, false)) : en;
    f->text->zh = engine_at_least(r, 2) ? text(shown(r->mem, zh, true)) : zh;
    if (told != NULL) {
        f->compared = told->compared;
        f->n_compared = told->n_compared;
        for (size_t i = 0; i < told->n_about; i++)
            f->about[f->n_about++] = text(ward_strdup(r->mem, told->about[i]));
        qsort(f->about, f->n_about, sizeof(*f->about), by_string);
    }
    r->findings = more;
    r->findings[r->n_findings++] = f;
}

static Ward__Dosage__V1__Finding *begin(struct run *r, const char *id, int32_t version,
                                        Ward__Dosage__V1__Severity severity, bool final,
                                        const char *source)
{
    Ward__Dosage__V1__Finding *f = ward_new(r->mem, Ward__Dosage__V1__Finding);

    if (f == NULL)
        return NULL;
    ward__dosage__v1__finding__init(f);
    f->rule_id = text(ward_strdup(r->mem, id));
    f->rule_version = version;
    f->severity = severity;
    f->final = final;
    f->source = text(ward_strdup(r->mem, source));
    return f;
}

void find_own_words(struct run *r, enum own_id which, Ward__Dosage__V1__Severity severity,
                    char *en, char *zh, const struct told *told)
{
    const struct own_finding *own = &own_findings[which];
    Ward__Dosage__V1__Finding *f = begin(r, own->id, 1, severity, own->final, own->source);

    if (f != NULL)
        put(r, f, en, zh, told);
}

void find_own_as(struct run *r, enum own_id which, Ward__Dosage__V1__Severity severity,
                 const char *const *en, const char *const *zh, const struct told *told)
{
    const struct own_finding *own = &own_findings[which];

    find_own_words(r, which, severity, say(r, own->en, en), say(r, own->zh, zh), told);
}

void find_own(struct run *r, enum own_id which, const char *const *en, const char *const *zh,
              const struct told *told)
{
    find_own_as(r, which, own_findings[which].severity, en, zh, told);
}

void find_rule_as(struct run *r, const Ward__Dosage__V1__Rule *rule,
                  Ward__Dosage__V1__Severity severity, char *en, char *zh,
                  const struct told *told)
{
    Ward__Dosage__V1__Finding *f =
        begin(r, rule->id, rule->version, severity, rule->final && severity == rule->severity,
              rule->source);

    if (f != NULL)
        put(r, f, en, zh, told);
}

void find_rule(struct run *r, const Ward__Dosage__V1__Rule *rule, char *en, char *zh,
               const struct told *told)
{
    find_rule_as(r, rule, rule->severity, en, zh, told);
}

void trace_add(struct run *r, const Ward__Dosage__V1__Rule *rule,
               Ward__Dosage__V1__TraceStep__Result result, const char *why,
               Ward__Dosage__V1__Compared **list, size_t n)
{
    Ward__Dosage__V1__TraceStep **more =
        grown(r, r->trace, r->n_trace, &r->room_trace, sizeof(*more));
    Ward__Dosage__V1__TraceStep *t = ward_new(r->mem, Ward__Dosage__V1__TraceStep);

    if (more == NULL || t == NULL)
        return;
    ward__dosage__v1__trace_step__init(t);
    t->rule_id = text(ward_strdup(r->mem, rule->id));
    t->rule_version = rule->version;
    t->result = result;
    t->why = same(why);
    t->compared = list;
    t->n_compared = n;
    r->trace = more;
    r->trace[r->n_trace++] = t;
}

/* Compares by severity (most severe first), then by rule id, then by content. */
static int by_weight(const void *a, const void *b)
{
    const Ward__Dosage__V1__Finding *x = *(Ward__Dosage__V1__Finding *const *)a;
    const Ward__Dosage__V1__Finding *y = *(Ward__Dosage__V1__Finding *const *)b;
    int id;

    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->final != y->final)
        return x->final ? -1 : 1;
    id = strcmp(x->rule_id, y->rule_id);
    if (id == 0)
        id = strcmp(x->text->en, y->text->en);
    for (size_t i = 0; id == 0 && i < x->n_about && i < y->n_about; i++)
        id = strcmp(x->about[i], y->about[i]);
    return id;
}

/* Hashes the canonical bytes: a Decision with only findings, trace and outcome, as protobuf. */
static enum ward_code hash(struct run *r, Ward__Dosage__V1__Decision *out)
{
    Ward__Dosage__V1__Decision d = WARD__DOSAGE__V1__DECISION__INIT;
    uint8_t sum[WARD_SHA256_SIZE], *bytes;
    size_t n;

    d.findings = out->findings;
    d.n_findings = out->n_findings;
    d.trace = out->trace;
    d.n_trace = out->n_trace;
    d.outcome = out->outcome;
    n = ward__dosage__v1__decision__get_packed_size(&d);
    bytes = ward_alloc(r->mem, n);
    out->sha256 = ward_alloc(r->mem, 2 * sizeof(sum) + 1);
    if (bytes == NULL || out->sha256 == NULL)
        return WARD_FAIL(r->err, RESOURCE_EXHAUSTED, "no memory for a decision");
    ward__dosage__v1__decision__pack(&d, bytes);
    ward_sha256(bytes, n, sum);
    ward_hex(sum, sizeof(sum), out->sha256);
    return WARD_OK;
}

enum ward_code tell_end(struct run *r, Ward__Dosage__V1__Decision *out)
{
    Ward__Dosage__V1__Severity worst = WARD__DOSAGE__V1__SEVERITY__SEVERITY_UNSPECIFIED;

    if (r->mem->full)
        return WARD_FAIL(r->err, RESOURCE_EXHAUSTED, "no memory for a check");
    if (r->n_findings > 0) {
        qsort(r->findings, r->n_findings, sizeof(*r->findings), by_weight);
        worst = r->findings[0]->severity;
    }
    out->findings = r->findings;
    out->n_findings = r->n_findings;
    out->trace = r->trace;
    out->n_trace = r->n_trace;
    out->outcome = worst >= WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD
                       ? WARD__DOSAGE__V1__OUTCOME__OUTCOME_STOP
                   : worst >= WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN
                       ? WARD__DOSAGE__V1__OUTCOME__OUTCOME_WARN
                       : WARD__DOSAGE__V1__OUTCOME__OUTCOME_PASS;
    return hash(r, out);
}
