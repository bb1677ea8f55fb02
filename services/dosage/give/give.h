/* give.h - doses: writing and reading them, barcodes, and the token.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h and
 * owner.h, and those listed at each function.
 */
#ifndef DOSAGE_GIVE_GIVE_H
#define DOSAGE_GIVE_GIVE_H

#include "services/dosage/schedule/slots.h"
#include "ward/dosage/v1/administration.pb-c.h"

/* Parses a scanned barcode: pure. The caller sets product_id. Source: GS1 General
 * Specifications, element strings (AI 01, 10, 17, 21) and check digits.
 *   INVALID_ARGUMENT  SCAN_UNREADABLE */
WARD_MUST enum ward_code scan_parse(const char *text, struct ward_arena *mem,
                                    Ward__Dosage__V1__Scanned **out, struct ward_err *err);

/* Scanned.warning: the lot or serial number may contain the expiry date. */
#define SCAN_EXPIRY_IN_LOT "expiry-in-lot"
/* As scan_parse, with a rule set: also reads the hospital's own codes, and looks up the
 * product. product and drug are NULL if the rule set does not have the product.
 *   INVALID_ARGUMENT  SCAN_UNREADABLE */
struct scan_found {
    Ward__Dosage__V1__Scanned *scanned;
    const Ward__Dosage__V1__Product *product;
    const Ward__Dosage__V1__Drug *drug;
};
WARD_MUST enum ward_code scan_find(const struct ruleset *rules, const char *text,
                                   struct ward_arena *mem, struct scan_found *out,
                                   struct ward_err *err);

/* The current version of a dose. `lock`: reads FOR UPDATE.
 *   NOT_FOUND ADMINISTRATION_NOT_FOUND */
WARD_MUST enum ward_code dose_find(struct worker *w, struct ward_arena *mem,
                                   const uint8_t id[DOSAGE_ID], bool lock,
                                   Ward__Dosage__V1__Administration **out,
                                   struct ward_err *err);
/* All versions of a dose, newest first.   NOT_FOUND ADMINISTRATION_NOT_FOUND */
WARD_MUST enum ward_code dose_versions(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID],
                                       Ward__Dosage__V1__Administration ***out, size_t *n,
                                       struct ward_err *err);
/* Doses of a patient and merged records, of any outcome, given in [from_us, to_us), oldest
 * first, at most `most`. */
WARD_MUST enum ward_code doses_of(struct worker *w, struct ward_arena *mem,
                                  const uint8_t patient[DOSAGE_ID], int64_t from_us,
                                  int64_t to_us, size_t most,
                                  Ward__Dosage__V1__Administration ***out, size_t *n,
                                  struct ward_err *err);
/* Unacknowledged emergency doses of a ward, sorted by deadline, after the dose with the
 * deadline `after_us` and this id. */
WARD_MUST enum ward_code doses_unacknowledged(struct worker *w, struct ward_arena *mem,
                                              const char *ward, int64_t after_us,
                                              const uint8_t after[DOSAGE_ID], size_t most,
                                              Ward__Dosage__V1__Administration ***out,
                                              size_t *n, struct ward_err *err);

/* Selects doses given on a prescriber's word, oldest first, after this time and id. */
struct cosignatures {
    const char *prescriber; /* as from rule_person: pending cosignatures of this person */
    const char *ward;    /* alternatively: pending and disputed cosignatures of this ward; "" */
    int64_t disputed_us; /* start of the time for disputed cosignatures */
    int64_t after_us;
    uint8_t after[DOSAGE_ID];
    size_t most;
};
WARD_MUST enum ward_code doses_to_cosign(struct worker *w, struct ward_arena *mem,
                                         const struct cosignatures *what,
                                         Ward__Dosage__V1__Administration ***out, size_t *n,
                                         struct ward_err *err);

struct dose_write {
    /* The version to write; version 1 is a new dose. The caller sets its ids, times, persons
     * and event_id. written_by and written_at_us default to the values of the first
     * recording. */
    Ward__Dosage__V1__Administration *dose;
    const struct owner *owner; /* the patient's key, with the row locked; NULL: not available */
    const char *ward;          /* NULL: dose->ward */
    int64_t due_us;            /* due time of the dose's slot; -1: no slot */
    bool take_slot;            /* inserts into slot_taken; error ALREADY_EXISTS SLOT_TAKEN */
    const char *instead_of;    /* the dose that loses the slot; NULL: no dose */
    bool free_slot;            /* deletes from slot_taken: the dose was taken back */
    bool to_part;              /* with free_slot: another valid partial dose gets the slot */
};
/* Writes a version. Call in a transaction. Creates the patient's row and key if missing.
 *   ABORTED  VERSION_CONFLICT: another call has already written this version */
WARD_MUST enum ward_code dose_write(struct worker *w, struct ward_arena *mem,
                                    const struct dose_write *what, struct ward_err *err);
/* Whether the patient got the dose, and the dose was not taken back. */
bool dose_counts(const Ward__Dosage__V1__Administration *a);

#endif
