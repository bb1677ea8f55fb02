/* The table of methods names every handler, so no lower file refers to the table. */
#include "services/dosage/api.h"

#include "ward/dosage/v1/admin.pb-c.h"
#include "ward/dosage/v1/administration.pb-c.h"
#include "ward/dosage/v1/downtime.pb-c.h"
#include "ward/dosage/v1/formulary.pb-c.h"
#include "ward/dosage/v1/orders.pb-c.h"
#include "ward/dosage/v1/schedule.pb-c.h"
#include "ward/dosage/v1/tracking.pb-c.h"

#define ROW(service, method, name)                                                             \
    {                                                                                          \
        "/ward.dosage.v1." service "/" method, name##_rpc,                                     \
            &ward__dosage__v1__##name##_request__descriptor,                                   \
            &ward__dosage__v1__##name##_response__descriptor                                   \
    }

static const struct ward_method methods[] = {
    ROW("Formulary", "DraftRuleSet", draft_rule_set),
    ROW("Formulary", "GetRuleSet", get_rule_set),
    ROW("Formulary", "ListRuleSets", list_rule_sets),
    ROW("Formulary", "Replay", replay),
    ROW("Formulary", "ApproveRuleSet", approve_rule_set),
    ROW("Formulary", "ActivateRuleSet", activate_rule_set),
    ROW("Formulary", "FindDrugs", find_drugs),
    ROW("Orders", "Check", check),
    ROW("Orders", "Place", place),
    ROW("Orders", "Change", change),
    ROW("Orders", "SetState", set_state),
    ROW("Orders", "GetOrder", get_order),
    ROW("Orders", "ListOrders", list_orders),
    ROW("Orders", "OrderHistory", order_history),
    ROW("Orders", "GetDecision", get_decision),
    ROW("Orders", "ListDecisions", list_decisions),
    ROW("Orders", "ReplayDecision", replay_decision),
    ROW("Orders", "ReconcileHomeMedicine", reconcile_home_medicine),
    ROW("Orders", "ListHomeMedicines", list_home_medicines),
    ROW("Schedule", "ListSlots", list_slots),
    ROW("Schedule", "ListDue", list_due),
    ROW("Schedule", "FollowDue", follow_due),
    ROW("Schedule", "PreviewTiming", preview_timing),
    ROW("Administrations", "Administer", administer),
    ROW("Administrations", "GiveInEmergency", give_in_emergency),
    ROW("Administrations", "Acknowledge", acknowledge),
    ROW("Administrations", "ListUnacknowledged", list_unacknowledged),
    ROW("Administrations", "ListCosignatures", list_cosignatures),
    ROW("Administrations", "Cosign", cosign),
    ROW("Administrations", "Correct", correct),
    ROW("Administrations", "GetAdministration", get_administration),
    ROW("Tracking", "GetMar", get_mar),
    ROW("Tracking", "GetCumulative", get_cumulative),
    ROW("Tracking", "GetAdherence", get_adherence),
    ROW("Tracking", "RecordSupply", record_supply),
    ROW("Tracking", "GetSupply", get_supply),
    ROW("Tracking", "ListMissed", list_missed),
    ROW("Tracking", "ListWorkarounds", list_workarounds),
    ROW("Tracking", "ReviewWorkaround", review_workaround),
    ROW("Downtime", "GetPack", get_pack),
    ROW("Downtime", "GetPackKeys", get_pack_keys),
    ROW("Downtime", "Reconcile", reconcile),
    ROW("Downtime", "ListConflicts", list_conflicts),
    ROW("Downtime", "ResolveConflict", resolve_conflict),
    ROW("DosageAdmin", "SetWard", set_ward),
    ROW("DosageAdmin", "ListWards", list_wards),
    ROW("DosageAdmin", "GetBurden", get_burden),
    ROW("DosageAdmin", "GetStatus", get_status),
    ROW("DosageAdmin", "RotateKeys", rotate_keys),
    ROW("DosageAdmin", "ErasePatient", erase_patient),
    {0},
};

const struct ward_method *dosage_methods(void)
{
    return methods;
}
