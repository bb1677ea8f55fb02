/* check_text.h - a small rule set as protobuf text, and a reader for it: for tests and fuzzers.
 * Its numbers are invented. Threads: any. Memory: the arena. Errors: stops the process. */
#ifndef DOSAGE_CHECK_TEXT_H
#define DOSAGE_CHECK_TEXT_H

#include "common/base/text.h"
#include "services/dosage/check/run.h"

#include <stdio.h>
#include <string.h>

/* ---- protobuf text into a message ---- */

struct pb_text {
    const char *s;
    struct ward_arena *mem;
};

static inline void pb_space(struct pb_text *t)
{
    t->s += strspn(t->s, " \n\t,");
}

static inline char *pb_word(struct pb_text *t)
{
    size_t n;
    char *out;

    pb_space(t);
    if (*t->s == '\'') {
        n = strcspn(++t->s, "'");
        out = ward_printf(t->mem, "%.*s", (int)n, t->s);
        t->s += n + 1;
    } else {
        n = strcspn(t->s, " \n\t,:{}");
        out = ward_printf(t->mem, "%.*s", (int)n, t->s);
        t->s += n;
    }
    pb_space(t);
    return out;
}

static inline ProtobufCMessage *pb_message(struct pb_text *t,
                                           const ProtobufCMessageDescriptor *d);

/* Reads a quantity such as '5 mg'. */
static inline ProtobufCMessage *pb_quantity(struct pb_text *t)
{
    Ward__Dosage__V1__Quantity *q = ward_new(t->mem, Ward__Dosage__V1__Quantity);
    char *text = pb_word(t), *unit = strchr(text, ' ');

    WARD_ASSERT(NULL != q);
    ward__dosage__v1__quantity__init(q);
    q->value = text;
    q->unit = unit == NULL ? text + strlen(text) : unit + 1;
    if (unit != NULL)
        *unit = '\0';
    return &q->base;
}

static inline void pb_value(struct pb_text *t, const ProtobufCFieldDescriptor *f, char *at)
{
    char *word = NULL;

    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage *m = *t->s == '\'' ? pb_quantity(t) : pb_message(t, f->descriptor);

        memcpy(at, &m, sizeof(m));
        return;
    }
    word = pb_word(t);
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(at, &word, sizeof(word));
    } else if (f->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumValue *v =
            protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, word);

        WARD_ASSERT(NULL != v);
        memcpy(at, &v->value, sizeof(v->value));
    } else if (f->type == PROTOBUF_C_TYPE_BOOL) {
        protobuf_c_boolean yes = strcmp(word, "true") == 0;

        memcpy(at, &yes, sizeof(yes));
    } else {
        int64_t n = 0;
        int32_t small;

        WARD_ASSERT(ward_i64(word, INT64_MIN, INT64_MAX, &n));
        small = (int32_t)n;
        if (f->type == PROTOBUF_C_TYPE_INT64)
            memcpy(at, &n, sizeof(n));
        else
            memcpy(at, &small, sizeof(small));
    }
}

static inline size_t pb_size(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_ENUM || f->type == PROTOBUF_C_TYPE_INT32 ? 4 : 8;
}

static inline void pb_field(struct pb_text *t, const ProtobufCFieldDescriptor *f, char *m)
{
    size_t n, size = pb_size(f);
    char *list, *old;

    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            memcpy(m + f->quantifier_offset, &f->id, sizeof(f->id));
        pb_value(t, f, m + f->offset);
        return;
    }
    memcpy(&n, m + f->quantifier_offset, sizeof(n));
    memcpy(&old, m + f->offset, sizeof(old));
    list = ward_alloc(t->mem, (n + 1) * size);
    WARD_ASSERT(NULL != list);
    if (n > 0)
        memcpy(list, old, n * size);
    pb_value(t, f, list + n * size);
    n++;
    memcpy(m + f->quantifier_offset, &n, sizeof(n));
    memcpy(m + f->offset, &list, sizeof(list));
}

/* Reads "{ field: value field { ... } }", without the outermost braces. */
static inline ProtobufCMessage *pb_message(struct pb_text *t,
                                           const ProtobufCMessageDescriptor *d)
{
    ProtobufCMessage *m = ward_alloc(t->mem, d->sizeof_message);
    bool braces;

    WARD_ASSERT(NULL != m);
    protobuf_c_message_init(d, m);
    pb_space(t);
    braces = *t->s == '{';
    t->s += braces;
    for (pb_space(t); *t->s != '\0' && *t->s != '}'; pb_space(t)) {
        const char *name = pb_word(t);
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(d, name);

        if (f == NULL)
            fprintf(stderr, "%s has no field %s\n", d->name, name);
        WARD_ASSERT(NULL != f);
        t->s += *t->s == ':';
        pb_space(t);
        pb_field(t, f, (char *)m);
    }
    t->s += braces;
    return m;
}

