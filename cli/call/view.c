#include "cli/call/view.h"

#include "common/base/clock.h"
#include "common/zone/zone.h"
#include "ward/dosage/v1/check.pb-c.h"

#include <string.h>

typedef Ward__Dosage__V1__Decision Decision;
typedef Ward__Dosage__V1__Snapshot Snapshot;
typedef Ward__Dosage__V1__Prescription Prescription;
typedef Ward__Dosage__V1__Finding Finding;
typedef Ward__Dosage__V1__Compared Compared;
typedef Ward__Dosage__V1__Quantity Quantity;
typedef Ward__Dosage__V1__Coding Coding;
typedef Ward__Dosage__V1__Facts Facts;
typedef Ward__Dosage__V1__Measured Measured;

#define IS(msg, type) ((msg)->descriptor == &ward__dosage__v1__##type##__descriptor)

/* ---- one line ---- */

static void quantity(FILE *to, const Quantity *q)
{
    if (q == NULL)
        fputc('-', to);
    else
        message_text(to, "%s %s", q->value, q->unit);
}

static void coding(FILE *to, const Coding *c)
{
    message_text(to, " %s (%s", *c->display == '\0' ? c->code : c->display, c->code);
    message_text(to, ", %s)", c->system, "");
}

bool view_inline(FILE *to, const ProtobufCMessage *msg)
{
    if (msg == NULL)
        return false;
    if (IS(msg, quantity)) {
        fputc(' ', to);
        quantity(to, (const Quantity *)msg);
    } else if (IS(msg, coding)) {
        coding(to, (const Coding *)msg);
    } else {
        return false;
    }
    return true;
}

bool view_first(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE &&
           field->descriptor == &ward__dosage__v1__decision__descriptor;
}

/* ---- a decision ---- */

struct page {
    FILE *to;
    int indent;
    struct ward_zone *zone; /* time zone of the ward; NULL: UTC */
};

static void start(const struct page *p, const char *name)
{
    fprintf(p->to, "%*s%-10s ", p->indent, "", name);
}

static void moment(const struct page *p, int64_t at_us)
{
    char stamp[28];

    if (p->zone != NULL)
        ward_zone_stamp(p->zone, at_us, stamp);
    else
        ward_rfc3339(at_us, stamp);
    fputs(stamp, p->to);
}

static void sentence(const struct page *p, const Ward__Dosage__V1__Sentence *s)
{
    if (s == NULL)
        return;
    fprintf(p->to, "%*s", p->indent + 4, "");
    message_text(p->to, "%s%s\n", s->en, "");
    fprintf(p->to, "%*s", p->indent + 4, "");
    message_text(p->to, "%s%s\n", s->zh, "");
}

static void numbers(const struct page *p, const Compared *c)
{
    fprintf(p->to, "%*s", p->indent + 4, "");
    message_text(p->to, "%s%s: ", c->what, "");
    quantity(p->to, c->actual);
    message_text(p->to, ", must be %s%s ", c->relation, "");
    quantity(p->to, c->limit);
    fputc('\n', p->to);
}

static const char *severity(const Finding *f)
{
    if (f->final)
        return "STOP, cannot be overridden";
    switch (f->severity) {
    case WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD:
        return "STOP, needs a reason and a second person";
    case WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN:
        return "WARN, needs a reason";
    default:
        return "INFO";
    }
}

static void finding(const struct page *p, const Finding *f)
{
    fprintf(p->to, "%*s", p->indent + 2, "");
    message_text(p->to, "%s  [%s]\n", f->rule_id, severity(f));
    sentence(p, f->text);
    for (size_t i = 0; i < f->n_compared; i++)
        numbers(p, f->compared[i]);
    fprintf(p->to, "%*s", p->indent + 4, "");
    message_text(p->to, "source: %s%s\n", f->source, "");
}

static void findings(const struct page *p, const Decision *d)
{
    start(p, "outcome:");
    fprintf(p->to, "%s\n",
            message_enum(&ward__dosage__v1__outcome__descriptor, (int)d->outcome));
    start(p, "findings:");
    fprintf(p->to, d->n_findings == 0 ? "none\n" : "%zu\n", d->n_findings);
    for (size_t i = 0; i < d->n_findings; i++)
        finding(p, d->findings[i]);
    for (size_t i = 0; i < d->n_overrides; i++) {
        start(p, "override:");
        message_text(p->to, "%s, reason %s\n", d->overrides[i]->rule_id,
                     d->overrides[i]->reason_code);
    }
}

