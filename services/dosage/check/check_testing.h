/* check_testing.h - a small rule set and snapshots for unit tests, written as protobuf text.
 * Its numbers are made up. */
#ifndef DOSAGE_CHECK_TESTING_H
#define DOSAGE_CHECK_TESTING_H

#include "services/dosage/check/run.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* '5 mg' */
static inline ProtobufCMessage *pb_quantity(struct pb_text *t)
{
    Ward__Dosage__V1__Quantity *q = ward_new(t->mem, Ward__Dosage__V1__Quantity);
    char *text = pb_word(t), *unit = strchr(text, ' ');

    assert_non_null(q);
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

        assert_non_null(v);
        memcpy(at, &v->value, sizeof(v->value));
    } else if (f->type == PROTOBUF_C_TYPE_BOOL) {
        protobuf_c_boolean yes = strcmp(word, "true") == 0;

        memcpy(at, &yes, sizeof(yes));
    } else {
        int64_t n = strtoll(word, NULL, 10);
        int32_t small = (int32_t)n;

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
    assert_non_null(list);
    if (n > 0)
        memcpy(list, old, n * size);
    pb_value(t, f, list + n * size);
    n++;
    memcpy(m + f->quantifier_offset, &n, sizeof(n));
    memcpy(m + f->offset, &list, sizeof(list));
}

/* "{ field: value field { ... } }", the braces of the outermost left out. */
static inline ProtobufCMessage *pb_message(struct pb_text *t,
                                           const ProtobufCMessageDescriptor *d)
{
    ProtobufCMessage *m = ward_alloc(t->mem, d->sizeof_message);
    bool braces;

    assert_non_null(m);
    protobuf_c_message_init(d, m);
    pb_space(t);
    braces = *t->s == '{';
    t->s += braces;
    for (pb_space(t); *t->s != '\0' && *t->s != '}'; pb_space(t)) {
        const char *name = pb_word(t);
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(d, name);

        if (f == NULL)
            fail_msg("%s has no field %s", d->name, name);
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

/* ---- the small world ---- */

#define NOW "1800000000000000" /* 2027-01-15T08:00:00Z */
#define AT  INT64_C(1800000000000000)

struct bench {
    struct ward_arena mem, run;
    struct prepared *set;
    Ward__Dosage__V1__Decision d;
    struct ward_err err;
};

static inline void bench_open(struct bench *b, const char *set)
{
    memset(b, 0, sizeof(*b));
    ward_arena_init(&b->mem, (size_t)64 << 20);
    ward_arena_init(&b->run, (size_t)64 << 20);
    assert_int_equal(prepare_set(pb(&b->mem, &ward__dosage__v1__rule_set__descriptor, set),
                                 &b->mem, &b->set, &b->err),
                     WARD_OK);
}

static inline void bench_close(struct bench *b)
{
    ward_arena_done(&b->mem);
    ward_arena_done(&b->run);
}

static inline enum ward_code bench_try(struct bench *b, const Ward__Dosage__V1__Snapshot *s)
{
    ward__dosage__v1__decision__init(&b->d);
    memset(&b->err, 0, sizeof(b->err));
    return check_with(b->set, s, &b->run, &b->d, &b->err);
}

static inline Ward__Dosage__V1__Snapshot *bench_snapshot(struct bench *b, const char *text)
{
    return pb(&b->run, &ward__dosage__v1__snapshot__descriptor, text);
}

/* "id:H id:W ..." of the findings, in their order: H hard, F final, W warn, I info. */
static inline const char *bench_told(struct bench *b)
{
    char *out = ward_strdup(&b->run, "");

    for (size_t i = 0; i < b->d.n_findings; i++) {
        const Ward__Dosage__V1__Finding *f = b->d.findings[i];

        out = ward_printf(&b->run, "%s%s%s:%c", out, i == 0 ? "" : " ", f->rule_id,
                          f->final ? 'F' : "?IWH"[f->severity]);
    }
    return out;
}

/* The findings of a snapshot written as text. */
static inline const char *check_told(struct bench *b, const char *snapshot)
{
    enum ward_code code = bench_try(b, bench_snapshot(b, snapshot));

    if (code != WARD_OK)
        return ward_printf(&b->run, "%s", b->err.reason);
    return bench_told(b);
}

static inline const Ward__Dosage__V1__Finding *told_finding(struct bench *b, const char *id)
{
    for (size_t i = 0; i < b->d.n_findings; i++)
        if (strcmp(b->d.findings[i]->rule_id, id) == 0)
            return b->d.findings[i];
    fail_msg("no finding %s", id);
    return NULL;
}

static inline const Ward__Dosage__V1__TraceStep *told_step(struct bench *b, const char *id)
{
    for (size_t i = 0; i < b->d.n_trace; i++)
        if (strcmp(b->d.trace[i]->rule_id, id) == 0)
            return b->d.trace[i];
    fail_msg("no trace of %s", id);
    return NULL;
}

#endif
