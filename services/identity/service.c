#include "common/base/log.h"
#include "common/rpc/rpc.h"
#include "common/zone/zone.h"
#include "services/identity/identity.h"
#include "services/identity/identity_metrics.h"
#include "services/identity/subject/subject.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CANARY_MEM ((size_t)16 << 20)

struct ward_family identity_photographs = {
    .name = "ward_identity_photographs_total",
    .help = "Number of photographs, by the result of the quality check.",
    .type = WARD_COUNTER,
    .label = {"gate"},
};
struct ward_family identity_photo_seconds = {
    .name = "ward_identity_photo_seconds",
    .help = "Time from the bytes of a photograph to the embedding of its face.",
    .type = WARD_HISTOGRAM,
    .bounds = WARD_SECONDS,
};
struct ward_family identity_verifications = {
    .name = "ward_identity_verifications_total",
    .help = "Number of answered verifications, by outcome.",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
struct ward_family identity_enrolments = {
    .name = "ward_identity_enrolments_total",
    .help = "Number of enrolments: ENROLLED, REPLAYED (repeated idempotency key), REFUSED "
            "(photograph, consent), INVALID, FAILED.",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
struct ward_family identity_faces = {
    .name = "ward_identity_faces",
    .help = "Number of stored templates, counted every minute.",
    .type = WARD_GAUGE,
    .label = {"kind"},
};
struct ward_family identity_subjects = {
    .name = "ward_identity_subjects",
    .help = "Number of subjects that are not erased, counted every minute.",
    .type = WARD_GAUGE,
    .label = {"kind"},
};
struct ward_family identity_faces_limit = {
    .name = "ward_identity_faces_limit",
    .help = "Value of WARD_FACES_LIMIT; 0 if there is no limit.",
    .type = WARD_GAUGE,
};
struct ward_family identity_over_limit = {
    .name = "ward_identity_over_limit",
    .help = "1 while the number of stored faces exceeds WARD_FACES_LIMIT.",
    .type = WARD_GAUGE,
};
struct ward_family identity_tokens_spent = {
    .name = "ward_identity_tokens_spent_total",
    .help = "Number of PPID tokens sent to SpendToken, by result.",
    .type = WARD_COUNTER,
    .label = {"result"},
};
struct ward_family *const identity_metrics[] = {
    &identity_tokens_spent,  &identity_photographs,
    &identity_photo_seconds, &identity_verifications,
    &identity_enrolments,    &identity_faces,
    &identity_subjects,      &identity_faces_limit,
    &identity_over_limit,    NULL,
};

static enum ward_code ask_canary(void *arg, struct ward_err *err)
{
    struct identity *id = arg;
    enum ward_code code = face_known(id->now.canary_engine, &id->canary_mem, err);

    ward_arena_reset(&id->canary_mem);
    if (code == WARD_OK && id->former.pack != NULL)
        code = face_known(id->former.canary_engine, &id->canary_mem, err);
    ward_arena_reset(&id->canary_mem);
    return code;
}

/* Loads a pack with its calibration. If the calibration was measured with another model, the
 * service does not start. */
static enum ward_code load_pack(const struct identity *id, const char *name, const char *file,
                                struct loaded_pack *out, struct ward_err *err)
{
    struct face_pack_config cfg = {.plugins = id->cfg.plugins,
                                   .models = id->cfg.models,
                                   .pack = name,
                                   .order = id->cfg.order,
                                   .fallback = id->cfg.fallback,
                                   .npu_providers = id->cfg.npu_providers};
    char path[PATH_MAX];

