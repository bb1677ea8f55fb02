/* registry.h - the models of this process, as the database wants them.
 *
 * A thread follows the database's revision. It loads versions that the database lists, and
 * closes the others once the last call that uses them has ended.
 *
 * Threads: any; a model that was taken stays open until it is left. Memory: the registry's own.
 * Errors: NOT_FOUND MODEL_NOT_FOUND no such model; UNAVAILABLE MODEL_UNLOADED a person took it
 * out of service; UNAVAILABLE MODEL_NOT_READY it does not serve.
 */
#ifndef DIAGNOSIS_REGISTRY_REGISTRY_H
#define DIAGNOSIS_REGISTRY_REGISTRY_H

#include "services/diagnosis/model/models.h"
#include "services/diagnosis/registry/state.h"

/* Reads WARD_DIAGNOSIS_MODELS and the database.   INVALID_ARGUMENT  a malformed list */
WARD_MUST enum ward_code registry_open(struct diagnosis *dia, struct ward_err *err);
void registry_close(struct diagnosis *dia); /* NULL registry is fine */
/* This replica changed the database. Looks at it now and returns after the look, so that the
 * next call finds the change here; or at the deadline, or after two seconds. */
void registry_changed(struct diagnosis *dia, int64_t deadline_ns);

/* The active version, or `version` where it is not NULL or "". */
WARD_MUST enum ward_code registry_take(struct diagnosis *dia, const char *name,
                                       const char *version, struct model **out,
                                       struct ward_err *err);
/* Of this model; returns how many. */
int registry_take_shadows(struct diagnosis *dia, const char *name,
                          struct model *out[STATE_VERSIONS]);
void registry_leave(struct model *m); /* NULL is fine */

enum model_role {
    ROLE_ACTIVE = 1,
    ROLE_SHADOW,
    ROLE_STANDBY
}; /* ward.diagnosis.v1.ModelRole */
struct registry_row {
    struct model *model; /* to be left */
    enum model_role role;
};
#define REGISTRY_ROWS (STATE_MODELS * STATE_VERSIONS)
/* Every loaded version: the configuration's models first, of each the active version first. */
int registry_list(struct diagnosis *dia, struct registry_row out[REGISTRY_ROWS]);
/* Versions of a model that are loaded, sorted by name; 0: no such model. */
int registry_versions(struct diagnosis *dia, const char *name,
                      char out[STATE_VERSIONS][STATE_NAME]);
/* A name for a metric's label: the model's, or "other" for one that is not here. */
const char *registry_label(struct diagnosis *dia, const char *name);

/* UNAVAILABLE, naming it, while a model of the configuration does not serve. */
WARD_MUST enum ward_code registry_ready(struct diagnosis *dia, struct ward_err *err);
/* Of part i: dia->part. */
WARD_MUST enum ward_code registry_part(struct diagnosis *dia, int i, struct ward_err *err);

#endif
