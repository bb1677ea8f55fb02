/* merge.h - the common part of merging and unmerging two patients.
 *
 * A chart consists of the patients with the same root_id. A merge sets the root of all patients
 * of the one chart to the surviving record; nothing else changes, so that an unmerge can
 * restore the roots. Rows of `patient` are locked exclusively in the order of their ids: two
 * merges of the same people are serialized, in whatever direction.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: chart.h's.
 */
#ifndef RECORDS_MERGE_MERGE_H
#define RECORDS_MERGE_MERGE_H

#include "services/records/api.h"

#include "ward/records/v1/patients.pb-c.h"

typedef Ward__Records__V1__Patient Patient;

/* ---- link.c: pure except for the arena ---- */

/* The value of Patient.active before a merge: patient_merge.was_active. Stored: never
 * renumber. */
enum was_active { WAS_NOT_SET = 0, WAS_INACTIVE = 1, WAS_ACTIVE = 2 };

enum was_active active_of(const Patient *p);
void active_back(Patient *p, enum was_active was);
/* Adds a link to `other`, the text of a UUID.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code link_add(struct ward_arena *mem, Patient *p,
                                  Ward__Records__V1__Patient__LinkType type, const char *other,
                                  struct ward_err *err);
/* Removes such a link; a link that a person already removed is ignored. */
void link_remove(Patient *p, Ward__Records__V1__Patient__LinkType type, const char *other);

/* ---- merge_side.c: one of the two patients ---- */

struct side {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    char text[37];
    int expected; /* expected version; 0: the current one */
    struct ward_event event;
    struct version version; /* the current version, then the written one */
    Resource *res;
};
struct both {
    struct ward_call *c;
    struct view view;
    struct side into, from;
};
/* The caller's view as a registrar; begins the event, about `into`. */
WARD_MUST enum ward_code both_begin(struct both *b, struct ward_err *err);
/* Completes the two events; once both ids are known. */
void both_acts(struct both *b);
/* In the transaction: locks both, in the order of their ids, and reads their roots.
 *   NOT_FOUND  PATIENT_NOT_FOUND;  FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code both_lock(struct both *b, struct ward_err *err);
/* The current Patients, decrypted.   ABORTED  VERSION_CONFLICT */
WARD_MUST enum ward_code both_open(struct both *b, struct ward_err *err);
/* Their next versions. */
WARD_MUST enum ward_code both_write(struct both *b, Ward__Records__V1__Act act, int64_t at_us,
                                    struct ward_err *err);
/* An event and a row of `seen` for each. */
WARD_MUST enum ward_code both_tell(struct both *b, struct ward_err *err);
/* The wire's records of the written versions. */
WARD_MUST enum ward_code both_records(struct both *b, Ward__Records__V1__Record **into,
                                      Ward__Records__V1__Record **from, struct ward_err *err);
/* The answer stored under the idempotency key: only the versions, because stored answers are
 * unencrypted and must not contain a patient's name; and the records of such an answer, without
 * a Patient that the caller may no longer read. */
WARD_MUST enum ward_code side_keep(struct ward_call *c, const Ward__Records__V1__Record *full,
                                   Ward__Records__V1__Record **out, struct ward_err *err);
WARD_MUST enum ward_code side_again(const struct both *b, const Ward__Records__V1__Record *kept,
                                    Ward__Records__V1__Record **out, struct ward_err *err);
/* A reason of 1 to 500 bytes, encrypted under the key of the patient `from`. */
WARD_MUST enum ward_code merge_seal(struct both *b, const uint8_t merge[RECORDS_ID],
                                    const char *reason, struct ward_val *out,
                                    struct ward_err *err);

#endif