    WARD_TRY(face_pack_open(&cfg, &out->pack, err));
    WARD_TRY(face_engine_open(out->pack, &out->canary_engine, err));
    snprintf(path, sizeof(path), "%s/%s/calibration.json", id->cfg.packs, name);
    WARD_TRY(calibration_load(*file == '\0' ? path : file, face_pack_sha256(out->pack),
                              &out->calibration, err));
    if (*calibration_warning(&out->calibration) != '\0')
        WARD_LOG(WARN, calibration_warning(&out->calibration), WARD_KV("pack", name));
    return WARD_OK;
}

static void unload_pack(struct loaded_pack *p)
{
    face_engine_close(p->canary_engine);
    face_pack_close(p->pack);
}

static enum ward_code open_gallery(struct identity *id, struct ward_err *err)
{
    struct gallery_config cfg = {.dir = id->cfg.gallery_dir,
                                 .hint_listen = id->cfg.hint_listen,
                                 .hint_peers = id->cfg.hint_peers,
                                 .tls_cert = id->tls->cert,
                                 .tls_key = id->tls->key,
                                 .tls_ca = id->tls->ca,
                                 .threads = id->cfg.scan_threads,
                                 .snapshot_ms = 1000 * id->cfg.snapshot_s};

    cfg.model[0] = face_pack_sha256(id->now.pack);
    cfg.dim[0] = face_pack_dim(id->now.pack);
    cfg.model[1] = id->former.pack == NULL ? "" : face_pack_sha256(id->former.pack);
    cfg.dim[1] = id->former.pack == NULL ? 0 : face_pack_dim(id->former.pack);
    return gallery_open(&cfg, id->keys, id->db, &id->gallery, err);
}

static enum ward_code open_zone(struct identity *id, struct ward_err *err)
{
    if (ward_zone_open(id->cfg.time_zone, &id->zone, err) == WARD_OK)
        return WARD_OK;
    return WARD_FAIL(
        err, FAILED_PRECONDITION,
        "WARD_TIME_ZONE: unknown time zone \"%.64s\"; use a name such as Europe/Berlin",
        id->cfg.time_zone);
}

enum ward_code identity_open(void *arg, struct ward_err *err)
{
    struct identity *id = arg;
    struct keys_config keys = {id->cfg.kek, id->cfg.kek_old, id->cfg.tenant,
                               id->cfg.key_hold_s};

    ward_arena_init(&id->canary_mem, CANARY_MEM);
    id->ask_age = strcmp(id->cfg.unknown_age, "refuse") == 0;
    if (!id->ask_age && strcmp(id->cfg.unknown_age, "match-without-token") != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "WARD_FACE_UNKNOWN_AGE must be refuse or match-without-token");
    WARD_TRY(open_zone(id, err));
    WARD_TRY(keys_open(&keys, id->db, &id->keys, err));
    WARD_TRY(load_pack(id, id->cfg.pack, id->cfg.calibration, &id->now, err));
    if (*id->cfg.former_pack != '\0')
        WARD_TRY(load_pack(id, id->cfg.former_pack, "", &id->former, err));
    WARD_TRY(open_gallery(id, err));
    WARD_TRY(reaper_open(id, &id->reaper, err));
    return ward_canary_start("face models", id->cfg.canary_ms, ask_canary, id, &id->canary,
                             err);
}

void identity_close(void *arg)
{
    struct identity *id = arg;

    ward_canary_stop(id->canary);
    ward_arena_done(&id->canary_mem);
    reaper_close(id->reaper);
    gallery_close(id->gallery);
    unload_pack(&id->former);
    unload_pack(&id->now);
    keys_close(id->keys);
    ward_zone_close(id->zone);
}

enum ward_code identity_ready(void *arg, struct ward_err *err)
{
    struct identity *id = arg;

    WARD_TRY(ward_keyring_check(keys_ring(id->keys), err));
    return ward_canary_state(id->canary, err);
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
    code = face_engine_open(id->now.pack, &w->face, err);
    if (code == WARD_OK && id->former.pack != NULL)
        code = face_engine_open(id->former.pack, &w->former, err);
    if (code == WARD_OK)
        code = ward_db_open(id->db, &w->db, err);
    w->event_ctx = (struct ward_event_ctx){.service = IDENTITY_NAME, .db = w->db};
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
    face_engine_close(w->former);
    face_engine_close(w->face);
    mem = w->mem;
    ward_arena_done(&mem);
}
