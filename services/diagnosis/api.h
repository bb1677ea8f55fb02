/* api.h - the handlers' names, and what they share. Threads: a worker's own. Memory: the call's
 * arena. Errors: the .proto's. */
#ifndef DIAGNOSIS_API_H
#define DIAGNOSIS_API_H

#include "common/handler/handler.h"
#include "services/diagnosis/diagnosis.h"

const struct ward_method *diagnosis_methods(void);

ward_handler infer_rpc, confirm_rpc, amend_rpc, reject_rpc, list_models_rpc, load_model_rpc,
    unload_model_rpc, promote_model_rpc, roll_back_model_rpc;
/* The Open Inference Protocol's: oip/. */
ward_handler server_live_rpc, server_ready_rpc, model_ready_rpc, server_metadata_rpc,
    model_metadata_rpc, model_infer_rpc;

/* A static or arena text where protobuf-c wants char *. */
char *api_text(const char *s);
struct model;
/* registry_take, left when the call has ended. */
WARD_MUST enum ward_code api_model(struct ward_call *c, const char *name, const char *version,
                                   struct model **out);
/* What handlers about a patient begin with: the purpose of use is looked at, the act begun.
 * `patient` may be NULL: not known yet.   PERMISSION_DENIED  PURPOSE_NOT_ALLOWED */
WARD_MUST enum ward_code api_begin(struct ward_call *c, struct ward_event *a,
                                   const char *patient);

#endif
