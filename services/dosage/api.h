/* api.h - the handlers' names and shared functions. Threads: any worker. Memory: the call's
 * arena. Errors: those of the .proto file. */
#ifndef DOSAGE_API_H
#define DOSAGE_API_H

#include "common/handler/handler.h"
#include "services/dosage/dosage.h"

const struct ward_method *dosage_methods(void);

ward_handler draft_rule_set_rpc, get_rule_set_rpc, list_rule_sets_rpc, replay_rpc,
    approve_rule_set_rpc, activate_rule_set_rpc, find_drugs_rpc, check_rpc, place_rpc,
    change_rpc, set_state_rpc, get_order_rpc, list_orders_rpc, order_history_rpc,
    get_decision_rpc, list_decisions_rpc, replay_decision_rpc, reconcile_home_medicine_rpc,
    list_home_medicines_rpc, list_slots_rpc, list_due_rpc, follow_due_rpc, preview_timing_rpc,
    administer_rpc, give_in_emergency_rpc, acknowledge_rpc, list_unacknowledged_rpc,
    list_cosignatures_rpc, cosign_rpc, correct_rpc, get_administration_rpc, get_mar_rpc,
    get_cumulative_rpc, get_adherence_rpc, record_supply_rpc, get_supply_rpc, list_missed_rpc,
    list_workarounds_rpc, review_workaround_rpc, get_pack_rpc, get_pack_keys_rpc, reconcile_rpc,
    list_conflicts_rpc, resolve_conflict_rpc, set_ward_rpc, list_wards_rpc, get_burden_rpc,
    get_status_rpc, rotate_keys_rpc, erase_patient_rpc;

/* Casts a static or arena text to the char * that protobuf-c requires. */
char *api_text(const char *s);
/* First step of handlers about a patient: checks the purpose of use and begins the audit event.
 * `patient` may be NULL if the patient is not yet known.
 *   PERMISSION_DENIED  PURPOSE_NOT_ALLOWED */
WARD_MUST enum ward_code api_begin(struct ward_call *c, struct ward_event *a,
                                   const char *patient);

#endif
