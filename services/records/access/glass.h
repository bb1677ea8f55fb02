/* glass.h - functions that the break-glass methods share. Threads: call from a worker's thread.
 * Memory: the call's arena. Errors: those of db.h and keyring.h. */
#ifndef RECORDS_ACCESS_GLASS_H
#define RECORDS_ACCESS_GLASS_H

#include "services/records/api.h"

#include "ward/records/v1/access.pb-c.h"

typedef Ward__Records__V1__Glass Glass;

/* The parts of a grant that are encrypted under its patient's key. */
enum glass_text { GLASS_EXPLANATION, GLASS_NOTE };
/* Encrypts a part. out has room for n + WARD_SEAL_EXTRA bytes. */
WARD_MUST enum ward_code glass_seal(const struct patient *p, const uint8_t glass[RECORDS_ID],
                                    enum glass_text what, const char *text, uint8_t *out,
                                    struct ward_err *err);
/* The columns that glass_of reads, from a table with the alias `g`. */
#define GLASS_COLUMNS                                                                          \
    "g.glass_id, g.patient_id, g.actor, g.ward, g.reason, g.explanation, g.from_us,"           \
    " g.until_us, g.reviewed_by, g.reviewed_at_us, g.verdict,"                                 \
    " (SELECT COUNT(DISTINCT seen.event_id) FROM seen WHERE seen.glass_id = g.glass_id)"
/* Converts a row to the wire's form; for an erased patient, the explanation is "". */
WARD_MUST enum ward_code glass_of(struct worker *w, struct ward_arena *mem,
                                  const struct ward_val *row, Glass *out, struct ward_err *err);

extern struct ward_family records_glass_broken;

#endif
