/* Wire to domain and back: what the handlers share, and the table of methods. */
#include "services/records/api.h"

#include "ward/records/v1/access.pb-c.h"
#include "ward/records/v1/admin.pb-c.h"
#include "ward/records/v1/analytics.pb-c.h"
#include "ward/records/v1/exchange.pb-c.h"
#include "ward/records/v1/feed.pb-c.h"
#include "ward/records/v1/patients.pb-c.h"
#include "ward/records/v1/records.pb-c.h"
#include "ward/records/v1/text.pb-c.h"

char *api_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

enum ward_code api_begin(struct ward_call *c, struct ward_act *a, enum use use, enum kind kind,
                         const char *patient, struct view *out)
{
    struct worker *w = c->wrk;

    ward_act_begin(a, c, &w->seat, patient);
    WARD_TRY(view_of(c, use, out, c->err));
    return view_allows(out, c, use, kind, c->err);
}

const struct ward_method *records_methods(void)
{
    static const struct ward_method table[] = {
        {"/ward.records.v1.Records/Create", create_rpc,
         &ward__records__v1__create_request__descriptor,
         &ward__records__v1__create_response__descriptor},
        {"/ward.records.v1.Records/Read", read_rpc,
         &ward__records__v1__read_request__descriptor,
         &ward__records__v1__read_response__descriptor},
        {"/ward.records.v1.Records/Update", update_rpc,
         &ward__records__v1__update_request__descriptor,
         &ward__records__v1__update_response__descriptor},
        {"/ward.records.v1.Records/History", history_rpc,
         &ward__records__v1__history_request__descriptor,
         &ward__records__v1__history_response__descriptor},
        {"/ward.records.v1.Records/ReadVersion", read_version_rpc,
         &ward__records__v1__read_version_request__descriptor,
         &ward__records__v1__read_version_response__descriptor},
        {"/ward.records.v1.Records/MarkEnteredInError", mark_entered_in_error_rpc,
         &ward__records__v1__mark_entered_in_error_request__descriptor,
         &ward__records__v1__mark_entered_in_error_response__descriptor},
        {"/ward.records.v1.Records/Batch", batch_rpc,
         &ward__records__v1__batch_request__descriptor,
         &ward__records__v1__batch_response__descriptor},
        {"/ward.records.v1.Records/PutAttachment", put_attachment_rpc,
         &ward__records__v1__put_attachment_request__descriptor,
         &ward__records__v1__put_attachment_response__descriptor},
        {"/ward.records.v1.Records/GetAttachment", get_attachment_rpc,
         &ward__records__v1__get_attachment_request__descriptor,
         &ward__records__v1__get_attachment_response__descriptor},
        {"/ward.records.v1.Records/Search", search_rpc,
         &ward__records__v1__search_request__descriptor,
         &ward__records__v1__search_response__descriptor},
        {"/ward.records.v1.RecordsAccess/BreakGlass", break_glass_rpc,
         &ward__records__v1__break_glass_request__descriptor,
         &ward__records__v1__break_glass_response__descriptor},
        {"/ward.records.v1.RecordsAccess/ListGlass", list_glass_rpc,
         &ward__records__v1__list_glass_request__descriptor,
         &ward__records__v1__list_glass_response__descriptor},
        {"/ward.records.v1.RecordsAccess/ReviewGlass", review_glass_rpc,
         &ward__records__v1__review_glass_request__descriptor,
         &ward__records__v1__review_glass_response__descriptor},
        {"/ward.records.v1.RecordsAccess/AccessLog", access_log_rpc,
         &ward__records__v1__access_log_request__descriptor,
         &ward__records__v1__access_log_response__descriptor},
        {"/ward.records.v1.Patients/MergePatients", merge_patients_rpc,
         &ward__records__v1__merge_patients_request__descriptor,
         &ward__records__v1__merge_patients_response__descriptor},
        {"/ward.records.v1.Patients/UnmergePatients", unmerge_patients_rpc,
         &ward__records__v1__unmerge_patients_request__descriptor,
         &ward__records__v1__unmerge_patients_response__descriptor},
        {"/ward.records.v1.Patients/ListMerges", list_merges_rpc,
         &ward__records__v1__list_merges_request__descriptor,
         &ward__records__v1__list_merges_response__descriptor},
        {"/ward.records.v1.Patients/FindDuplicates", find_duplicates_rpc,
         &ward__records__v1__find_duplicates_request__descriptor,
         &ward__records__v1__find_duplicates_response__descriptor},
        {"/ward.records.v1.Patients/MarkDifferent", mark_different_rpc,
         &ward__records__v1__mark_different_request__descriptor,
         &ward__records__v1__mark_different_response__descriptor},
        {"/ward.records.v1.Exchange/ImportBundle", import_bundle_rpc,
         &ward__records__v1__import_bundle_request__descriptor,
         &ward__records__v1__import_progress__descriptor},
        {"/ward.records.v1.Exchange/ExportBundle", export_bundle_rpc,
         &ward__records__v1__export_bundle_request__descriptor,
         &ward__records__v1__export_bundle_response__descriptor},
        {"/ward.records.v1.Exchange/ImportCsv", import_csv_rpc,
         &ward__records__v1__import_csv_request__descriptor,
         &ward__records__v1__import_progress__descriptor},
        {"/ward.records.v1.Exchange/ListQuarantine", list_quarantine_rpc,
         &ward__records__v1__list_quarantine_request__descriptor,
         &ward__records__v1__list_quarantine_response__descriptor},
        {"/ward.records.v1.Exchange/GetQuarantined", get_quarantined_rpc,
         &ward__records__v1__get_quarantined_request__descriptor,
         &ward__records__v1__get_quarantined_response__descriptor},
        {"/ward.records.v1.Exchange/ReplayQuarantined", replay_quarantined_rpc,
         &ward__records__v1__replay_quarantined_request__descriptor,
         &ward__records__v1__replay_quarantined_response__descriptor},
        {"/ward.records.v1.Exchange/DiscardQuarantined", discard_quarantined_rpc,
         &ward__records__v1__discard_quarantined_request__descriptor,
         &ward__records__v1__discard_quarantined_response__descriptor},
        {"/ward.records.v1.Exchange/ExportDeidentified", export_deidentified_rpc,
         &ward__records__v1__export_deidentified_request__descriptor,
         &ward__records__v1__export_deidentified_response__descriptor},
        {"/ward.records.v1.Feed/Follow", follow_rpc,
         &ward__records__v1__follow_request__descriptor,
         &ward__records__v1__follow_response__descriptor},
        {"/ward.records.v1.Text/Extract", extract_rpc,
         &ward__records__v1__extract_request__descriptor,
         &ward__records__v1__extract_response__descriptor},
        {"/ward.records.v1.Analytics/GetSeries", get_series_rpc,
         &ward__records__v1__get_series_request__descriptor,
         &ward__records__v1__get_series_response__descriptor},
        {"/ward.records.v1.RecordsAdmin/GetStatus", get_status_rpc,
         &ward__records__v1__get_status_request__descriptor,
         &ward__records__v1__get_status_response__descriptor},
        {"/ward.records.v1.RecordsAdmin/RotateKeys", rotate_keys_rpc,
         &ward__records__v1__rotate_keys_request__descriptor,
         &ward__records__v1__rotate_keys_response__descriptor},
        {"/ward.records.v1.RecordsAdmin/ErasePatient", erase_patient_rpc,
         &ward__records__v1__erase_patient_request__descriptor,
         &ward__records__v1__erase_patient_response__descriptor},
        {0},
    };
    return table;
}
