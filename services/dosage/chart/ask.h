/* ask.h - requests to records for the chart, with the person's own token.
 *
 * Threads: any worker. Memory: the call's arena. Errors: NOT_FOUND PATIENT_NOT_FOUND: no such
 * patient, or the person has no access; UNAVAILABLE RECORDS_AWAY: no answer before the
 * deadline; other errors of records are returned unchanged (a token that expired meanwhile, a
 * record that cannot be decrypted).
 */
#ifndef DOSAGE_CHART_ASK_H
#define DOSAGE_CHART_ASK_H

#include "services/dosage/chart/facts.h"
#include "services/dosage/dosage.h"

struct answer {
    uint8_t id[DOSAGE_ID]; /* the surviving record's id */
    Facts *facts;          /* all facts; from ask_may only birth_date and sex */
    const char *lies; /* the ward of the latest encounter, for any caller; "": no encounter */
};
/* Calls Records.Read for the Patient. */
WARD_MUST enum ward_code ask_may(struct ward_call *c, const uint8_t id[DOSAGE_ID],
                                 struct answer *out);
/* Reads the Patient, encounters, allergies and measurements. */
WARD_MUST enum ward_code ask_all(struct ward_call *c, const uint8_t id[DOSAGE_ID],
                                 int64_t now_us, struct answer *out);
/* Calls records once with the person's own token, with at most half of the remaining time. */
WARD_MUST enum ward_code ask_records(struct ward_call *c, const char *path,
                                     const ProtobufCMessage *req,
                                     const ProtobufCMessageDescriptor *type,
                                     ProtobufCMessage **resp);
/* Maps a failed call to records to this service's error; c->err still has records' error. */
WARD_MUST enum ward_code ask_meant(struct ward_call *c, enum ward_code code);
/* For a patient whom ask_may permitted: reads only the ward. */
WARD_MUST enum ward_code ask_where(struct ward_call *c, int64_t now_us, struct answer *out);

#endif
