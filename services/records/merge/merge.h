/* merge.h - what merging two patients and taking it back share.
 *
 * A chart is the patients whose root_id is the same. Merging points everybody whose root is the
 * one merged away at the one that stays; nothing else moves, so that taking it back can point
 * them home again. Rows of `patient` are locked in the order of their ids, for writing: two
 * merges of the same people happen one after the other, in whatever direction they came.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: chart.h's.
 */
#ifndef RECORDS_MERGE_MERGE_H
#define RECORDS_MERGE_MERGE_H

#include "services/records/api.h"

#include "ward/records/v1/patients.pb-c.h"

typedef Ward__Records__V1__Patient Patient;

/* ---- link.c: pure but for the arena ---- */

/* How Patient.active was before a merge: patient_merge.was_active. Stored: never renumber. */
enum was_active { WAS_NOT_SET = 0, WAS_INACTIVE = 1, WAS_ACTIVE = 2 };

enum was_active active_of(const Patient *p);
void active_back(Patient *p, enum was_active was);
/* Adds a link to `other`, a UUID's text.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code link_add(struct ward_arena *mem, Patient *p,
                                  Ward__Records__V1__Patient__LinkType type, const char *other,
                                  struct ward_err *err);
/* Takes such a link away; one that a person took away already is none. */
void link_remove(Patient *p, Ward__Records__V1__Patient__LinkType type, const char *other);

/* ---- merge_side.c: one of the two patients ---- */

struct side {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    char text[37];
    int expected; /* version; 0: whichever is current */
    struct ward_event event;
    struct version version; /* the current one, then the one written */
    Resource *res;
};
struct both {
    struct ward_call *c;
    struct view view;
    struct side into, from;
};
/* The caller's view as a registrar; the act begun, about `into`. */
WARD_MUST enum ward_code both_begin(struct both *b, struct ward_err *err);
/* Names the two acts; once both ids are known. */
void both_acts(struct both *b);
/* In the transaction: locks both, in the order of their ids, and reads their roots.
 *   NOT_FOUND  PATIENT_NOT_FOUND;  FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code both_lock(struct both *b, struct ward_err *err);
/* The current Patients, opened.   ABORTED  VERSION_CONFLICT */
WARD_MUST enum ward_code both_open(struct both *b, struct ward_err *err);
/* Their next versions. */
WARD_MUST enum ward_code both_write(struct both *b, Ward__Records__V1__Act act, int64_t at_us,
                                    struct ward_err *err);
/* An event and a line of `seen` for each. */
WARD_MUST enum ward_code both_tell(struct both *b, struct ward_err *err);
/* The wire's records of what was written. */
WARD_MUST enum ward_code both_records(struct both *b, Ward__Records__V1__Record **into,
                                      Ward__Records__V1__Record **from, struct ward_err *err);
/* What is kept under the idempotency key: the versions alone, for answers are kept in the clear
 * and no patient's name is; and the records of such an answer again, without the Patient that
 * the caller may not see any more. */
WARD_MUST enum ward_code side_keep(struct ward_call *c, const Ward__Records__V1__Record *full,
                                   Ward__Records__V1__Record **out, struct ward_err *err);
WARD_MUST enum ward_code side_again(const struct both *b, const Ward__Records__V1__Record *kept,
                                    Ward__Records__V1__Record **out, struct ward_err *err);
/* A reason of 1 to 500 bytes, sealed under the key of the patient `from`. */
WARD_MUST enum ward_code merge_seal(struct both *b, const uint8_t merge[RECORDS_ID],
                                    const char *reason, struct ward_val *out,
                                    struct ward_err *err);

#endif
