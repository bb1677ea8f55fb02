#include "services/records/access/tell.h"

#include "common/base/clock.h"

#include <string.h>

/* A row of `seen`, and its event, which names the break-glass grant. */
struct line {
    const uint8_t *patient;
    struct ward_event event;
    uint8_t glass[RECORDS_ID];
    bool under_glass;
};

static enum ward_code name_glass(struct line *l, struct ward_arena *mem, struct ward_err *err)
{
    char *text;

    if (!l->under_glass)
        return WARD_OK;
    text = ward_alloc(mem, 37);
    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    ward_uuid_text(l->glass, text);
    ward_event_note(&l->event, "glass", text);
    return WARD_OK;
}

static enum ward_code of_patient(struct line *l, struct ward_arena *mem, struct ward_err *err)
{
    char *text = ward_alloc(mem, 37);

    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    ward_uuid_text(l->patient, text);
    l->event.patient = text;
    return WARD_OK;
}

/* Reads every open break-glass grant of the caller, with one row for each patient of the
 * grant's chart. */
static enum ward_code find_glasses(struct worker *w, struct ward_arena *mem,
                                   const struct view *v, struct ward_rows *out,
                                   struct ward_err *err)
{
    static const char sql[] = "SELECT q.patient_id, g.glass_id FROM glass g"
                              " JOIN patient p ON p.patient_id = g.patient_id"
                              " JOIN patient q ON q.root_id = p.root_id"
                              " WHERE g.actor = ? AND g.until_us > ? ORDER BY g.until_us DESC";

    *out = (struct ward_rows){0};
    if (v == NULL || v->scope.treated == 0)
        return WARD_OK;
    return ward_db_run(w->event_ctx.db, mem, sql,
                       WARD_PARAMS(ward_text(v->actor), ward_int(mem, v->now_us)), out, err);
}

static void put_glass(struct line *l, const struct ward_rows *glasses)
{
    for (size_t i = 0; i < glasses->n && !l->under_glass; i++) {
        l->under_glass = memcmp(glasses->at[i][0].p, l->patient, RECORDS_ID) == 0;
        if (l->under_glass)
            memcpy(l->glass, glasses->at[i][1].p, RECORDS_ID);
    }
}

#define SEEN "INSERT INTO seen (patient_id, at_us, event_id, glass_id) VALUES (?, ?, ?, ?)"

static void seen_row(const struct line *l, struct ward_val now, struct ward_val out[4])
{
    out[0] = ward_blob(l->patient, RECORDS_ID);
    out[1] = now;
    out[2] = ward_blob(l->event.event_id, sizeof(l->event.event_id));
    out[3] = l->under_glass ? ward_blob(l->glass, RECORDS_ID) : ward_text(NULL);
}

enum ward_code tell(struct worker *w, struct ward_event *a, const struct view *v,
                    const uint8_t patient[RECORDS_ID], struct ward_err *err)
{
    static const char sql[] = SEEN;
    struct ward_arena *mem = a->call->mem;
    struct line l = {.patient = patient, .event = *a};
    struct ward_val row[4];

    if (v != NULL)
        WARD_TRY(view_glass(w, mem, v, patient, l.glass, &l.under_glass, err));
    WARD_TRY(of_patient(&l, mem, err));
    WARD_TRY(name_glass(&l, mem, err));
    WARD_TRY(ward_event_write(&l.event, w->event_ctx.db, err));
    seen_row(&l, ward_int(mem, ward_wall_us()), row);
    return ward_db_run(w->event_ctx.db, mem, sql, row, WARD_COUNT(row), NULL, err);
}

static enum ward_code write_lines(struct worker *w, struct line *lines, size_t n,
                                  struct ward_arena *mem, struct ward_err *err)
{
    static const char sql[] = SEEN;
    struct ward_event *events = ward_alloc(mem, n * sizeof(*events));
    struct ward_val *rows = ward_alloc(mem, n * 4 * sizeof(*rows));
    struct ward_val now;

    if (events == NULL || rows == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    for (size_t i = 0; i < n; i++)
        events[i] = lines[i].event;
    WARD_TRY(ward_event_write_many(events, n, w->event_ctx.db, err));
    /* AccessLog requires that a row is not earlier than its event */
    now = ward_int(mem, ward_wall_us());
    for (size_t i = 0; i < n; i++)
        seen_row(&lines[i], now, rows + i * 4);
    return ward_db_bulk(w->event_ctx.db, sql, rows, 4, n, err);
}

enum ward_code tell_each(struct worker *w, struct ward_event *a, const struct view *v,
                         const uint8_t (*patients)[RECORDS_ID], size_t n, struct ward_err *err)
{
    struct ward_arena *mem = a->call->mem;
    struct ward_rows glasses;
    struct line *lines;

    if (n == 0)
        return ward_event_write(a, w->event_ctx.db, err);
    lines = ward_alloc(mem, n * sizeof(*lines));
    if (lines == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    WARD_TRY(find_glasses(w, mem, v, &glasses, err));
    for (size_t i = 0; i < n; i++) {
        lines[i].patient = patients[i];
        ward_event_another(a, NULL, &lines[i].event);
        WARD_TRY(of_patient(&lines[i], mem, err));
        put_glass(&lines[i], &glasses);
        WARD_TRY(name_glass(&lines[i], mem, err));
    }
    return write_lines(w, lines, n, mem, err);
}

void tell_if_refused(struct worker *w, const uint8_t patient[RECORDS_ID])
{
    ward_uuid_text(patient, w->event_ctx.patient);
}
