/* api.h - functions that the handlers share, and declarations of the handlers. Threads: call
 * from a worker's thread.
 * Memory: the call's arena. Errors: those of the .proto. */
#ifndef RECORDS_API_H
#define RECORDS_API_H

#include "common/handler/handler.h"
#include "services/records/access/tell.h"
#include "services/records/store/chart.h"

const struct ward_method *records_methods(void);

ward_handler create_rpc, read_rpc, update_rpc, history_rpc, read_version_rpc,
    mark_entered_in_error_rpc, batch_rpc, put_attachment_rpc, get_attachment_rpc, search_rpc,
    search_many_rpc, list_directory_rpc, break_glass_rpc, list_glass_rpc, review_glass_rpc,
    access_log_rpc, merge_patients_rpc, unmerge_patients_rpc, list_merges_rpc,
    find_duplicates_rpc, mark_different_rpc, import_bundle_rpc, export_bundle_rpc,
    import_csv_rpc, list_quarantine_rpc, get_quarantined_rpc, replay_quarantined_rpc,
    discard_quarantined_rpc, export_deidentified_rpc, follow_rpc, get_wards_rpc, extract_rpc,
    get_series_rpc, get_status_rpc, rotate_keys_rpc, erase_patient_rpc;

/* Casts a static or arena text to the char * that protobuf-c requires. */
char *api_text(const char *s);
/* First step of most handlers: begins the audit event, and computes the caller's view for
 * reading or writing this kind. `patient` may be NULL.
 *   PERMISSION_DENIED  PURPOSE_NOT_ALLOWED, KIND_NOT_ALLOWED */
WARD_MUST enum ward_code api_begin(struct ward_call *c, struct ward_event *a, enum use use,
                                   enum kind kind, const char *patient, struct view *out);

#endif
