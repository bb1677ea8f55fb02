/* Rows of entries. An entry's issues are encrypted under the patient's key, bound to the entry
 * and the dose, because issues name rules, and a rule reveals the drug. */
#include "services/dosage/downtime/reconcile.h"

#include "common/base/crypto.h"

#include <stdio.h>
#include <string.h>

#define STATE(name) WARD__DOSAGE__V1__RECONCILE_RESULT__STATE__STATE_##name
#define SEALED_AS   "entry"

enum column { ENTRY, DOSE, SEALED, PATIENT, KEK, WRAPPED, SAID };
#define COLUMNS                                                                                \
    "SELECT e.entry_id, e.administration_id, e.sealed, a.patient_id, k.kek, k.wrapped,"        \
    " e.said"                                                                                  \
    " FROM offline_entry e LEFT JOIN administration a"                                         \
    " ON a.administration_id = e.administration_id"                                            \
    " LEFT JOIN owner_key k ON k.owner_id = a.patient_id"

/* The hash is keyed with the patient's key. Few doses are likely, so a plain hash would reveal
 * the dose. */
static void mac_of(const struct owner *o, const OfflineDose *d, uint8_t out[WARD_SHA256_SIZE])
{
    uint8_t all[WARD_SHA256_SIZE];
    char when[48];
    const char *text[] = {d->patient_id,
                          d->order_id,
                          d->slot_id,
                          d->drug_id,
                          d->dose == NULL ? "" : d->dose->value,
                          d->dose == NULL ? "" : d->dose->unit,
                          when};
    struct ward_bytes part[WARD_COUNT(text)];

    snprintf(when, sizeof(when), "%d %lld", (int)d->outcome, (long long)d->given_at_us);
    for (size_t i = 0; i < WARD_COUNT(text); i++)
        part[i] = (struct ward_bytes){text[i], strlen(text[i]) + 1};
    ward_sha256_parts(part, (int)WARD_COUNT(text), all);
    ward_hmac_sha256(o->key, sizeof(o->key), all, sizeof(all), out);
}

static bool says_so(const struct owner *o, const OfflineDose *in, struct ward_val said)
{
    uint8_t mac[WARD_SHA256_SIZE];

    mac_of(o, in, mac);
    return said.n == sizeof(mac) && memcmp(said.p, mac, sizeof(mac)) == 0;
}

/* *out is empty if the key was destroyed. *other: the content of `in` differs. */
static enum ward_code open_row(struct worker *w, struct ward_arena *mem,
                               const struct ward_val *row, const OfflineDose *in, bool *other,
                               struct issues *out, struct ward_err *err)
{
    const ReconcileResult *r;
    ProtobufCMessage *msg = NULL;
    enum ward_code code;
    struct owner o;
    char dose[37];

    *out = (struct issues){0};
    *other = false;
    if (row[WRAPPED].p == NULL)
        return WARD_OK;
    ward_uuid_text((const uint8_t *)row[DOSE].p, dose);
    WARD_TRY(
        owner_open(w, mem, (const uint8_t *)row[PATIENT].p, row[KEK], row[WRAPPED], &o, err));
    *other = in != NULL && !says_so(&o, in, row[SAID]);
    code = owner_unseal(&o, mem, SEALED_AS, (const uint8_t *)row[ENTRY].p, dose, row[SEALED],
                        &ward__dosage__v1__reconcile_result__descriptor, &msg, err);
    owner_wipe(&o);
    WARD_TRY(code);
    r = (const ReconcileResult *)msg;
    for (size_t i = 0; i < r->n_issues; i++)
        issue_add(out, r->issues[i]);
    return WARD_OK;
}

enum ward_code entry_known(struct ward_call *c, const uint8_t id[DOSAGE_ID],
                           const OfflineDose *in, struct entry_done *out, bool *known,
                           struct ward_err *err)
{
    static const char SQL[] = COLUMNS " WHERE e.entry_id = ?";
    struct worker *w = c->wrk;
    struct issues issues;
    struct ward_rows rows;
    bool other;

    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    *known = rows.n == 1;
    if (!*known)
        return WARD_OK;
    WARD_TRY(open_row(w, c->mem, rows.at[0], in, &other, &issues, err));
    *out = (struct entry_done){.state = other ? STATE(REJECTED) : STATE(KNOWN)};
    if (other)
        return WARD_OK;
    ward_uuid_text((const uint8_t *)rows.at[0][DOSE].p, out->administration_id);
    issues_print(&issues, out->issues);
    return WARD_OK;
}

enum ward_code entry_issues(struct worker *w, struct ward_arena *mem,
                            const uint8_t dose[DOSAGE_ID], struct issues *out,
                            struct ward_err *err)
{
    static const char SQL[] = COLUMNS " WHERE e.administration_id = ?";
    struct ward_rows rows;

    *out = (struct issues){0};
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(dose)), &rows, err));
    return rows.n == 0 ? WARD_OK : open_row(w, mem, rows.at[0], NULL, &(bool){false}, out, err);
}

static enum ward_code seal(struct entry *e, const struct owner *owner,
                           const struct entry_done *done, struct ward_val *out,
                           struct ward_err *err)
{
    ReconcileResult r = WARD__DOSAGE__V1__RECONCILE_RESULT__INIT;
    struct issues issues;

    WARD_TRY(issues_read(done->issues, e->call->mem, &issues, err));
    r.issues = (char **)(uintptr_t)issues.at;
    r.n_issues = issues.n;
    return owner_seal(owner, e->call->mem, SEALED_AS, e->id, done->administration_id, &r.base,
                      out, err);
}

static bool counts(const OfflineDose *d)
{
    return d->outcome == OUTCOME(GIVEN) || d->outcome == OUTCOME(PARTIAL);
}

enum ward_code entry_put(struct entry *e, const struct owner *owner,
                         const uint8_t dose[DOSAGE_ID], const struct entry_done *done,
                         struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO offline_entry (entry_id, pack_id, state,"
        " administration_id, said, sealed, while_up, at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    struct ward_arena *mem = e->call->mem;
    struct worker *w = e->call->wrk;
    uint8_t said[WARD_SHA256_SIZE];
    struct ward_val sealed;

    mac_of(owner, e->in, said);
    WARD_TRY(seal(e, owner, done, &sealed, err));
    return ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(id_val(e->id), id_val(e->pack->id), ward_int(mem, done->state),
                    id_val(dose), ward_blob(said, sizeof(said)), sealed,
                    ward_int(mem, e->while_up && counts(e->in)), ward_int(mem, e->now_us)),
        NULL, err);
}
