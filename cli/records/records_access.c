/* wardctl records - commands for access, merges and operators, one row for each method. */
#include "cli/call/method.h"

#include "ward/records/v1/access.pb-c.h"
#include "ward/records/v1/admin.pb-c.h"
#include "ward/records/v1/exchange.pb-c.h"
#include "ward/records/v1/patients.pb-c.h"

static const char *const CLINICIAN[] = {"physician", NULL};
static const char *const OFFICER[] = {"privacy-officer", NULL};
static const char *const REGISTRAR[] = {"registrar", NULL};
static const char *const ADMIN[] = {"records-admin", NULL};

METHOD_COMMAND(break_glass, .path = "/ward.records.v1.RecordsAccess/BreakGlass",
               .req = &ward__records__v1__break_glass_request__descriptor,
               .resp = &ward__records__v1__break_glass_response__descriptor, .roles = CLINICIAN,
               .purpose = "ETREAT", .words = {"patient_id"})
METHOD_COMMAND(glass_list, .path = "/ward.records.v1.RecordsAccess/ListGlass",
               .req = &ward__records__v1__list_glass_request__descriptor,
               .resp = &ward__records__v1__list_glass_response__descriptor, .roles = OFFICER,
               .purpose = "HOPERAT")
METHOD_COMMAND(glass_review, .path = "/ward.records.v1.RecordsAccess/ReviewGlass",
               .req = &ward__records__v1__review_glass_request__descriptor,
               .resp = &ward__records__v1__review_glass_response__descriptor, .roles = OFFICER,
               .purpose = "HOPERAT", .words = {"glass_id", "verdict"})
METHOD_COMMAND(access_log, .path = "/ward.records.v1.RecordsAccess/AccessLog",
               .req = &ward__records__v1__access_log_request__descriptor,
               .resp = &ward__records__v1__access_log_response__descriptor, .roles = OFFICER,
               .purpose = "PATRQT", .words = {"patient_id"})
METHOD_COMMAND(merge, .path = "/ward.records.v1.Patients/MergePatients",
               .req = &ward__records__v1__merge_patients_request__descriptor,
               .resp = &ward__records__v1__merge_patients_response__descriptor,
               .roles = REGISTRAR, .purpose = "PATADMIN",
               .words = {"from_patient_id", "into_patient_id"})
METHOD_COMMAND(unmerge, .path = "/ward.records.v1.Patients/UnmergePatients",
               .req = &ward__records__v1__unmerge_patients_request__descriptor,
               .resp = &ward__records__v1__unmerge_patients_response__descriptor,
               .roles = REGISTRAR, .purpose = "PATADMIN", .words = {"merge_id"})
METHOD_COMMAND(merges, .path = "/ward.records.v1.Patients/ListMerges",
               .req = &ward__records__v1__list_merges_request__descriptor,
               .resp = &ward__records__v1__list_merges_response__descriptor, .roles = REGISTRAR,
               .purpose = "PATADMIN", .words = {"patient_id"})
METHOD_COMMAND(duplicates, .path = "/ward.records.v1.Patients/FindDuplicates",
               .req = &ward__records__v1__find_duplicates_request__descriptor,
               .resp = &ward__records__v1__find_duplicates_response__descriptor,
               .roles = REGISTRAR, .purpose = "PATADMIN", .words = {"patient_id"})
METHOD_COMMAND(different, .path = "/ward.records.v1.Patients/MarkDifferent",
               .req = &ward__records__v1__mark_different_request__descriptor,
               .resp = &ward__records__v1__mark_different_response__descriptor,
               .roles = REGISTRAR, .purpose = "PATADMIN",
               .words = {"patient_id", "other_patient_id"})
METHOD_COMMAND(status, .path = "/ward.records.v1.RecordsAdmin/GetStatus",
               .req = &ward__records__v1__get_status_request__descriptor,
               .resp = &ward__records__v1__get_status_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT")
METHOD_COMMAND(rotate, .path = "/ward.records.v1.RecordsAdmin/RotateKeys",
               .req = &ward__records__v1__rotate_keys_request__descriptor,
               .resp = &ward__records__v1__rotate_keys_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT", .stream = true)
METHOD_COMMAND(erase, .path = "/ward.records.v1.RecordsAdmin/ErasePatient",
               .req = &ward__records__v1__erase_patient_request__descriptor,
               .resp = &ward__records__v1__erase_patient_response__descriptor, .roles = OFFICER,
               .purpose = "HOPERAT", .words = {"patient_id", "case_reference"})
METHOD_COMMAND(quarantine_list, .path = "/ward.records.v1.Exchange/ListQuarantine",
               .req = &ward__records__v1__list_quarantine_request__descriptor,
               .resp = &ward__records__v1__list_quarantine_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT")
METHOD_COMMAND(quarantine_show, .path = "/ward.records.v1.Exchange/GetQuarantined",
               .req = &ward__records__v1__get_quarantined_request__descriptor,
               .resp = &ward__records__v1__get_quarantined_response__descriptor, .roles = ADMIN,
               .purpose = "HOPERAT", .words = {"item_id"})
METHOD_COMMAND(quarantine_discard, .path = "/ward.records.v1.Exchange/DiscardQuarantined",
               .req = &ward__records__v1__discard_quarantined_request__descriptor,
               .resp = &ward__records__v1__discard_quarantined_response__descriptor,
               .roles = ADMIN, .purpose = "HOPERAT", .words = {"item_id"})

const struct cli_command cli_records_access_commands[] = {
    {"records break-glass", "[--ward W] --reason emergency --explanation TEXT PATIENT",
     "open a chart for a short time (break-glass); a privacy officer reviews the access",
     break_glass},
    {"records glass list", "[--reviewed-too true]",
     "list break-glass accesses that wait for review", glass_list},
    {"records glass review", "[--note TEXT] GLASS justified|not-justified",
     "record the verdict about a break-glass access", glass_review},
    {"records access-log", "[--from-us N] [--to-us N] PATIENT",
     "list the accesses to a chart, with proof", access_log},
    {"records merge", "--from-version N --into-version N --reason TEXT FROM INTO",
     "merge two patients: FROM into INTO", merge},
    {"records unmerge", "--reason TEXT MERGE", "undo a merge", unmerge},
    {"records merges", "PATIENT", "list the merges of a patient", merges},
    {"records duplicates", "PATIENT", "list patients who may be the same person", duplicates},
    {"records different", "PATIENT OTHER", "record that two patients are different people",
     different},
    {"records status", "", "print counts, keys and pending work", status},
    {"records rotate-keys", "", "rotate the KEKs and wrap every key again", rotate},
    {"records erase", "PATIENT CASE", "erase a chart by destroying its key", erase},
    {"records quarantine list", "[--import-id ID] [--decided-too true]",
     "list the quarantined entries and their problems", quarantine_list},
    {"records quarantine show", "ITEM", "print one quarantined entry with its JSON",
     quarantine_show},
    {"records quarantine discard", "--reason TEXT ITEM", "discard a quarantined entry",
     quarantine_discard},
    {0},
};
