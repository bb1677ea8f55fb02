/* api.h - declarations of the handlers, and functions that they share. Threads: each worker
 * uses its own call. Memory: the call's arena. Errors: those in the .proto. */
#ifndef DIAGNOSIS_API_H
#define DIAGNOSIS_API_H

#include "common/handler/handler.h"
#include "services/diagnosis/diagnosis.h"

const struct ward_method *diagnosis_methods(void);

ward_handler infer_rpc, confirm_rpc, amend_rpc, reject_rpc, list_models_rpc, load_model_rpc,
    unload_model_rpc, promote_model_rpc, roll_back_model_rpc;
/* Handlers of the Open Inference Protocol, in oip/. */
ward_handler server_live_rpc, server_ready_rpc, model_ready_rpc, server_metadata_rpc,
    model_metadata_rpc, model_infer_rpc;

/* Casts a static or arena text to the char * that protobuf-c requires. */
char *api_text(const char *s);
struct model;
/* Takes a model with registry_take, and leaves it when the call has ended. */
WARD_MUST enum ward_code api_model(struct ward_call *c, const char *name, const char *version,
                                   struct model **out);
/* Begins a call about a patient: checks the purpose of use, and begins the audit event.
 * `patient` may be NULL if it is not yet known.
 *   PERMISSION_DENIED  PURPOSE_NOT_ALLOWED */
WARD_MUST enum ward_code api_begin(struct ward_call *c, struct ward_event *a,
                                   const char *patient);

#endif
