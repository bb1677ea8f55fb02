#include "common/base/text.h"
#include "services/identity/identity.h"
#include "services/identity/identity_metrics.h"

#include <stdio.h>
#include <string.h>

#define CANARY_MEM ((size_t)16 << 20)

struct ward_family identity_photographs = {
    .name = "ward_identity_photographs_total",
    .help = "Photographs read, by whether they could be used.",
    .type = WARD_COUNTER,
    .label = {"gate"},
};
struct ward_family identity_photo_seconds = {
    .name = "ward_identity_photo_seconds",
    .help = "Time from a photograph's bytes to its face's embedding.",
    .type = WARD_HISTOGRAM,
    .bounds = WARD_SECONDS,
};
struct ward_family identity_verifications = {
    .name = "ward_identity_verifications_total",
    .help = "Verifications answered, by outcome.",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
struct ward_family *const identity_metrics[] = {
    &identity_photographs,
    &identity_photo_seconds,
    &identity_verifications,
    NULL,
};

/* The key's RFC 7638 thumbprint: what a token's `kid` is. */
static enum ward_code thumbprint(struct identity *id, struct ward_err *err)
{
    char x[WARD_BASE64_SIZE(WARD_ED25519_PUB)], json[160];
    uint8_t sum[WARD_SHA256_SIZE];
    int n;

    ward_base64url(ward_sign_key_public(id->ppid), WARD_ED25519_PUB, x);
    n = snprintf(json, sizeof(json), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
    if (n < 0 || (size_t)n >= sizeof(json))
        return WARD_FAIL(err, INTERNAL, "a key's thumbprint did not fit");
    ward_sha256(json, (size_t)n, sum);
    ward_base64url(sum, sizeof(sum), id->ppid_kid);
    return WARD_OK;
}

static enum ward_code ask_canary(void *arg, struct ward_err *err)
{
    struct identity *id = arg;
    enum ward_code code = face_known(id->canary_engine, &id->canary_mem, err);

    ward_arena_reset(&id->canary_mem);
    return code;
}

enum ward_code identity_open(void *arg, struct ward_err *err)
{
    struct identity *id = arg;
    struct face_pack_config pack = {id->cfg.plugins, id->cfg.backend, id->cfg.models};

    WARD_TRY(ward_key_load(id->cfg.kek, id->kek, err));
    WARD_TRY(ward_sign_key_load(id->cfg.ppid_key, &id->ppid, err));
    WARD_TRY(thumbprint(id, err));
    WARD_TRY(face_pack_open(&pack, &id->pack, err));
    if (strcmp(face_pack_sha256(id->pack), RULE_MODEL) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the thresholds were not measured with this embedding model");
    WARD_TRY(face_engine_open(id->pack, &id->canary_engine, err));
    ward_arena_init(&id->canary_mem, CANARY_MEM);
    return ward_canary_start("face models", id->cfg.canary_ms, ask_canary, id, &id->canary,
                             err);
}

void identity_close(void *arg)
{
    struct identity *id = arg;

    ward_canary_stop(id->canary);
    ward_arena_done(&id->canary_mem);
    face_engine_close(id->canary_engine);
    face_pack_close(id->pack);
    ward_sign_key_free(id->ppid);
    ward_wipe(id->kek, sizeof(id->kek));
}

enum ward_code identity_ready(void *arg, struct ward_err *err)
{
    return ward_canary_state(((struct identity *)arg)->canary, err);
}

enum ward_code worker_open(void *arg, void **wrk, struct ward_err *err)
{
    struct ward_arena mem;
    struct identity *id = arg;
    struct worker *w;
    enum ward_code code;

    ward_arena_init(&mem, sizeof(*w) + 64);
    w = ward_new(&mem, struct worker);
    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a worker");
    w->mem = mem;
    w->id = id;
    code = face_engine_open(id->pack, &w->face, err);
    if (code == WARD_OK)
        code = ward_db_open(id->db, &w->db, err);
    if (code != WARD_OK) {
        worker_close(w);
        return code;
    }
    *wrk = w;
    return WARD_OK;
}

void worker_close(void *wrk)
{
    struct worker *w = wrk;
    struct ward_arena mem;

    if (w == NULL)
        return;
    ward_db_close(w->db);
    face_engine_close(w->face);
    mem = w->mem;
    ward_arena_done(&mem);
}
