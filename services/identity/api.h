/* api.h - functions that the handlers share. Threads: each worker uses its own call. Memory:
 * the call's arena. Errors: those in the .proto. */
#ifndef IDENTITY_API_H
#define IDENTITY_API_H

#include "common/handler/event.h"
#include "common/handler/handler.h"
#include "services/identity/photo.h"
#include "ward/identity/v1/identity.pb-c.h"

const struct ward_method *identity_methods(void);

ward_handler enrol_rpc, register_subject_rpc, set_birth_year_rpc, add_template_rpc,
    remove_template_rpc, verify_rpc, start_challenge_rpc, verify_video_rpc, set_identifiers_rpc,
    verify_wristband_rpc, get_subject_rpc, find_subject_rpc, list_subjects_rpc,
    assess_photograph_rpc, give_consent_rpc, set_retention_rpc, withdraw_consent_rpc,
    erase_subject_rpc, spend_token_rpc, redact_rpc, get_token_keys_rpc, identify_rpc,
    add_member_rpc, remove_member_rpc, list_galleries_rpc, list_duplicates_rpc,
    resolve_duplicate_rpc, get_status_rpc, set_use_policy_rpc, list_use_policies_rpc,
    rotate_keys_rpc, renew_templates_rpc, rotate_token_key_rpc, reembed_rpc, calibrate_rpc,
    put_zone_rpc, put_door_rpc, set_staff_roles_rpc, list_zones_rpc, request_entry_rpc,
    get_offline_pack_rpc, report_offline_events_rpc, record_attendance_rpc,
    correct_attendance_rpc, export_attendance_rpc, forget_presence_rpc;

#define api_subject_id(c, given, id, text) ward_call_id(c, "subject_id", given, id, text)
/* Validates an idempotency key: 1 to 128 bytes. */
WARD_MUST enum ward_code api_key(struct ward_call *c, const char *key);
/* Validates place, device and purpose, as in Verify. */
WARD_MUST enum ward_code api_where(struct ward_call *c, const char *place, const char *device,
                                   const char *purpose);
/* The deadline and the cancellation of the call, to stop inference. */
struct ward_stop api_stop(const struct ward_call *c);
WARD_MUST enum ward_code api_quality(struct ward_call *c, const struct photo *p,
                                     Ward__Identity__V1__Quality **out);
/* Builds a reason for an unusable photograph, with advice for the person who took it. */
WARD_MUST enum ward_code api_reason(struct ward_call *c, enum gate gate,
                                    Ward__Identity__V1__Reason ***out, size_t *n);
/* The device that ran the models, and whether another device is preferred. */
WARD_MUST enum ward_code api_device(struct ward_call *c, char **device,
                                    protobuf_c_boolean *degraded);
/* The worker's event context, for ward_event_begin. */
struct ward_event_ctx *api_event_ctx(const struct ward_call *c);
/* Callback for ward_rpc_config.refused. */
void api_refused(struct ward_call *c, enum ward_code code);
/* Casts a static or arena text to the char * that protobuf-c requires. */
char *api_text(const char *s);
/* The owner of an idempotency key: the person who calls, through the calling service. */
const char *api_caller(const struct ward_call *c);
/* Decodes a stored answer. */
WARD_MUST enum ward_code api_again(struct ward_call *c, struct ward_val answer,
                                   const ProtobufCMessageDescriptor *type,
                                   ProtobufCMessage **out, struct ward_err *err);

#endif
