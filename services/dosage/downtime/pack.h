/* pack.h - downtime packs: the information that a ward needs during an outage, as a signed
 * document.
 *
 * The signing keys are secrets of the keyring ("pack", one for each generation). The newest key
 * signs, all stored keys verify.
 *
 * Threads: any; each worker uses its own connection. Memory: the call's arena. Errors: listed
 * at each function.
 */
#ifndef DOSAGE_DOWNTIME_PACK_H
#define DOSAGE_DOWNTIME_PACK_H

#include "common/json/write.h"
#include "services/dosage/api.h"
#include "services/dosage/give/give.h"
#include "ward/dosage/v1/downtime.pb-c.h"

typedef Ward__Dosage__V1__Administration Dose;
typedef Ward__Dosage__V1__Order Order;
typedef Ward__Dosage__V1__Slot Slot;
typedef Ward__Dosage__V1__Facts Facts;
typedef Ward__Dosage__V1__Pack Pack;
typedef Ward__Dosage__V1__PackPatient PackPatient;
typedef Ward__Dosage__V1__OfflineDose OfflineDose;
typedef Ward__Dosage__V1__ReconcileResult ReconcileResult;

#define PACK_TYP    "ward-dosage-pack"
#define PACK_BYTES  ((size_t)6 << 20)
#define PACK_DAY_US INT64_C(86400000000)
#define PACK_OPEN   (1u << ORDER_ACTIVE | 1u << ORDER_ON_HOLD)

/* ---- pack_json.c: pure ---- */

/* Converts a message by protobuf's own JSON mapping: lowerCamelCase names, 64-bit numbers as
 * text, enums by name, bytes as base64; defaults are omitted. Errors are those of
 * ward_json_done. */
void pack_message(struct ward_json_out *w, const ProtobufCMessage *msg, struct ward_arena *mem);

/* ---- pack_sign.c ---- */

#define PACK_KEYS 4 /* maximum number of stored generations */
struct pack_key {
    uint8_t seed[WARD_ED25519_SEED];
};
/* Returns the number of keys, newest first. The caller wipes the keys. */
int pack_keys(struct dosage *dos, struct pack_key out[PACK_KEYS]);
/*   RESOURCE_EXHAUSTED  PACK_TOO_LARGE */
WARD_MUST enum ward_code pack_sign(struct dosage *dos, const Pack *pack, struct ward_arena *mem,
                                   char **out, struct ward_err *err);

/* The content of a pack, as issued. */
struct pack {
    uint8_t id[DOSAGE_ID];
    const char *ward;
    int64_t made_at_us, expires_at_us;
    const struct ward_json *patients; /* array of PackPatient, as JSON */
};
/* UNAUTHENTICATED  PACK_INVALID: not signed by a key of this service, not a pack, or changed */
WARD_MUST enum ward_code pack_open(struct dosage *dos, const char *text, struct ward_arena *mem,
                                   struct pack *out, struct ward_err *err);
bool pack_has_patient(const struct pack *p, const char *patient_id);
bool pack_has_order(const struct pack *p, const char *patient_id, const char *order_id);

/* ---- facts.c ---- */

/* The facts of a patient's chart, cached, or read from records with the caller's token. *away:
 * records did not answer, and is not called again. Never NULL: if no facts are available, the
 * state is UNAVAILABLE. Call outside a transaction. */
const Facts *pack_facts(struct ward_call *c, const uint8_t patient[DOSAGE_ID], bool *away);

/* ---- fill.c ---- */

struct filling {
    struct ward_call *call;
    const char *ward;
    int64_t now_us, expires_us;
    uint8_t (*patients)[DOSAGE_ID]; /* ids of surviving records, sorted */
    const Facts **facts;
    size_t n;
};
/* Finds the ids of all patients with an open order in the ward, without reading facts. */
WARD_MUST enum ward_code fill_patients(struct filling *f, struct ward_err *err);
/* Makes a patient's part of the pack. */
WARD_MUST enum ward_code fill_patient(struct filling *f, size_t i, PackPatient **out,
                                      struct ward_err *err);

#endif
