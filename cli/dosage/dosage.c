/* wardctl dosage - commands for orders, checks and due times, one row for each method. */
#include "cli/call/method.h"

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
     "check an order without placing it", check},
    {"dosage order",
     "[--ward W] [--overrides JSON] [--second-person-token FILE] [--draft true] [--key KEY]\n  "
     "    PATIENT FILE.json",
     "place an order, if the check of the order permits it", place},
    {"dosage change",
     "[--ward W] [--overrides JSON] [--second-person-token FILE] [--key KEY]\n      ORDER "
     "VERSION FILE.json",
     "change an order's prescription", change},
    {"dosage set-state", "[--ward W] [--reason-code CODE] [--key KEY] ORDER VERSION STATE",
     "set an order's state: on-hold, stopped, cancelled, ...", set_state},
    {"dosage show", "[--ward W] [--version N] ORDER", "print one order", get_order},
    {"dosage orders", "[--ward W] [--states active,on-hold] [--page-token T] PATIENT",
     "list a patient's orders, newest first", list_orders},
    {"dosage history", "[--ward W] ORDER", "list every version of an order", order_history},
    {"dosage decision", "[--ward W] DECISION",
     "show a check: its input, its findings and their causes", get_decision},
    {"dosage decisions", "[--ward W] PATIENT", "list a patient's checks, newest first",
     list_decisions},
    {"dosage replay-decision", "[--ward W] DECISION", "repeat a check and compare the result",
     replay_decision},
    {"dosage home", "[--ward W] [--patient-id PATIENT [--history true]] [--undecided true]",
     "list the home medicines of a patient or a ward, with the decision about each",
     list_home_medicines},
    {"dosage reconcile-home",
     "[--ward W] --decision continue|change|stop|hold [--reason TEXT] [--order-id ORDER]\n   "
     "   [--expected-version N] [--key KEY] PATIENT STATEMENT VERSION",
     "record the decision about a home medicine at admission", reconcile_home_medicine},
    {"dosage slots", "[--ward W] [--order-id ORDER] [--from-us US --to-us US] PATIENT",
     "list due times and charted doses", list_slots},
    {"dosage due", "--ward W [--ahead-minutes N]",
     "list the doses that are due or overdue in a ward", list_due},
    {"dosage follow-due", "--ward W [--ahead-minutes N]",
     "follow the doses that are due in a ward, until Ctrl-C", follow_due},
    {"dosage preview", "--ward W --starts-at-us US [--most N] FILE.json",
     "show the due times of a timing in a ward's local time", preview_timing},
    {0},
};
