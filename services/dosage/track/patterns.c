#include "services/dosage/track/patterns.h"

#include "services/dosage/track/lanes.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Dosage__V1__WorkaroundKind Kind;
#define KIND(name) WARD__DOSAGE__V1__WORKAROUND_KIND__WORKAROUND_KIND_##name

#define DAY_US (24 * 3600 * PATTERN_S)

/* ---- findings ---- */

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the findings");
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

/* A pattern that is complete at row i of a group. The oldest rows of the window are the
 * evidence. */
static struct pattern burst(const struct lanes *l, const struct window *w, size_t i, Kind kind)
{
    const struct charted *last = l->at[i].row;
    size_t n = i - w->first + 1;

    return (struct pattern){.kind = kind,
                            .ward = last->ward,
                            .actor = last->actor,
                            .place = "",
                            .rule_id = "",
                            .first_us = l->at[w->first].row->at_us,
                            .last_us = last->at_us,
                            .evidence = (const uint8_t(*)[DOSAGE_ID])l->ids + w->first,
                            .n_evidence = n < PATTERN_EVIDENCE ? n : PATTERN_EVIDENCE};
}

static int rows_in(const struct window *w, size_t i)
{
    return (int)(i - w->first + 1);
}

static enum ward_code found(struct patterns *out, struct pattern *p, int count, int threshold,
                            struct ward_arena *mem, struct ward_err *err)
{
    p->count = count;
    p->threshold = threshold;
    pattern_about(p, p->last_us / DAY_US, NULL);
    return pattern_add(out, p, mem, err);
}

/* ---- tokens ---- */

enum ward_code pattern_misuse(const struct charted *rows, size_t n, int64_t from_us,
                              struct ward_arena *mem, struct patterns *out,
                              struct ward_err *err)
{
    struct window w = {0};
    struct lanes l;

    WARD_TRY(lanes_of(rows, n, LANE_ACTOR, mem, &l, err));
    for (size_t i = 0; i < l.n; i++) {
        window_take(&w, &l, i, MISUSE_WITHIN);
        if (l.at[i].row->at_us > from_us && rows_in(&w, i) >= MISUSE_MOST) {
            struct pattern p = burst(&l, &w, i, KIND(TOKEN_REUSED));

            WARD_TRY(found(out, &p, rows_in(&w, i), MISUSE_MOST, mem, err));
        }
    }
    return WARD_OK;
}

/* ---- doses in quick succession ---- */

enum ward_code pattern_place(const struct charted *rows, size_t n, int64_t from_us,
                             struct ward_arena *mem, struct patterns *out, struct ward_err *err)
{
    struct window w = {0};
    struct lanes l;

    WARD_TRY(lanes_of(rows, n, LANE_PLACE, mem, &l, err));
    for (size_t i = 0; i < l.n; i++) {
        const char *actor = l.at[i].row->actor;

        window_take(&w, &l, i, PLACE_WITHIN);
        if (l.at[i].row->at_us > from_us && w.patients >= PLACE_MOST) {
            struct pattern p = burst(&l, &w, i, KIND(ONE_PLACE_MANY_PATIENTS));

            p.actor = "";
            p.place = l.at[i].row->place;
            WARD_TRY(found(out, &p, w.patients, PLACE_MOST, mem, err));
            if (w.actor_since <= w.first) /* the actor is not part of this finding's identity */
                out->at[out->n - 1].actor = actor;
        }
    }
    return WARD_OK;
}

enum ward_code pattern_batch(const struct charted *rows, size_t n, int64_t from_us,
                             struct ward_arena *mem, struct patterns *out, struct ward_err *err)
{
    struct window w = {0};
    struct lanes l;

    WARD_TRY(lanes_of(rows, n, LANE_ACTOR, mem, &l, err));
    for (size_t i = 0; i < l.n; i++) {
        struct pattern p;

        window_take(&w, &l, i, BATCH_WITHIN);
        if (l.at[i].row->at_us <= from_us)
            continue;
        p = burst(&l, &w, i, KIND(BATCH));
        if (w.patients >= BATCH_PATIENTS)
            WARD_TRY(found(out, &p, w.patients, BATCH_PATIENTS, mem, err));
        else if (rows_in(&w, i) >= BATCH_DOSES)
            WARD_TRY(found(out, &p, rows_in(&w, i), BATCH_DOSES, mem, err));
    }
    return WARD_OK;
}

/* ---- the second person ---- */

/* Length of the run that ends with row i: doses by the same two people, each shortly after the
 * previous dose. run: the rows of the run, newest first. */
