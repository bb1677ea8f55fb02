/* Acknowledgements that a prescriber gives with an order, about the patient: writing and
 * decrypting. */
#include "services/dosage/order/ordering.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Dosage__V1__Acknowledged Acknowledged;

#define SEALED_AS "acknowledged"

static void bound(int64_t at_us, char out[24])
{
    snprintf(out, 24, "%lld", (long long)at_us);
}

static enum ward_code put(struct ordering *o, const struct owner *owner, const Acknowledged *a,
                          struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO acknowledged (acknowledged_id, patient_id, at_us,"
                              " sealed) VALUES (?, ?, ?, ?)";
    struct worker *w = o->call->wrk;
    struct ward_arena *mem = o->call->mem;
    struct ward_val sealed;
    uint8_t id[DOSAGE_ID];
    char as[24];

    ward_uuid7(id);
    bound(a->at_us, as);
    WARD_TRY(owner_seal(owner, mem, SEALED_AS, id, as, &a->base, &sealed, err));
    return ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(id_val(id), id_val(owner->id), ward_int(mem, a->at_us), sealed), NULL, err);
}

static const Override *override_of(const struct ordering *o, const char *rule)
{
    for (size_t i = 0; i < o->n_overrides; i++)
        if (strcmp(o->overrides[i]->rule_id, rule) == 0)
            return o->overrides[i];
    return NULL;
}

static enum ward_code put_all(struct ordering *o, const struct owner *owner,
                              struct ward_err *err)
{
    const Decision *d = o->decision;
    char matter[CHECK_MATTER];

    for (size_t i = 0; i < d->n_findings; i++) {
        const Finding *f = d->findings[i];
        const Override *by = override_of(o, f->rule_id);
        Acknowledged a = WARD__DOSAGE__V1__ACKNOWLEDGED__INIT;

        if (by == NULL || !check_matter(o->rules, d, f, o->call->mem, matter))
            continue;
        a.rule_id = f->rule_id;
        a.rule_version = f->rule_version;
        a.matter = matter;
        a.at_us = o->at_us;
        a.by = api_text(o->call->who->subject);
        a.reason_code = by->reason_code;
        WARD_TRY(put(o, owner, &a, err));
    }
    return WARD_OK;
}

enum ward_code acknowledged_write(struct ordering *o, struct ward_err *err)
{
    struct owner owner;
    enum ward_code code;

    if (o->decision == NULL || o->n_overrides == 0 ||
        !ward_principal_has(o->call->who, "physician"))
        return WARD_OK;
    WARD_TRY(owner_ensure(o->call->wrk, o->call->mem, o->chart.id, &owner, err));
    code = put_all(o, &owner, err);
    owner_wipe(&owner);
    return code;
}

enum ward_code acknowledged_open(const struct owner *o, struct ward_arena *mem,
                                 const uint8_t id[DOSAGE_ID], int64_t at_us,
                                 struct ward_val sealed, Acknowledged **out,
                                 struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    char as[24];

    bound(at_us, as);
    WARD_TRY(owner_unseal(o, mem, SEALED_AS, id, as, sealed,
                          &ward__dosage__v1__acknowledged__descriptor, &msg, err));
    *out = (Acknowledged *)msg;
    return WARD_OK;
}

int acknowledged_by_time(const void *a, const void *b)
{
    const Acknowledged *x = *(Acknowledged *const *)a, *y = *(Acknowledged *const *)b;
    int by;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    by = strcmp(x->rule_id, y->rule_id);
    return by != 0 ? by : strcmp(x->matter, y->matter);
}
