#include "services/records/access/log.h"

#include "common/base/text.h"
#include "common/rpc/wire.h"

#include <string.h>

/* Rows that are read beyond a page, because an access writes its row slightly later than its
 * event. */
#define SLACK 64

static int64_t upper(const struct log_page *p)
{
    int64_t to = p->to_us == 0 ? INT64_MAX : p->to_us;

    return p->has_after && p->after.at_us < to ? p->after.at_us + 1 : to;
}

static enum ward_code read_lines(struct log_page *p, const uint8_t patient[RECORDS_ID],
                                 struct ward_err *err)
{
    static const char sql[] = "SELECT at_us, event_id FROM seen WHERE patient_id = ?"
                              " AND at_us >= ? AND at_us < ? ORDER BY at_us DESC LIMIT ?";
    struct worker *w = p->c->wrk;
    struct ward_arena *mem = p->c->mem;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, sql,
                         WARD_PARAMS(ward_blob(patient, RECORDS_ID), ward_int(mem, p->from_us),
                                     ward_int(mem, upper(p)),
                                     ward_int(mem, (int64_t)p->most + SLACK)),
                         &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        struct log_line *l = &p->line[p->n_lines++];

        if (!ward_i64(rows.at[i][0].p, 0, INT64_MAX, &l->at_us))
            return WARD_FAIL(err, DATA_LOSS, "a stored access has no time");
        memcpy(l->event_id, rows.at[i][1].p, sizeof(l->event_id));
    }
    return WARD_OK;
}

static enum ward_code add_pending(struct log_page *p, struct ward_val event,
                                  struct ward_err *err)
{
    ProtobufCMessage *m;

    WARD_TRY(ward_wire_unpack(&ward__audit__v1__event__descriptor, (const uint8_t *)event.p,
                              event.n, p->c->mem, &m, err));
    return log_add(p, (const Event *)m, LOG_NO_INDEX, err);
}

static const struct log_line *line_of(const struct log_page *p, const char *event_id)
{
    for (size_t i = 0; i < p->n_lines; i++)
        if (memcmp(p->line[i].event_id, event_id, 16) == 0)
            return &p->line[i];
    return NULL;
}

/* Reads events that are still in an outbox table. The outbox has no index by event, so each of
 * the two outbox tables is read once for each patient of the chart. */
#define HELD_BY(table)                                                                         \
    "SELECT o.event_id, o.event FROM " table " o WHERE o.event_id IN (SELECT s.event_id"       \
    " FROM seen s WHERE s.patient_id = ? AND s.at_us >= ? AND s.at_us <= ?)"

static enum ward_code read_table(struct log_page *p, const char *sql,
                                 const uint8_t patient[RECORDS_ID], int64_t low, int64_t high,
                                 struct ward_err *err)
{
    struct worker *w = p->c->wrk;
    struct ward_arena *mem = p->c->mem;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        w->event_ctx.db, mem, sql,
        WARD_PARAMS(ward_blob(patient, RECORDS_ID), ward_int(mem, low), ward_int(mem, high)),
        &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        if (line_of(p, rows.at[i][0].p) != NULL)
            WARD_TRY(add_pending(p, rows.at[i][1], err));
    return WARD_OK;
}

static enum ward_code read_outbox(struct log_page *p, struct ward_err *err)
{
    static const char waiting[] = HELD_BY("ward_outbox"), held[] = HELD_BY("ward_outbox_held");
    int64_t low = INT64_MAX, high = 0;

    for (size_t i = 0; i < p->n_lines; i++) {
        low = p->line[i].at_us < low ? p->line[i].at_us : low;
        high = p->line[i].at_us > high ? p->line[i].at_us : high;
    }
    for (size_t k = 0; k < p->n_chart && p->n_lines > 0; k++) {
        WARD_TRY(read_table(p, waiting, p->chart[k], low, high, err));
        WARD_TRY(read_table(p, held, p->chart[k], low, high, err));
    }
    return WARD_OK;
}

enum ward_code log_read_local(struct log_page *p, struct ward_err *err)
{
    size_t cap = p->n_chart * (p->most + SLACK);

    p->n_lines = 0;
    p->line = ward_alloc(p->c->mem, cap * sizeof(*p->line));
    if (p->line == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the page");
    for (size_t k = 0; k < p->n_chart; k++)
        WARD_TRY(read_lines(p, p->chart[k], err));
    return read_outbox(p, err);
}
