/* log.h - builds one page of AccessLog.
 *
 * The answer has audit's events about a patient. log_check compares the events with the table
 * `seen`, to which each access adds a row in its own transaction. The event of a row is in
 * audit, or in the outbox (reported as pending). Otherwise the event was removed from audit,
 * which is an error. The reads have a fixed order: seen, then the outbox, then audit. audit
 * acknowledges an event before the event leaves the outbox, so an event that is missing in the
 * outbox must be in audit.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: those of db.h;
 * AUDIT_AWAY, AUDIT_DIFFERS.
 */
#ifndef RECORDS_ACCESS_LOG_H
#define RECORDS_ACCESS_LOG_H

#include "services/records/api.h"

#include "ward/audit/v1/audit.pb-c.h"
#include "ward/records/v1/access.pb-c.h"

typedef Ward__Audit__V1__Event Event;

#define LOG_NO_INDEX INT64_MAX /* index of an event that is not in audit yet */

/* Position of an entry: newest first. */
struct log_place {
    int64_t at_us, index;
    uint8_t event_id[16];
};
int log_order(const struct log_place *a, const struct log_place *b); /* result as for qsort */

struct log_line { /* a row of `seen` */
    int64_t at_us;
    uint8_t event_id[16];
};
struct log_entry {
    struct log_place place;
    const Event *event;
};
struct log_page {
    struct ward_call *c;
    int64_t from_us, to_us; /* to_us 0: no upper bound */
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

/* Reads the rows of `seen` for this page, and adds an entry for each event that is still in the
 * outbox. */
WARD_MUST enum ward_code log_read_local(struct log_page *p, struct ward_err *err);

/* ---- log_audit.c ---- */

/* Adds audit's events. An event that was read as pending and has since reached audit appears
 * once. */
WARD_MUST enum ward_code log_ask_audit(struct log_page *p, struct ward_err *err);
/* Called after the page was cut to its size. Checks that each row of `seen` in the page's time
 * span has an entry, or that audit has the event on another page.
 *   DATA_LOSS  AUDIT_DIFFERS */
WARD_MUST enum ward_code log_check(struct log_page *p, struct ward_err *err);
/* Reads a signed head that covers every entry.   DATA_LOSS  AUDIT_DIFFERS */
WARD_MUST enum ward_code log_checkpoint(struct log_page *p, char **out, struct ward_err *err);

WARD_MUST enum ward_code log_add(struct log_page *p, const Event *e, int64_t index,
                                 struct ward_err *err);
/* Finds the entry of this event, or returns NULL. */
const struct log_entry *log_with(const struct log_page *p, const uint8_t event_id[16]);

#endif
