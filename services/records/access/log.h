/* log.h - one page of AccessLog in the making.
 *
 * What audit says about a patient is the answer. `seen`, written in the transaction of each
 * act, is what it is checked against: a line of it is in audit, or its event still lies in the
 * outbox (it is pending, and shown so), or something was taken out of audit, which is said and
 * not passed over. The order of reading makes this exact: seen, then the outbox, then audit. An
 * event that had left the outbox was acknowledged by audit before audit is asked.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: db.h's; AUDIT_AWAY, AUDIT_DIFFERS.
 */
#ifndef RECORDS_ACCESS_LOG_H
#define RECORDS_ACCESS_LOG_H

#include "services/records/api.h"

#include "ward/audit/v1/audit.pb-c.h"
#include "ward/records/v1/access.pb-c.h"

typedef Ward__Audit__V1__Event Event;

#define LOG_NO_INDEX INT64_MAX /* of an event that audit does not have yet */

/* Where an entry stands: newest first. */
struct log_place {
    int64_t at_us, index;
    uint8_t event_id[16];
};
int log_order(const struct log_place *a, const struct log_place *b); /* as qsort wants it */

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
    struct log_place after; /* the last entry of the page before */
    size_t most;
    const uint8_t (*chart)[RECORDS_ID]; /* the patients that are one */
    size_t n_chart;
    struct log_line *line; /* newest first of each patient */
    size_t n_lines;
    struct log_entry *entry;
    size_t n_entries, cap;
    bool more;
};

/* ---- log_local.c: what this service wrote ---- */

/* The lines of `seen` that this page can reach, and the events among them that the outbox still
 * holds, as entries. */
WARD_MUST enum ward_code log_read_local(struct log_page *p, struct ward_err *err);

/* ---- log_audit.c ---- */

/* Adds what audit has; those that were pending and are there by now once. */
WARD_MUST enum ward_code log_ask_audit(struct log_page *p, struct ward_err *err);
/* After the page was cut: every line of its time is an entry, or audit has it elsewhere.
 *   DATA_LOSS  AUDIT_DIFFERS */
WARD_MUST enum ward_code log_check(struct log_page *p, struct ward_err *err);
/* A signed head that covers every entry.   DATA_LOSS  AUDIT_DIFFERS */
WARD_MUST enum ward_code log_checkpoint(struct log_page *p, char **out, struct ward_err *err);

WARD_MUST enum ward_code log_add(struct log_page *p, const Event *e, int64_t index,
                                 struct ward_err *err);
/* An entry with this event, or NULL. */
const struct log_entry *log_with(const struct log_page *p, const uint8_t event_id[16]);

#endif
