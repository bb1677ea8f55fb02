/* wardctl dosage - orders, when they are due and what they are checked by: a row a method. */
#include "cli/method.h"

#include "ward/dosage/v1/orders.pb-c.h"
#include "ward/dosage/v1/schedule.pb-c.h"

static const char *const NURSE[] = {"nurse", NULL};
static const char *const PHYSICIAN[] = {"physician", NULL};

METHOD_COMMAND(check, .path = "/ward.dosage.v1.Orders/Check",
               .req = &ward__dosage__v1__check_request__descriptor,
               .resp = &ward__dosage__v1__check_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"patient_id"}, .file = "prescription")
METHOD_COMMAND(place, .path = "/ward.dosage.v1.Orders/Place",
               .req = &ward__dosage__v1__place_request__descriptor,
               .resp = &ward__dosage__v1__place_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"patient_id"}, .file = "prescription")
METHOD_COMMAND(change, .path = "/ward.dosage.v1.Orders/Change",
               .req = &ward__dosage__v1__change_request__descriptor,
               .resp = &ward__dosage__v1__change_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"order_id", "expected_version"},
               .file = "prescription")
METHOD_COMMAND(set_state, .path = "/ward.dosage.v1.Orders/SetState",
               .req = &ward__dosage__v1__set_state_request__descriptor,
               .resp = &ward__dosage__v1__set_state_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"order_id", "expected_version", "state"})
METHOD_COMMAND(get_order, .path = "/ward.dosage.v1.Orders/GetOrder",
               .req = &ward__dosage__v1__get_order_request__descriptor,
               .resp = &ward__dosage__v1__get_order_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"order_id"})
METHOD_COMMAND(list_orders, .path = "/ward.dosage.v1.Orders/ListOrders",
               .req = &ward__dosage__v1__list_orders_request__descriptor,
               .resp = &ward__dosage__v1__list_orders_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"patient_id"})
METHOD_COMMAND(order_history, .path = "/ward.dosage.v1.Orders/OrderHistory",
               .req = &ward__dosage__v1__order_history_request__descriptor,
               .resp = &ward__dosage__v1__order_history_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT", .words = {"order_id"})
METHOD_COMMAND(get_decision, .path = "/ward.dosage.v1.Orders/GetDecision",
               .req = &ward__dosage__v1__get_decision_request__descriptor,
               .resp = &ward__dosage__v1__get_decision_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"decision_id"})
METHOD_COMMAND(list_decisions, .path = "/ward.dosage.v1.Orders/ListDecisions",
               .req = &ward__dosage__v1__list_decisions_request__descriptor,
               .resp = &ward__dosage__v1__list_decisions_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT", .words = {"patient_id"})
METHOD_COMMAND(replay_decision, .path = "/ward.dosage.v1.Orders/ReplayDecision",
               .req = &ward__dosage__v1__replay_decision_request__descriptor,
               .resp = &ward__dosage__v1__replay_decision_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT", .words = {"decision_id"})
METHOD_COMMAND(reconcile_home_medicine, .path = "/ward.dosage.v1.Orders/ReconcileHomeMedicine",
               .req = &ward__dosage__v1__reconcile_home_medicine_request__descriptor,
               .resp = &ward__dosage__v1__reconcile_home_medicine_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT",
               .words = {"patient_id", "statement_id", "statement_version"})
METHOD_COMMAND(list_home_medicines, .path = "/ward.dosage.v1.Orders/ListHomeMedicines",
               .req = &ward__dosage__v1__list_home_medicines_request__descriptor,
               .resp = &ward__dosage__v1__list_home_medicines_response__descriptor,
               .roles = NURSE, .purpose = "TREAT")
METHOD_COMMAND(list_slots, .path = "/ward.dosage.v1.Schedule/ListSlots",
               .req = &ward__dosage__v1__list_slots_request__descriptor,
               .resp = &ward__dosage__v1__list_slots_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .words = {"patient_id"})
METHOD_COMMAND(list_due, .path = "/ward.dosage.v1.Schedule/ListDue",
               .req = &ward__dosage__v1__list_due_request__descriptor,
               .resp = &ward__dosage__v1__list_due_response__descriptor, .roles = NURSE,
               .purpose = "TREAT")
METHOD_COMMAND(follow_due, .path = "/ward.dosage.v1.Schedule/FollowDue",
               .req = &ward__dosage__v1__follow_due_request__descriptor,
               .resp = &ward__dosage__v1__follow_due_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .stream = true)
METHOD_COMMAND(preview_timing, .path = "/ward.dosage.v1.Schedule/PreviewTiming",
               .req = &ward__dosage__v1__preview_timing_request__descriptor,
               .resp = &ward__dosage__v1__preview_timing_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT", .file = "timing")

const struct cli_command cli_dosage_commands[] = {
    {"dosage check", "[--ward W] [--order-id ORDER] PATIENT FILE.json",
     "what would be found if this were ordered now", check},
    {"dosage order",
     "[--ward W] [--overrides JSON] [--second-person-token FILE] [--draft true] [--key KEY]\n  "
     "    PATIENT FILE.json",
     "order it, if the check lets it pass", place},
    {"dosage change",
     "[--ward W] [--overrides JSON] [--second-person-token FILE] [--key KEY]\n      ORDER "
     "VERSION FILE.json",
     "another prescription from now on", change},
    {"dosage set-state", "[--ward W] [--reason-code CODE] [--key KEY] ORDER VERSION STATE",
     "hold, stop, cancel: on-hold, stopped, cancelled, ...", set_state},
    {"dosage show", "[--ward W] [--version N] ORDER", "one order", get_order},
    {"dosage orders", "[--ward W] [--states active,on-hold] [--page-token T] PATIENT",
     "a patient's orders, newest first", list_orders},
    {"dosage history", "[--ward W] ORDER", "every version of an order", order_history},
    {"dosage decision", "[--ward W] DECISION", "what a check knew, found and why",
     get_decision},
    {"dosage decisions", "[--ward W] PATIENT", "a patient's checks, newest first",
     list_decisions},
    {"dosage replay-decision", "[--ward W] DECISION", "decide it again: the same bytes?",
     replay_decision},
    {"dosage home", "[--ward W] [--patient-id PATIENT [--history true]] [--undecided true]",
     "list the home medicines of a patient or a ward, and what was decided about each",
     list_home_medicines},
    {"dosage reconcile-home",
     "[--ward W] --decision continue|change|stop|hold [--reason TEXT] [--order-id ORDER]\n   "
     "   [--expected-version N] [--key KEY] PATIENT STATEMENT VERSION",
     "decide about a home medicine at admission", reconcile_home_medicine},
    {"dosage slots", "[--ward W] [--order-id ORDER] [--from-us US --to-us US] PATIENT",
     "when doses are due, and what was charted", list_slots},
    {"dosage due", "--ward W [--ahead-minutes N]", "due and overdue in a ward", list_due},
    {"dosage follow-due", "--ward W [--ahead-minutes N]",
     "the same, as it changes, until Ctrl-C", follow_due},
    {"dosage preview", "--ward W --starts-at-us US [--most N] FILE.json",
     "what a timing means by a ward's clock", preview_timing},
    {0},
};
