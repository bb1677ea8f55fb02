#include "services/dosage/track/patterns.h"

#include <string.h>

typedef Ward__Dosage__V1__WorkaroundKind Kind;
#define KIND(name) WARD__DOSAGE__V1__WORKAROUND_KIND__WORKAROUND_KIND_##name

#define DAY_US (24 * 3600 * PATTERN_S)

/* ---- what is found ---- */

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for what was found");
}

void pattern_about(struct pattern *p, int64_t period, const uint8_t *id)
{
    uint8_t numbers[16];
    struct ward_bytes parts[] = {
        {numbers, sizeof(numbers)},           {p->ward, strlen(p->ward) + 1},
        {p->actor, strlen(p->actor) + 1},     {p->place, strlen(p->place) + 1},
        {p->rule_id, strlen(p->rule_id) + 1}, {id, id == NULL ? 0 : DOSAGE_ID},
    };
    int64_t kind = p->kind;

    memcpy(numbers, &kind, 8);
    memcpy(numbers + 8, &period, 8);
    ward_sha256_parts(parts, WARD_COUNT(parts), p->about);
}

enum ward_code pattern_add(struct patterns *list, const struct pattern *p,
                           struct ward_arena *mem, struct ward_err *err)
{
    if (list->n == list->room) {
        size_t room = list->room == 0 ? 16 : 2 * list->room;
        struct pattern *at = ward_alloc(mem, room * sizeof(*at));

        if (at == NULL)
            return no_memory(err);
        if (list->n > 0)
            memcpy(at, list->at, list->n * sizeof(*at));
        list->at = at;
        list->room = room;
    }
    list->at[list->n++] = *p;
    return WARD_OK;
}

/* Those of ids[0..n) whose rows are marked. */
static enum ward_code evidence(struct pattern *p, const uint8_t *first_id, size_t step,
                               const bool *in, size_t n, struct ward_arena *mem,
                               struct ward_err *err)
{
    uint8_t(*ids)[DOSAGE_ID] = ward_alloc(mem, (n + 1) * DOSAGE_ID);

    if (ids == NULL)
        return no_memory(err);
    p->n_evidence = 0;
    for (size_t i = 0; i < n && p->n_evidence < PATTERN_EVIDENCE; i++)
        if (in[i])
            memcpy(ids[p->n_evidence++], first_id + i * step, DOSAGE_ID);
    p->evidence = (const uint8_t(*)[DOSAGE_ID])ids;
    return WARD_OK;
}

/* ---- tokens ---- */

static enum ward_code misuse_at(const struct misuse *rows, size_t i, struct ward_arena *mem,
                                struct patterns *out, struct ward_err *err)
{
    const struct misuse *last = &rows[i];
    struct pattern p = {.kind = KIND(TOKEN_REUSED),
                        .ward = last->ward,
                        .actor = last->actor,
                        .place = "",
                        .rule_id = "",
                        .threshold = MISUSE_MOST,
                        .first_us = last->at_us,
                        .last_us = last->at_us};
    size_t k = i;
    bool *in;

    while (k > 0 && rows[k - 1].at_us > last->at_us - MISUSE_WITHIN)
        k--;
    in = ward_alloc(mem, i - k + 1);
    if (in == NULL)
        return no_memory(err);
    for (size_t j = i + 1; j-- > k;) {
        in[j - k] = strcmp(rows[j].actor, last->actor) == 0;
        p.count += in[j - k];
        p.first_us = in[j - k] ? rows[j].at_us : p.first_us;
    }
    if (p.count < MISUSE_MOST)
        return WARD_OK;
    WARD_TRY(evidence(&p, rows[k].event_id, sizeof(*rows), in, i - k + 1, mem, err));
    pattern_about(&p, last->at_us / DAY_US, NULL);
    return pattern_add(out, &p, mem, err);
}

enum ward_code pattern_misuse(const struct misuse *rows, size_t n, int64_t from_us,
                              struct ward_arena *mem, struct patterns *out,
                              struct ward_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].at_us > from_us)
            WARD_TRY(misuse_at(rows, i, mem, out, err));
    return WARD_OK;
}

/* ---- doses close together ---- */

/* The rows of a window that ends with `last` and are one of its kind with it. */
struct burst {
    const struct charted *rows; /* the window's first */
    size_t n;
    bool *in;
    int doses, patients;
    int64_t first_us;
    bool one_actor;
};
typedef bool alike(const struct charted *a, const struct charted *b);

static bool same_actor(const struct charted *a, const struct charted *b)
{
    return strcmp(a->actor, b->actor) == 0;
}

static bool same_place(const struct charted *a, const struct charted *b)
{
    return *a->place != '\0' && strcmp(a->place, b->place) == 0 &&
           strcmp(a->ward, b->ward) == 0;
}

static bool patient_before(const struct burst *b, size_t j)
{
    for (size_t k = 0; k < j; k++)
        if (b->in[k] && memcmp(b->rows[k].patient, b->rows[j].patient, DOSAGE_ID) == 0)
            return true;
    return false;
}

static enum ward_code gather(const struct charted *rows, size_t i, int64_t within, alike *same,
                             struct ward_arena *mem, struct burst *out, struct ward_err *err)
{
    size_t k = i;

