/* log.h - builds one page of AccessLog.
 *
 * The answer has audit's events about a patient. They are compared with `seen`, which is
 * written in the transaction of each access: an event of a row of `seen` is in audit, or still
 * in the outbox (reported as pending), or was removed from audit, which is an error. The order
 * of the reads makes this exact: seen, then the outbox, then audit. audit acknowledged an event
 * before it left the outbox, and audit is read after that.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: db.h's; AUDIT_AWAY, AUDIT_DIFFERS.
 */
#ifndef RECORDS_ACCESS_LOG_H
#define RECORDS_ACCESS_LOG_H

#include "services/records/api.h"

#include "ward/audit/v1/audit.pb-c.h"
#include "ward/records/v1/access.pb-c.h"

typedef Ward__Audit__V1__Event Event;

#define LOG_NO_INDEX INT64_MAX /* of an event that is not in audit yet */

/* Position of an entry: newest first. */
struct log_place {
    int64_t at_us, index;
    uint8_t event_id[16];
};
int log_order(const struct log_place *a, const struct log_place *b); /* in the form for qsort */

struct log_line { /* of `seen` */
    int64_t at_us;
    uint8_t event_id[16];
};
struct log_entry {
    struct log_place place;
    const Event *event;
};
struct log_page {
    struct ward_call *c;
    int64_t from_us, to_us; /* 0: no bound */
    bool has_after;
    struct log_place after; /* the last entry of the previous page */
    size_t most;
    const uint8_t (*chart)[RECORDS_ID]; /* the merged records of the chart */
    size_t n_chart;
    struct log_line *line; /* newest first for each patient */
    size_t n_lines;
    struct log_entry *entry;
    size_t n_entries, cap;
    bool more;
};

/* ---- log_local.c: accesses through this service ---- */

/* The rows of `seen` that belong to this page, and their events that are still in the outbox,
 * as entries. */
WARD_MUST enum ward_code log_read_local(struct log_page *p, struct ward_err *err);

/* ---- log_audit.c ---- */

/* Adds audit's events; formerly pending ones that have arrived meanwhile appear once. */
WARD_MUST enum ward_code log_ask_audit(struct log_page *p, struct ward_err *err);
/* After the page was cut: every row of `seen` in its time span has an entry, or audit has the
 * event elsewhere.
 *   DATA_LOSS  AUDIT_DIFFERS */
WARD_MUST enum ward_code log_check(struct log_page *p, struct ward_err *err);
/* A signed head that covers every entry.   DATA_LOSS  AUDIT_DIFFERS */
WARD_MUST enum ward_code log_checkpoint(struct log_page *p, char **out, struct ward_err *err);

WARD_MUST enum ward_code log_add(struct log_page *p, const Event *e, int64_t index,
                                 struct ward_err *err);
/* An entry with this event, or NULL. */
const struct log_entry *log_with(const struct log_page *p, const uint8_t event_id[16]);

#endif
