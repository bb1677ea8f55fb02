/* identity.h - identification of people: declarations that the files of this service share.
 *
 * rules.c decides (pure). face/ converts a photograph to an embedding; live/ measures capture
 * quality and liveness; photo.c combines the two. keys/ has keys and encryption. subject/
 * stores the subjects; verify/ is 1:1, gallery/ is 1:N, token/ is policies and tokens, access/
 * is doors and attendance, admin/ is for operators. methods.c is the table of methods;
 * service.c opens and closes everything.
 *
 * Threads: struct identity is shared and read-only while the service runs, except members with
 * their own lock; a struct worker belongs to one thread. Memory: results are in the arena
 * passed in. Errors: those of db.h and host.h, and DATA_LOSS for rows that were changed outside
 * the service. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "common/auth/auth.h"
#include "common/base/metrics.h"
#include "common/db/db.h"
#include "common/handler/event.h"
#include "services/identity/calibration.h"
#include "services/identity/face/face.h"
#include "services/identity/gallery/gallery.h"
#include "services/identity/keys/keys.h"
#include "services/identity/rules.h"

#define IDENTITY_NAME      "identity"
#define IDENTITY_PHOTO_MAX ((size_t)16 << 20)
/* Maximum size of a message. A photograph that exceeds its own limit is still received, so that
 * the caller gets IMAGE_TOO_LARGE. A message above this limit is rejected by gRPC, without an
 * ErrorInfo. */
#define IDENTITY_MESSAGE_MAX (IDENTITY_PHOTO_MAX + ((size_t)8 << 20) + 65536)
/* Memory of a call: the photograph, its message, 16 Mpx of PNG, a padded and a reduced copy,
 * and tensors. */
#define IDENTITY_ARENA (IDENTITY_PHOTO_MAX * 2 + ((size_t)96 << 20))
#define IDENTITY_ID    KEYS_ID

struct identity_config {
    const char *kek, *kek_old, *tenant; /* keys */
    int key_hold_s;
    /* back ends: their folder, their order, and the policy without the preferred one */
    const char *plugins, *order, *fallback;
    /* folders of weights, and of model cards with calibrations */
    const char *models, *packs;
    /* selected packs, "": none; a site's own calibration file */
    const char *pack, *former_pack, *calibration;
    const char *npu_providers;
    const char *gallery_dir, *hint_listen, *hint_peers;
    const char *time_zone, *unknown_age;
    int scan_threads, snapshot_s;
    int face_misses, search_misses; /* permitted misses in an hour */
    int ppid_lifetime_s, canary_ms, retention_days, faces_limit;
    int attendance_debounce_s, offline_pack_h, movements_days;
};

/* A loaded pack with its thresholds. */
struct loaded_pack {
    struct face_pack *pack; /* NULL: no such pack is configured */
    struct face_engine *canary_engine;
    struct calibration calibration;
};

struct identity {
    struct identity_config cfg;
    const struct ward_db_config *db;
    const struct ward_tls *tls;
    struct ward_jwks *jwks; /* issuer keys for the bearer tokens of witnesses */
    struct keys *keys;
    struct ward_zone *zone; /* time zone of WARD_TIME_ZONE */
    struct loaded_pack now, former;
    bool ask_age; /* a patient's face is compared only if the year of birth is known */
    struct ward_arena canary_mem;
    struct ward_canary *canary;
    struct gallery *gallery;
    struct reaper *reaper;
};

struct worker {
    struct ward_arena mem; /* memory of this worker */
    struct identity *id;
    struct ward_db *db;
    /* engines of the current and the former pack; `former` is NULL without a former pack */
    struct face_engine *face, *former;
    struct ward_event_ctx event_ctx; /* for audit events */
};

/* ---- service.c ---- */

WARD_MUST enum ward_code identity_open(void *id, struct ward_err *err);
void identity_close(void *id);
/*   UNAVAILABLE  MODEL_NOT_READY, DEVICE_NOT_READY */
WARD_MUST enum ward_code identity_ready(void *id, struct ward_err *err);
WARD_MUST enum ward_code worker_open(void *id, void **wrk, struct ward_err *err);
void worker_close(void *wrk);
extern struct ward_family *const identity_metrics[];

#endif
