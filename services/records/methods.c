/* The table of methods. Only this file names every handler; no other file depends on this
 * file. */
#include "services/records/api.h"

#include "ward/records/v1/access.pb-c.h"
#include "ward/records/v1/admin.pb-c.h"
#include "ward/records/v1/analytics.pb-c.h"
#include "ward/records/v1/exchange.pb-c.h"
#include "ward/records/v1/feed.pb-c.h"
#include "ward/records/v1/patients.pb-c.h"
#include "ward/records/v1/records.pb-c.h"
#include "ward/records/v1/text.pb-c.h"

#define ROW_AS(service, method, name, resp)                                                    \
    {                                                                                          \
        "/ward.records.v1." service "/" method, name##_rpc,                                    \
            &ward__records__v1__##name##_request__descriptor,                                  \
            &ward__records__v1__##resp##__descriptor                                           \
    }
#define ROW(service, method, name) ROW_AS(service, method, name, name##_response)

const struct ward_method *records_methods(void)
{
    static const struct ward_method table[] = {
        ROW("Records", "Create", create),
        ROW("Records", "Read", read),
        ROW("Records", "Update", update),
        ROW("Records", "History", history),
        ROW("Records", "ReadVersion", read_version),
        ROW("Records", "MarkEnteredInError", mark_entered_in_error),
        ROW("Records", "Batch", batch),
        ROW("Records", "PutAttachment", put_attachment),
        ROW("Records", "GetAttachment", get_attachment),
        ROW("Records", "Search", search),
        ROW("Records", "SearchMany", search_many),
        ROW("Records", "ListDirectory", list_directory),
        ROW("RecordsAccess", "BreakGlass", break_glass),
        ROW("RecordsAccess", "ListGlass", list_glass),
        ROW("RecordsAccess", "ReviewGlass", review_glass),
        ROW("RecordsAccess", "AccessLog", access_log),
        ROW("Patients", "MergePatients", merge_patients),
        ROW("Patients", "UnmergePatients", unmerge_patients),
        ROW("Patients", "ListMerges", list_merges),
        ROW("Patients", "FindDuplicates", find_duplicates),
        ROW("Patients", "MarkDifferent", mark_different),
        ROW_AS("Exchange", "ImportBundle", import_bundle, import_progress),
        ROW("Exchange", "ExportBundle", export_bundle),
        ROW_AS("Exchange", "ImportCsv", import_csv, import_progress),
        ROW("Exchange", "ListQuarantine", list_quarantine),
        ROW("Exchange", "GetQuarantined", get_quarantined),
        ROW("Exchange", "ReplayQuarantined", replay_quarantined),
        ROW("Exchange", "DiscardQuarantined", discard_quarantined),
        ROW("Exchange", "ExportDeidentified", export_deidentified),
        ROW("Feed", "Follow", follow),
        ROW("Feed", "GetWards", get_wards),
        ROW("Text", "Extract", extract),
        ROW("Analytics", "GetSeries", get_series),
        ROW("RecordsAdmin", "GetStatus", get_status),
        ROW("RecordsAdmin", "RotateKeys", rotate_keys),
        ROW("RecordsAdmin", "ErasePatient", erase_patient),
        {0},
    };

    return table;
}