    while (k > 0 && rows[k - 1].at_us > rows[i].at_us - within)
        k--;
    *out = (struct burst){.rows = rows + k, .n = i - k + 1, .one_actor = true};
    out->in = ward_alloc(mem, out->n);
    if (out->in == NULL)
        return no_memory(err);
    out->first_us = rows[i].at_us;
    for (size_t j = 0; j < out->n; j++) {
        out->in[j] = same(&out->rows[j], &rows[i]);
        if (!out->in[j])
            continue;
        if (out->doses++ == 0)
            out->first_us = out->rows[j].at_us;
        out->patients += patient_before(out, j) ? 0 : 1;
        out->one_actor = out->one_actor && same_actor(&out->rows[j], &rows[i]);
    }
    return WARD_OK;
}

static enum ward_code found(const struct burst *b, Kind kind, int count, int threshold,
                            struct ward_arena *mem, struct patterns *out, struct ward_err *err)
{
    const struct charted *last = &b->rows[b->n - 1];
    bool by_place = kind == KIND(ONE_PLACE_MANY_PATIENTS);
    struct pattern p = {.kind = kind,
                        .ward = last->ward,
                        .actor = by_place ? "" : last->actor,
                        .place = by_place ? last->place : "",
                        .rule_id = "",
                        .count = count,
                        .threshold = threshold,
                        .first_us = b->first_us,
                        .last_us = last->at_us};

    WARD_TRY(evidence(&p, b->rows[0].id, sizeof(*b->rows), b->in, b->n, mem, err));
    pattern_about(&p, last->at_us / DAY_US, NULL);
    if (by_place && b->one_actor) /* who it was is no part of what it is */
        p.actor = last->actor;
    return pattern_add(out, &p, mem, err);
}

enum ward_code pattern_place(const struct charted *rows, size_t n, int64_t from_us,
                             struct ward_arena *mem, struct patterns *out, struct ward_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct burst b;

        if (rows[i].at_us <= from_us || *rows[i].place == '\0')
            continue;
        WARD_TRY(gather(rows, i, PLACE_WITHIN, same_place, mem, &b, err));
        if (b.patients >= PLACE_MOST)
            WARD_TRY(found(&b, KIND(ONE_PLACE_MANY_PATIENTS), b.patients, PLACE_MOST, mem, out,
                           err));
    }
    return WARD_OK;
}

enum ward_code pattern_batch(const struct charted *rows, size_t n, int64_t from_us,
                             struct ward_arena *mem, struct patterns *out, struct ward_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct burst b;

        if (rows[i].at_us <= from_us)
            continue;
        WARD_TRY(gather(rows, i, BATCH_WITHIN, same_actor, mem, &b, err));
        if (b.patients >= BATCH_PATIENTS)
            WARD_TRY(found(&b, KIND(BATCH), b.patients, BATCH_PATIENTS, mem, out, err));
        else if (b.doses >= BATCH_DOSES)
            WARD_TRY(found(&b, KIND(BATCH), b.doses, BATCH_DOSES, mem, out, err));
    }
    return WARD_OK;
}

/* ---- the second person ---- */

/* How long the run is that ends with row i: same two people, each soon after the one before. */
static int run_to(const struct charted *rows, size_t i, bool *in, int64_t *first_us)
{
    const char *second = rows[i].second;
    int64_t next_us = rows[i].at_us;
    int run = 0;

    for (size_t j = i + 1; j-- > 0 && next_us - rows[j].at_us <= SECOND_WITHIN;) {
        if (*rows[j].second == '\0' || !same_actor(&rows[j], &rows[i]))
            continue;
        if (strcmp(rows[j].second, second) != 0 || run == SECOND_RUN)
            break;
        in[j] = true;
        next_us = *first_us = rows[j].at_us;
        run++;
    }
    return run;
}

static enum ward_code second_at(const struct charted *rows, size_t i, struct ward_arena *mem,
                                struct patterns *out, struct ward_err *err)
{
    struct burst b;
    size_t k = i;

    while (k > 0 && rows[k - 1].at_us > rows[i].at_us - SECOND_BACK)
        k--;
    b = (struct burst){.rows = rows + k, .n = i - k + 1, .in = ward_alloc(mem, i - k + 1)};
    if (b.in == NULL)
        return no_memory(err);
    if (run_to(b.rows, i - k, b.in, &b.first_us) < SECOND_RUN)
        return WARD_OK;
    return found(&b, KIND(SECOND_PERSON_HABIT), SECOND_RUN, SECOND_RUN, mem, out, err);
}

enum ward_code pattern_second(const struct charted *rows, size_t n, int64_t from_us,
                              struct ward_arena *mem, struct patterns *out,
                              struct ward_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].at_us > from_us && *rows[i].second != '\0')
            WARD_TRY(second_at(rows, i, mem, out, err));
    return WARD_OK;
}

/* ---- shares ---- */

bool pattern_unscanned(const struct scanning *s)
{
    return s->given >= UNSCANNED_OF && s->unscanned * 100 > s->given * UNSCANNED_PERCENT;
}

bool pattern_habit(const struct habit *h)
{
    return h->fired >= HABIT_OF && h->overridden * 100 >= h->fired * HABIT_PERCENT;
}
