/* wardctl dosage - commands for the bedside and for given doses, one row for each method. */
#include "cli/call/method.h"

#include "ward/dosage/v1/administration.pb-c.h"
#include "ward/dosage/v1/downtime.pb-c.h"
#include "ward/dosage/v1/tracking.pb-c.h"

static const char *const NURSE[] = {"nurse", NULL};
static const char *const PHYSICIAN[] = {"physician", NULL};
static const char *const PHARMACIST[] = {"pharmacist", NULL};
static const char *const SAFETY[] = {"safety-officer", NULL};

METHOD_COMMAND(administer, .path = "/ward.dosage.v1.Administrations/Administer",
               .req = &ward__dosage__v1__administer_request__descriptor,
               .resp = &ward__dosage__v1__administer_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .words = {"patient_id", "order_id"})
METHOD_COMMAND(give_in_emergency, .path = "/ward.dosage.v1.Administrations/GiveInEmergency",
               .req = &ward__dosage__v1__give_in_emergency_request__descriptor,
               .resp = &ward__dosage__v1__give_in_emergency_response__descriptor,
               .roles = NURSE, .purpose = "TREAT", .words = {"patient_id", "drug_id"})
METHOD_COMMAND(acknowledge, .path = "/ward.dosage.v1.Administrations/Acknowledge",
               .req = &ward__dosage__v1__acknowledge_request__descriptor,
               .resp = &ward__dosage__v1__acknowledge_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .words = {"administration_id"})
METHOD_COMMAND(list_unacknowledged,
               .path = "/ward.dosage.v1.Administrations/ListUnacknowledged",
               .req = &ward__dosage__v1__list_unacknowledged_request__descriptor,
               .resp = &ward__dosage__v1__list_unacknowledged_response__descriptor,
               .roles = NURSE, .purpose = "TREAT")
METHOD_COMMAND(list_cosignatures, .path = "/ward.dosage.v1.Administrations/ListCosignatures",
               .req = &ward__dosage__v1__list_cosignatures_request__descriptor,
               .resp = &ward__dosage__v1__list_cosignatures_response__descriptor,
               .roles = PHYSICIAN, .purpose = "TREAT")
METHOD_COMMAND(cosign, .path = "/ward.dosage.v1.Administrations/Cosign",
               .req = &ward__dosage__v1__cosign_request__descriptor,
               .resp = &ward__dosage__v1__cosign_response__descriptor, .roles = PHYSICIAN,
               .purpose = "TREAT", .words = {"administration_id", "state"})
METHOD_COMMAND(correct, .path = "/ward.dosage.v1.Administrations/Correct",
               .req = &ward__dosage__v1__correct_request__descriptor,
               .resp = &ward__dosage__v1__correct_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .words = {"administration_id", "expected_version"})
METHOD_COMMAND(get_administration, .path = "/ward.dosage.v1.Administrations/GetAdministration",
               .req = &ward__dosage__v1__get_administration_request__descriptor,
               .resp = &ward__dosage__v1__get_administration_response__descriptor,
               .roles = NURSE, .purpose = "TREAT", .words = {"administration_id"})
METHOD_COMMAND(get_mar, .path = "/ward.dosage.v1.Tracking/GetMar",
               .req = &ward__dosage__v1__get_mar_request__descriptor,
               .resp = &ward__dosage__v1__get_mar_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .words = {"patient_id"})
METHOD_COMMAND(get_cumulative, .path = "/ward.dosage.v1.Tracking/GetCumulative",
               .req = &ward__dosage__v1__get_cumulative_request__descriptor,
               .resp = &ward__dosage__v1__get_cumulative_response__descriptor,
               .roles = PHARMACIST, .purpose = "TREAT",
               .words = {"patient_id", "ingredient", "hours"})
METHOD_COMMAND(get_adherence, .path = "/ward.dosage.v1.Tracking/GetAdherence",
               .req = &ward__dosage__v1__get_adherence_request__descriptor,
               .resp = &ward__dosage__v1__get_adherence_response__descriptor,
               .roles = PHARMACIST, .purpose = "TREAT", .words = {"patient_id"})
METHOD_COMMAND(record_supply, .path = "/ward.dosage.v1.Tracking/RecordSupply",
               .req = &ward__dosage__v1__record_supply_request__descriptor,
               .resp = &ward__dosage__v1__record_supply_response__descriptor,
               .roles = PHARMACIST, .purpose = "TREAT", .words = {"patient_id", "order_id"})
METHOD_COMMAND(get_supply, .path = "/ward.dosage.v1.Tracking/GetSupply",
               .req = &ward__dosage__v1__get_supply_request__descriptor,
               .resp = &ward__dosage__v1__get_supply_response__descriptor, .roles = PHARMACIST,
               .purpose = "TREAT", .words = {"patient_id"})
METHOD_COMMAND(list_missed, .path = "/ward.dosage.v1.Tracking/ListMissed",
               .req = &ward__dosage__v1__list_missed_request__descriptor,
               .resp = &ward__dosage__v1__list_missed_response__descriptor, .roles = NURSE,
               .purpose = "TREAT")
METHOD_COMMAND(list_workarounds, .path = "/ward.dosage.v1.Tracking/ListWorkarounds",
               .req = &ward__dosage__v1__list_workarounds_request__descriptor,
               .resp = &ward__dosage__v1__list_workarounds_response__descriptor,
               .roles = SAFETY, .purpose = "HOPERAT")
