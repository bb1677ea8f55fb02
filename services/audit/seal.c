/* Prepares events for appending, on the calling thread: search keys, salt, commitment,
 * encrypted content. */
#include "services/audit/append.h"

#include "common/base/clock.h"

#include <stdio.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

/* The subject whose key encrypts this event: its patient, or its service and the day. A service
 * has a new key each day, so that each key stays far below the limit of 2^32 messages for
 * AES-GCM with random nonces. */
static void subject_of(const struct audit_vault *v, const struct audit_event *e, int64_t day,
                       uint8_t out[16])
{
    char name[WARD_LEAF_SERVICE + 24];

    if (*e->patient != '\0') {
        vault_search(v, "patient", e->patient, out);
        return;
    }
    snprintf(name, sizeof(name), "%s %lld", e->service, (long long)day);
    vault_search(v, "service", name, out);
}

static enum ward_code seal_one(const struct audit_vault *v, const struct audit_raw *raw,
                               const uint8_t subject[16], const struct audit_content_key *key,
                               struct ward_arena *mem, struct audit_item *out,
                               struct ward_err *err)
{
    const struct audit_event *e = raw->e;
    size_t plain_len = WARD_SALT_SIZE + raw->n;
    uint8_t plain[WARD_SALT_SIZE + AUDIT_EVENT_MAX], *sealed;
    enum ward_code code;

    sealed = ward_alloc(mem, plain_len + WARD_SEAL_EXTRA);
    if (sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the events need more memory than permitted");
    memcpy(out->event_id, e->id, sizeof(out->event_id));
    snprintf(out->service, sizeof(out->service), "%s", e->service);
    out->occurred_at_us = e->occurred_at_us;
    out->outcome = e->outcome;
    out->has_patient = *e->patient != '\0';
    out->has_actor = *e->actor != '\0';
    if (out->has_patient)
        memcpy(out->patient, subject, AUDIT_SEARCH);
    if (out->has_actor)
        vault_search(v, "actor", e->actor, out->actor);
    vault_search(v, "action", e->action, out->action);
    out->key_id = key->id;
    out->event = raw->bytes;
    out->event_len = raw->n;
    ward_random(plain, WARD_SALT_SIZE);
    memcpy(plain + WARD_SALT_SIZE, raw->bytes, raw->n);
    ward_leaf_commit(plain, raw->bytes, raw->n, out->commitment);
    code = ward_seal(key->key, out->event_id, sizeof(out->event_id), plain, plain_len, sealed,
                     err);
    ward_wipe(plain, plain_len);
    out->content = sealed;
    out->content_len = plain_len + WARD_SEAL_EXTRA;
    return code;
}

enum ward_code seal_items(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                          const struct audit_raw *raws, size_t n, struct audit_item *out,
                          struct ward_err *err)
{
    struct audit_vault *v = audit_vault(a);
    const int64_t day = ward_wall_us() / DAY_US;
    const uint64_t epoch = vault_epoch(v);
    uint8_t(*subjects)[16] = ward_alloc(mem, n * sizeof(*subjects));
    struct audit_content_key *keys = ward_alloc(mem, n * sizeof(*keys));
    enum ward_code code;

    if (subjects == NULL || keys == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the events need more memory than permitted");
    for (size_t i = 0; i < n; i++) {
        WARD_ASSERT(raws[i].n <= AUDIT_EVENT_MAX);
        subject_of(v, raws[i].e, day, subjects[i]);
    }
    code = vault_keys(v, db, mem, (const uint8_t(*)[16])subjects, n, keys, err);
    for (size_t i = 0; code == WARD_OK && i < n; i++) {
        out[i] = (struct audit_item){.epoch = epoch};
        code = seal_one(v, &raws[i], subjects[i], &keys[i], mem, &out[i], err);
    }
    ward_wipe(keys, n * sizeof(*keys));
    return code;
}

#define TRIES 5 /* an erasure between sealing and commit requires another try */

enum ward_code log_append(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                          const struct audit_raw *raws, size_t n, int64_t deadline_ns,
                          const struct audit_op *op, struct audit_item **items, uint64_t *size,
                          struct ward_err *err)
{
    struct audit_item *sealed = ward_alloc(mem, n * sizeof(*sealed));

    if (sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the events need more memory than permitted");
    for (int i = 0; i < TRIES; i++) {
        struct audit_batch b = {.items = sealed, .n = n, .op = op, .deadline_ns = deadline_ns};
        enum ward_code code;

        WARD_TRY(audit_sound(a, err));
        code = seal_items(a, db, mem, raws, n, sealed, err);
        if (code == WARD_ABORTED)
            continue;
        WARD_TRY(code);
        code = appender_put(audit_appender(a), &b, err);
        *items = sealed;
        if (code == WARD_ABORTED && b.stale)
            continue;
        WARD_TRY(code);
        *size = b.size;
        return WARD_OK;
    }
    return WARD_FAIL(err, UNAVAILABLE, "content keys are erased too fast; try again");
}