static inline void *pb(struct ward_arena *mem, const ProtobufCMessageDescriptor *d,
                       const char *text)
{
    struct pb_text t = {text, mem};

    return pb_message(&t, d);
}

/* ---- the rule set ---- */

/* Protobuf text; a quantity may be written as '5 mg'. */
static const char WORLD[] =
    "ingredients { id: 'para' name { en: 'para' zh: 'para-zh' } unit: 'mg' classes: "
    "'analgesic'\n"
    "  synonyms: 'acetaminophen' codes { system: 'rx' code: '161' } }\n"
    "ingredients { id: 'codeine' name { en: 'codeine' zh: '可待因' } unit: 'mg'\n"
    "  classes: 'opioid' }\n"
    "ingredients { id: 'morphine' name { en: 'morphine sulfate' zh: '吗啡' } unit: 'mg'\n"
    "  classes: 'opioid' }\n"
    "ingredients { id: 'kidney' unit: 'mg' renal: true }\n"
    "ingredients { id: 'filter' unit: 'mg' renal: true }\n"
    "ingredients { id: 'chemo' unit: 'mg' }\n"
    "ingredients { id: 'norad' unit: 'ug' }\n"
    "ingredients { id: 'bare' unit: 'mg' }\n"
    "ingredients { id: 'daily' unit: 'mg' }\n"
    "drugs { id: 'daily' ingredients: 'daily' routes: ROUTE_PO }\n"
    "drugs { id: 'para' name { en: 'para' zh: 'para-zh' } ingredients: 'para'\n"
    "  routes: ROUTE_PO routes: ROUTE_IV\n"
    "  products { id: 'para-500' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '500 mg' per: '1 {tablet}' } }\n"
    "  products { id: 'para-syrup' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '120 mg' per: '5 mL' } } }\n"
    "drugs { id: 'co' name { en: 'Co-Dol' zh: '' } ingredients: 'para' ingredients: 'codeine'\n"
    "  routes: ROUTE_PO\n"
    "  products { id: 'co-8' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '500 mg' per: '1 {tablet}' }\n"
    "    strengths { ingredient: 'codeine' amount: '8 mg' per: '1 {tablet}' } }\n"
    "  products { id: 'co-30' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '500 mg' per: '1 {tablet}' }\n"
    "    strengths { ingredient: 'codeine' amount: '30 mg' per: '1 {tablet}' } } }\n"
    "drugs { id: 'morphine' ingredients: 'morphine' routes: ROUTE_PO }\n"
    "drugs { id: 'kidney' ingredients: 'kidney' routes: ROUTE_PO }\n"
    "drugs { id: 'filter' ingredients: 'filter' routes: ROUTE_PO }\n"
    "drugs { id: 'chemo' ingredients: 'chemo' routes: ROUTE_PO }\n"
    "drugs { id: 'norad' ingredients: 'norad' routes: ROUTE_PO\n"
    "  products { id: 'norad-amp' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'norad' amount: '4 mg' per: '50 mL' } } }\n"
    "drugs { id: 'bare' ingredients: 'bare' routes: ROUTE_PO }\n"
    "dose_rules { rule { id: 'para-adult' version: 3 severity: SEVERITY_HARD source: 's' }\n"
    "  ingredient: 'para' band { age_from_days: 6575 }\n"
    "  max_single: '1 g' max_daily: '4000 mg' min_interval_minutes: 240 }\n"
    "dose_rules { rule { id: 'para-child' severity: SEVERITY_HARD } ingredient: 'para'\n"
    "  band { age_from_days: 28 age_to_days: 6575 } max_single_per_kg: '15 mg/kg'\n"
    "  max_daily_per_kg: '75 mg/kg' max_duration_days: 3 min_single_per_kg: '7.5 mg/kg'\n"
    "  max_doses_per_day: 4 }\n"
    "dose_rules { rule { id: 'para-fever' severity: SEVERITY_WARN } ingredient: 'para'\n"
    "  band { age_from_days: 6575 indications { system: 's' code: 'fever' } }\n"
    "  max_single: '650 mg' }\n"
    "dose_rules { rule { id: 'codeine-adult' severity: SEVERITY_HARD } ingredient: 'codeine'\n"
    "  band { age_from_days: 6575 } max_single: '60 mg' }\n"
    "dose_rules { rule { id: 'codeine-child' severity: SEVERITY_HARD } ingredient: 'codeine'\n"
    "  band { age_to_days: 4383 } contraindicated: true }\n"
    "dose_rules { rule { id: 'morphine' severity: SEVERITY_HARD } ingredient: 'morphine'\n"
    "  max_single: '20 mg' }\n"
    "dose_rules { rule { id: 'kidney-low' severity: SEVERITY_HARD final: true }\n"
    "  ingredient: 'kidney' band { renal_to: '30' renal_by: RENAL_BY_CRCL }\n"
    "  contraindicated: true }\n"
    "dose_rules { rule { id: 'kidney-mid' severity: SEVERITY_WARN } ingredient: 'kidney'\n"
    "  band { renal_from: '30' renal_by: RENAL_BY_CRCL } max_single: '500 mg' }\n"
    "dose_rules { rule { id: 'filter-low' severity: SEVERITY_WARN } ingredient: 'filter'\n"
    "  band { renal_to: '45' renal_by: RENAL_BY_EGFR } max_single: '500 mg' }\n"
    "dose_rules { rule { id: 'filter-all' severity: SEVERITY_WARN } ingredient: 'filter'\n"
    "  max_single: '1000 mg' max_cumulative: '3000 mg' cumulative_days: 7 }\n"
    "dose_rules { rule { id: 'chemo-m2' severity: SEVERITY_HARD } ingredient: 'chemo'\n"
    "  max_single_per_m2: '75 mg/m2' max_cumulative_per_m2: '450 mg/m2' }\n"
    "dose_rules { rule { id: 'norad-rate' severity: SEVERITY_HARD } ingredient: 'norad'\n"
    "  max_rate_per_kg: '2 ug/kg/min' max_rate: '10 mg/h' max_daily: '150 mg' }\n"
    "interactions { rule { id: 'para-opioid' severity: SEVERITY_WARN } a { ingredient: 'para' "
    "}\n"
    "  b { class: 'opioid' } within_hours: 6 effect { en: 'Sleep.' zh: '嗜睡。' } }\n"
    "interactions { rule { id: 'two-opioids' severity: SEVERITY_HARD } a { class: 'opioid' }\n"
    "  b { class: 'opioid' } effect { en: 'No breath.' zh: '呼吸抑制。' } }\n"
    "duplicates { rule { id: 'one-opioid' severity: SEVERITY_WARN } class: 'opioid'\n"
    "  name { en: 'opioids' zh: '阿片类' } most: 1 }\n"
    "allergies { rule { id: 'opioid-allergy' severity: SEVERITY_HARD } names: 'opium poppy'\n"
    "  codes { system: 'sct' code: '77' } allergy { class: 'opioid' }\n"
    "  forbids { class: 'opioid' } effect { en: 'Cross-reacts.' zh: '交叉过敏。' } }\n"
    "dose_rules { rule { id: 'daily-only' severity: SEVERITY_WARN } ingredient: 'daily'\n"
    "  max_daily_per_kg: '5 mg/kg' }\n"
    "dose_rules { rule { id: 'bare-times' severity: SEVERITY_HARD } ingredient: 'bare'\n"
    "  max_duration_days: 5 max_doses_per_day: 6 min_interval_minutes: 60\n"
    "  min_single: '1 mg' }\n"
    "allergies { rule { id: 'chemo-hint' severity: SEVERITY_INFO } names: 'mustard' allergy { "
    "ingredient: "
    "'chemo' }\n"
    "  forbids { ingredient: 'chemo' } effect { en: 'Skin.' zh: '皮肤。' } }\n"
    "slips { rule { id: 'ten' severity: SEVERITY_HARD } kind: KIND_TENFOLD factor: '10' }\n"
    "slips { rule { id: 'jump' severity: SEVERITY_HARD } kind: KIND_WEIGHT_JUMP factor: '1.8'\n"
    "  within_hours: 720 }\n"
    "slips { rule { id: 'calc' severity: SEVERITY_WARN } kind: KIND_NOT_AS_CALCULATED\n"
    "  factor: '0.1' }\n"
    "slips { rule { id: 'differs' severity: SEVERITY_WARN } kind: KIND_WEIGHT_DIFFERS\n"
    "  factor: '0.1' }\n"
    "fresh { rule { id: 'fresh-child' severity: SEVERITY_WARN } what: WHAT_WEIGHT\n"
    "  age_to_days: 6575 max_age_hours: 24 }\n"
    "fresh { rule { id: 'fresh-kidney' severity: SEVERITY_WARN } what: WHAT_CREATININE\n"
    "  max_age_hours: 48 }\n";

#endif
