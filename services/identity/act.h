/* act.h - one call's audit event, written in the transaction of what it did.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: outbox.h's.
 */
#ifndef IDENTITY_ACT_H
#define IDENTITY_ACT_H

#include "common/rpc/rpc.h"
#include "services/identity/identity.h"

#define ACT_DETAILS 12

struct act {
    struct ward_call *call;
    uint8_t event_id[16];
    char event_text[37]; /* event_id as a UUID */
    const char *subject; /* "" if about nobody */
    const char *place;
    int n;
    struct {
        const char *key, *value;
    } detail[ACT_DETAILS];
};

/* From now on the call is about this subject, also when it fails. NULL: not known. */
void act_begin(struct act *a, struct ward_call *call, const char *subject);
void act_note(struct act *a, const char *key, const char *value);
void act_note_num(struct act *a, const char *key, double value); /* four digits */
void act_note_int(struct act *a, const char *key, int64_t value);
/* Success: inside ward_db_tx. */
WARD_MUST enum ward_code act_write(struct act *a, struct ward_db *db, struct ward_err *err);
/* An act of the service's own, by nobody's call: `own` is filled as the call it stands for, and
 * must outlive `a`. The event's actor is "" and its peer "identity". */
void act_own(struct act *a, struct ward_call *own, struct worker *w, struct ward_arena *mem,
             const struct ward_method_info *what, const char *subject);
/* For ward_rpc_config.refused. */
void act_refused(struct ward_call *call, enum ward_code code);

#endif