static void times(const struct page *p, const Ward__Dosage__V1__Timing *t)
{
    fprintf(p->to, " %s",
            message_enum(&ward__dosage__v1__timing__kind__descriptor, (int)t->kind));
    if (t->interval_minutes > 0)
        fprintf(p->to, " of %d min", t->interval_minutes);
    for (size_t i = 0; i < t->n_times; i++)
        message_text(p->to, "%s%s", i == 0 ? " " : ", ", t->times[i]);
}

static void order(const struct page *p, const Prescription *rx)
{
    if (rx == NULL)
        return;
    start(p, "order:");
    message_text(p->to, "%s%s ", *rx->product_id == '\0' ? rx->drug_id : rx->product_id, "");
    quantity(p->to, rx->dose);
    fprintf(p->to, " %s", message_enum(&ward__dosage__v1__route__descriptor, (int)rx->route));
    if (rx->timing != NULL)
        times(p, rx->timing);
    fputc('\n', p->to);
    if (rx->starts_at_us != 0) {
        start(p, "starts:");
        moment(p, rx->starts_at_us);
        fputc('\n', p->to);
    }
    if (rx->ends_at_us != 0) {
        start(p, "ends:");
        moment(p, rx->ends_at_us);
        fputc('\n', p->to);
    }
}

static void measured(const struct page *p, const char *name, Measured *const *all, size_t n)
{
    if (n == 0)
        return;
    start(p, name);
    quantity(p->to, all[0]->quantity);
    fputs(", ", p->to);
    moment(p, all[0]->at_us);
    fputc('\n', p->to);
}

static void facts(const struct page *p, const Facts *f)
{
    if (f == NULL)
        return;
    start(p, "chart:");
    fputs(message_enum(&ward__dosage__v1__chart_state__descriptor, (int)f->state), p->to);
    message_text(p->to, "%s%s\n", *f->birth_date == '\0' ? "" : ", born ", f->birth_date);
    measured(p, "weight:", f->weights, f->n_weights);
    measured(p, "height:", f->heights, f->n_heights);
    measured(p, "creatinine:", f->creatinines, f->n_creatinines);
    measured(p, "eGFR:", f->egfrs, f->n_egfrs);
    start(p, "allergies:");
    fprintf(p->to, "%zu entries\n", f->n_allergies);
}

static void beside(const struct page *p, const Snapshot *s)
{
    start(p, "beside:");
    fprintf(p->to, "%zu active orders, %zu given doses\n", s->n_running, s->n_given);
    start(p, "decided:");
    moment(p, s->at_us);
    fprintf(p->to, ", rule set %lld\n", (long long)s->rule_set_version);
}

static void decision(const struct page *p, const Decision *d)
{
    findings(p, d);
    if (d->snapshot != NULL) {
        order(p, d->snapshot->prescription);
        facts(p, d->snapshot->facts);
        beside(p, d->snapshot);
    }
    if (*d->decided_by != '\0') {
        start(p, "by:");
        message_text(p->to, "%s%s", d->decided_by, *d->second_person == '\0' ? "" : " with ");
        message_text(p->to, "%s%s\n", d->second_person, "");
    }
    start(p, "decision:");
    message_text(p->to, "%s%s\n", d->decision_id, "");
    if (d->n_trace > 0) {
        start(p, "rules:");
        fprintf(p->to, "%zu rules were evaluated; --json prints each\n", d->n_trace);
    }
}

bool view_block(FILE *to, int indent, const ProtobufCMessage *msg)
{
    struct page p = {.to = to, .indent = indent};
    struct ward_err err = {0};
    const Decision *d;

    if (msg == NULL || !IS(msg, decision))
        return false;
    d = (const Decision *)msg;
    if (d->snapshot == NULL || ward_zone_open(d->snapshot->time_zone, &p.zone, &err) != WARD_OK)
        p.zone = NULL;
    decision(&p, d);
    ward_zone_close(p.zone);
    return true;
}