static size_t run_to(const struct lanes *l, size_t i, size_t run[SECOND_RUN])
{
    const char *second = l->at[i].row->second;
    int64_t next_us = l->at[i].row->at_us;
    size_t n = 0;

    for (size_t j = i + 1; j-- > l->at[i].lane && n < SECOND_RUN;) {
        const struct charted *row = l->at[j].row;

        if (next_us - row->at_us > SECOND_WITHIN)
            break;
        if (*row->second == '\0')
            continue;
        if (strcmp(row->second, second) != 0)
            break;
        next_us = row->at_us;
        run[n++] = j;
    }
    return n;
}

static enum ward_code second_at(const struct lanes *l, size_t i, struct ward_arena *mem,
                                struct patterns *out, struct ward_err *err)
{
    size_t run[SECOND_RUN];
    uint8_t(*ids)[DOSAGE_ID];
    struct pattern p;

    if (run_to(l, i, run) < SECOND_RUN)
        return WARD_OK;
    ids = ward_alloc(mem, SECOND_RUN * DOSAGE_ID);
    if (ids == NULL)
        return no_memory(err);
    for (size_t k = 0; k < SECOND_RUN; k++)
        memcpy(ids[k], l->ids[run[SECOND_RUN - 1 - k]], DOSAGE_ID);
    p = burst(l, &(struct window){.first = run[SECOND_RUN - 1]}, i, KIND(SECOND_PERSON_HABIT));
    p.evidence = (const uint8_t(*)[DOSAGE_ID])ids;
    p.n_evidence = SECOND_RUN;
    return found(out, &p, SECOND_RUN, SECOND_RUN, mem, err);
}

enum ward_code pattern_second(const struct charted *rows, size_t n, int64_t from_us,
                              struct ward_arena *mem, struct patterns *out,
                              struct ward_err *err)
{
    struct lanes l;

    WARD_TRY(lanes_of(rows, n, LANE_ACTOR, mem, &l, err));
    for (size_t i = 0; i < l.n; i++)
        if (l.at[i].row->at_us > from_us && *l.at[i].row->second != '\0')
            WARD_TRY(second_at(&l, i, mem, out, err));
    return WARD_OK;
}

/* ---- merging equal findings ---- */

static bool is_among(const uint8_t (*ids)[DOSAGE_ID], size_t n, const uint8_t id[DOSAGE_ID])
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(ids[i], id, DOSAGE_ID) == 0)
            return true;
    return false;
}

enum ward_code pattern_evidence(const uint8_t (*was)[DOSAGE_ID], size_t n,
                                const struct pattern *more, size_t n_more,
                                struct ward_arena *mem, struct ward_val *out,
                                struct ward_err *err)
{
    uint8_t(*ids)[DOSAGE_ID] = ward_alloc(mem, (n + PATTERN_EVIDENCE) * DOSAGE_ID);

    if (ids == NULL)
        return no_memory(err);
    if (n > 0)
        memcpy(ids, was, n * DOSAGE_ID);
    for (size_t i = 0; i < n_more && n < PATTERN_EVIDENCE; i++)
        for (size_t k = 0; k < more[i].n_evidence && n < PATTERN_EVIDENCE; k++)
            if (!is_among((const uint8_t(*)[DOSAGE_ID])ids, n, more[i].evidence[k]))
                memcpy(ids[n++], more[i].evidence[k], DOSAGE_ID);
    *out = ward_blob(ids, n * DOSAGE_ID);
    return WARD_OK;
}

struct pattern pattern_joined(const struct pattern *same, size_t n)
{
    struct pattern all = same[0];

    for (size_t i = 1; i < n; i++) {
        const struct pattern *p = &same[i];

        all.count = p->out_of > 0 || p->count > all.count ? p->count : all.count;
        all.out_of = p->out_of;
        all.own = p->own;
        all.threshold = p->threshold;
        all.first_us = p->first_us < all.first_us ? p->first_us : all.first_us;
        all.last_us = p->last_us > all.last_us ? p->last_us : all.last_us;
    }
    return all;
}

static int by_about_then_time(const void *a, const void *b)
{
    const struct pattern *x = a, *y = b;
    int c = memcmp(x->about, y->about, sizeof(x->about));

    return c != 0 ? c : (x->last_us > y->last_us) - (x->last_us < y->last_us);
}

void patterns_sort(struct patterns *list)
{
    if (list->n > 0)
        qsort(list->at, list->n, sizeof(*list->at), by_about_then_time);
}

size_t patterns_same(const struct patterns *list, size_t i)
{
    size_t n = 1;

    while (i + n < list->n &&
           memcmp(list->at[i].about, list->at[i + n].about, sizeof(list->at[i].about)) == 0)
        n++;
    return n;
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
