/* registry.h - loads and closes the models of this process as the database lists them.
 *
 * A thread follows the database's revision. It loads versions that the database lists, and
 * closes the others once the last call that uses them has ended.
 *
 * Threads: any; a taken model stays open until registry_leave. Memory: the registry's own.
 * Errors: NOT_FOUND MODEL_NOT_FOUND if the model does not exist; UNAVAILABLE MODEL_UNLOADED if
 * an operator unloaded it; UNAVAILABLE MODEL_NOT_READY if it does not serve. */
#ifndef DIAGNOSIS_REGISTRY_REGISTRY_H
#define DIAGNOSIS_REGISTRY_REGISTRY_H

#include "services/diagnosis/model/models.h"
#include "services/diagnosis/registry/state.h"

/* Reads WARD_DIAGNOSIS_MODELS and the database.   INVALID_ARGUMENT  a malformed list */
WARD_MUST enum ward_code registry_open(struct diagnosis *dia, struct ward_err *err);
void registry_close(struct diagnosis *dia); /* a NULL registry is allowed */
/* Call after this replica changed the database. Reads the database now, so that the next call
 * finds the change on this replica. Returns after the read, at the deadline, or after two
 * seconds. */
void registry_changed(struct diagnosis *dia, int64_t deadline_ns);

/* Takes the active version of a model, or `version` unless it is NULL or "". */
WARD_MUST enum ward_code registry_take(struct diagnosis *dia, const char *name,
                                       const char *version, struct model **out,
                                       struct ward_err *err);
/* Takes the shadows of a model. Returns their number. */
int registry_take_shadows(struct diagnosis *dia, const char *name,
                          struct model *out[STATE_VERSIONS]);
void registry_leave(struct model *m); /* NULL is allowed */

enum model_role {
    ROLE_ACTIVE = 1,
    ROLE_SHADOW,
    ROLE_STANDBY
}; /* as in ward.diagnosis.v1.ModelRole */
struct registry_row {
    struct model *model; /* must be left with registry_leave */
    enum model_role role;
};
#define REGISTRY_ROWS (STATE_MODELS * STATE_VERSIONS)
/* Lists every loaded version: models of the configuration first, and of each model the active
 * version first. */
int registry_list(struct diagnosis *dia, struct registry_row out[REGISTRY_ROWS]);
/* Lists the loaded versions of a model, sorted by name. Returns their number; 0 if the model
 * does not exist. */
int registry_versions(struct diagnosis *dia, const char *name,
                      char out[STATE_VERSIONS][STATE_NAME]);
/* The label of a metric: the model's name, or "other" if this replica does not have the
 * model. */
const char *registry_label(struct diagnosis *dia, const char *name);

/* Checks whether all configured models serve. UNAVAILABLE otherwise, with the name of such a
 * model. */
WARD_MUST enum ward_code registry_ready(struct diagnosis *dia, struct ward_err *err);
/* Checks one model: that of dia->part[i]. */
WARD_MUST enum ward_code registry_part(struct diagnosis *dia, int i, struct ward_err *err);

#endif