METHOD_COMMAND(review_workaround, .path = "/ward.dosage.v1.Tracking/ReviewWorkaround",
               .req = &ward__dosage__v1__review_workaround_request__descriptor,
               .resp = &ward__dosage__v1__review_workaround_response__descriptor,
               .roles = SAFETY, .purpose = "HOPERAT", .words = {"workaround_id", "verdict"})
METHOD_COMMAND(get_pack, .path = "/ward.dosage.v1.Downtime/GetPack",
               .req = &ward__dosage__v1__get_pack_request__descriptor,
               .resp = &ward__dosage__v1__get_pack_response__descriptor, .roles = NURSE,
               .purpose = "TREAT")
METHOD_COMMAND(get_pack_keys, .path = "/ward.dosage.v1.Downtime/GetPackKeys",
               .req = &ward__dosage__v1__get_pack_keys_request__descriptor,
               .resp = &ward__dosage__v1__get_pack_keys_response__descriptor,
               .purpose = "TREAT")
METHOD_COMMAND(reconcile, .path = "/ward.dosage.v1.Downtime/Reconcile",
               .req = &ward__dosage__v1__reconcile_request__descriptor,
               .resp = &ward__dosage__v1__reconcile_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .file = "doses")
METHOD_COMMAND(list_conflicts, .path = "/ward.dosage.v1.Downtime/ListConflicts",
               .req = &ward__dosage__v1__list_conflicts_request__descriptor,
               .resp = &ward__dosage__v1__list_conflicts_response__descriptor, .roles = NURSE,
               .purpose = "TREAT")
METHOD_COMMAND(resolve_conflict, .path = "/ward.dosage.v1.Downtime/ResolveConflict",
               .req = &ward__dosage__v1__resolve_conflict_request__descriptor,
               .resp = &ward__dosage__v1__resolve_conflict_response__descriptor, .roles = NURSE,
               .purpose = "TREAT", .words = {"conflict_id", "which"})

const struct cli_command cli_dosage_give_commands[] = {
    {"dosage give",
     "[--ward W] --slot-id SLOT --outcome given --ppid-token FILE --place BED --dose JSON\n    "
     "  "
     "--route po [--scan TEXT --units N | --scan TEXT --volume JSON | --product-id P\n      "
     "--not-scanned-reason CODE] [--more JSON] [--time-reason CODE]\n      "
     "[--overrides JSON] [--second-person-token FILE] [--confirmed-by PRESCRIBER]\n      "
     "[--key KEY] PATIENT ORDER",
     "chart a dose for a verified patient, or chart that a dose was held or refused",
     administer},
    {"dosage emergency",
     "[--ward W] --dose JSON --route iv --reason-code CODE [--key KEY] PATIENT DRUG",
     "chart an emergency dose, which a person must acknowledge in time", give_in_emergency},
    {"dosage acknowledge",
     "[--ward W] --ppid-token FILE [--order-id ORDER] --reason-code CODE ADMINISTRATION",
     "acknowledge an emergency dose", acknowledge},
    {"dosage unacknowledged", "--ward W",
     "list the emergency doses that wait for acknowledgement", list_unacknowledged},
    {"dosage cosignatures", "[--ward W]",
     "list the doses that wait for your co-signature, or all such doses of a ward",
     list_cosignatures},
    {"dosage cosign", "[--key KEY] ADMINISTRATION signed|disputed",
     "sign or dispute a dose given on your verbal order", cosign},
    {"dosage correct",
     "[--ward W] --reason-code CODE [--entered-in-error true] [--dose JSON] [--key KEY]\n      "
     "ADMINISTRATION VERSION",
     "correct a charted dose with a new version", correct},
    {"dosage dose", "[--ward W] ADMINISTRATION", "list every version of a dose",
     get_administration},
    {"dosage mar", "[--ward W] [--from-us US --to-us US] PATIENT",
     "print the medication administration record", get_mar},
    {"dosage cumulative", "[--ward W] PATIENT INGREDIENT HOURS",
     "sum the doses of an ingredient over a number of hours", get_cumulative},
    {"dosage adherence", "[--ward W] [--order-id ORDER] [--from-us US --to-us US] PATIENT",
     "count doses that were due, on time, late and missed", get_adherence},
    {"dosage supply", "[--ward W] --product-id P --quantity JSON [--key KEY] PATIENT ORDER",
     "record a dispensed quantity", record_supply},
    {"dosage left", "[--ward W] [--order-id ORDER] PATIENT",
     "show the remaining supply and its end", get_supply},
    {"dosage missed", "--ward W [--from-us US --to-us US]", "list missed doses", list_missed},
    {"dosage workarounds", "[--ward W] [--with-reviewed true]", "list suspected workarounds",
     list_workarounds},
    {"dosage review", "[--key KEY] WORKAROUND VERDICT",
     "record a verdict: workaround, justified or false-alarm", review_workaround},
    {"downtime pack", "--ward W [--hours N]", "fetch a signed downtime pack", get_pack},
    {"downtime keys", "", "print the public keys that verify packs", get_pack_keys},
    {"downtime reconcile", "--ward W --pack FILE [--key KEY] FILE.json",
     "enter the doses that were charted during a downtime", reconcile},
    {"downtime conflicts", "--ward W", "list doses charted both online and offline",
     list_conflicts},
    {"downtime resolve",
     "[--ward W] --reason-code CODE [--second-person-token FILE] [--key KEY] CONFLICT WHICH",
     "resolve a conflict: charted, offline or both", resolve_conflict},
    {0},
};
