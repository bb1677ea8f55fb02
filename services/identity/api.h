/* api.h - what the handlers share. Threads: a worker's own. Memory: the call's arena. Errors:
 * the .proto's. */
#ifndef IDENTITY_API_H
#define IDENTITY_API_H

#include "services/identity/act.h"
#include "ward/identity/v1/identity.pb-c.h"

const struct ward_method *identity_methods(void);

ward_handler enrol_rpc, verify_rpc, get_subject_rpc, withdraw_consent_rpc, erase_subject_rpc,
    get_token_keys_rpc;

/* INVALID_ARGUMENT (field subject_id) unless a UUID; *text is its usual form. */
WARD_MUST enum ward_code api_subject_id(struct ward_call *c, const char *given,
                                        uint8_t id[IDENTITY_ID], char text[37]);
/* The call's deadline and its caller, for inference. */
struct ward_stop api_stop(const struct ward_call *c);
WARD_MUST enum ward_code api_quality(struct ward_call *c, const struct photo *p,
                                     Ward__Identity__V1__Quality **out);
/* A static or arena text where protobuf-c wants char *. */
char *api_text(const char *s);
/* The text in the call's arena. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code api_copy(struct ward_call *c, const char *s, char **out);

#endif
