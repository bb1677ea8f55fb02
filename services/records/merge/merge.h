/* merge.h - functions for merging and unmerging two patients.
 *
 * A chart consists of the patients with the same root_id. A merge sets the root of all patients
 * of the merged chart to the surviving record. Nothing else changes, so that an unmerge can
 * restore the roots. Rows of `patient` are locked exclusively in the order of their ids, so
 * that two merges of the same patients are serialized.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: those of chart.h.
 */
#ifndef RECORDS_MERGE_MERGE_H
#define RECORDS_MERGE_MERGE_H

#include "services/records/api.h"

#include "ward/records/v1/patients.pb-c.h"

typedef Ward__Records__V1__Patient Patient;

/* ---- link.c: pure except for the arena ---- */

/* The value of Patient.active before a merge. The numbers are stored in
 * patient_merge.was_active: never renumber. */
enum was_active { WAS_NOT_SET = 0, WAS_INACTIVE = 1, WAS_ACTIVE = 2 };

enum was_active active_of(const Patient *p);
void active_back(Patient *p, enum was_active was);
/* Adds a link to `other`, the text of a UUID.   RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code link_add(struct ward_arena *mem, Patient *p,
                                  Ward__Records__V1__Patient__LinkType type, const char *other,
                                  struct ward_err *err);
/* Removes a link. A link that a person already removed is ignored. */
void link_remove(Patient *p, Ward__Records__V1__Patient__LinkType type, const char *other);

/* ---- merge_side.c: one of the two patients ---- */

struct side {
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    char text[37];
    int expected; /* expected version; 0: any version */
    struct ward_event event;
    struct version version; /* the current version, then the written one */
    Resource *res;
};
struct both {
    struct ward_call *c;
    struct view view;
    struct side into, from;
};
/* Sets the caller's view as a registrar, and begins the event about `into`. */
WARD_MUST enum ward_code both_begin(struct both *b, struct ward_err *err);
/* Completes the two events, after both ids were set. */
void both_acts(struct both *b);
/* In the transaction: locks both patients, in the order of their ids, and reads their roots.
 *   NOT_FOUND  PATIENT_NOT_FOUND;  FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code both_lock(struct both *b, struct ward_err *err);
/* Reads and decrypts the current Patients.   ABORTED  VERSION_CONFLICT */
WARD_MUST enum ward_code both_open(struct both *b, struct ward_err *err);
/* Writes the next versions of both Patients. */
WARD_MUST enum ward_code both_write(struct both *b, Ward__Records__V1__Act act, int64_t at_us,
                                    struct ward_err *err);
/* Writes an event and a row of `seen` for each of the two patients. */
WARD_MUST enum ward_code both_tell(struct both *b, struct ward_err *err);
/* Converts the written versions to wire Records. */
WARD_MUST enum ward_code both_records(struct both *b, Ward__Records__V1__Record **into,
                                      Ward__Records__V1__Record **from, struct ward_err *err);
/* side_keep selects the part of an answer that is stored under the idempotency key. This part
 * has only the versions, because stored answers are unencrypted and must not contain a
 * patient's name. side_again reads the records of a stored answer, without a Patient that the
 * caller may no longer read. */
WARD_MUST enum ward_code side_keep(struct ward_call *c, const Ward__Records__V1__Record *full,
                                   Ward__Records__V1__Record **out, struct ward_err *err);
WARD_MUST enum ward_code side_again(const struct both *b, const Ward__Records__V1__Record *kept,
                                    Ward__Records__V1__Record **out, struct ward_err *err);
/* Encrypts a reason of 1 to 500 bytes under the key of the patient `from`. */
WARD_MUST enum ward_code merge_seal(struct both *b, const uint8_t merge[RECORDS_ID],
                                    const char *reason, struct ward_val *out,
                                    struct ward_err *err);

#endif
