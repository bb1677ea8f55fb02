/* The table of methods. It is in a file of its own because it names every handler. */
#include "services/identity/api.h"

#include "ward/identity/v1/access.pb-c.h"
#include "ward/identity/v1/admin.pb-c.h"
#include "ward/identity/v1/gallery.pb-c.h"

#define ROW(service, method, name)                                                             \
    {                                                                                          \
        "/ward.identity.v1." service "/" method, name##_rpc,                                   \
            &ward__identity__v1__##name##_request__descriptor,                                 \
            &ward__identity__v1__##name##_response__descriptor                                 \
    }

static const struct ward_method table[] = {
    ROW("Identity", "Enrol", enrol),
    ROW("Identity", "RegisterSubject", register_subject),
    ROW("Identity", "SetBirthYear", set_birth_year),
    ROW("Identity", "AddTemplate", add_template),
    ROW("Identity", "RemoveTemplate", remove_template),
    ROW("Identity", "Verify", verify),
    ROW("Identity", "StartChallenge", start_challenge),
    ROW("Identity", "VerifyVideo", verify_video),
    ROW("Identity", "SetIdentifiers", set_identifiers),
    ROW("Identity", "VerifyWristband", verify_wristband),
    ROW("Identity", "GetSubject", get_subject),
    ROW("Identity", "FindSubject", find_subject),
    ROW("Identity", "ListSubjects", list_subjects),
    ROW("Identity", "AssessPhotograph", assess_photograph),
    ROW("Identity", "GiveConsent", give_consent),
    ROW("Identity", "SetRetention", set_retention),
    ROW("Identity", "WithdrawConsent", withdraw_consent),
    ROW("Identity", "EraseSubject", erase_subject),
    ROW("Identity", "SpendToken", spend_token),
    ROW("Identity", "Redact", redact),
    ROW("Identity", "GetTokenKeys", get_token_keys),
    ROW("Gallery", "Identify", identify),
    ROW("Gallery", "AddMember", add_member),
    ROW("Gallery", "RemoveMember", remove_member),
    ROW("Gallery", "ListGalleries", list_galleries),
    ROW("Gallery", "ListDuplicates", list_duplicates),
    ROW("Gallery", "ResolveDuplicate", resolve_duplicate),
    ROW("IdentityAdmin", "GetStatus", get_status),
    ROW("IdentityAdmin", "SetUsePolicy", set_use_policy),
    ROW("IdentityAdmin", "ListUsePolicies", list_use_policies),
    ROW("IdentityAdmin", "RotateKeys", rotate_keys),
    ROW("IdentityAdmin", "RenewTemplates", renew_templates),
    ROW("IdentityAdmin", "RotateTokenKey", rotate_token_key),
    ROW("IdentityAdmin", "Reembed", reembed),
    ROW("IdentityAdmin", "Calibrate", calibrate),
    ROW("Access", "PutZone", put_zone),
    ROW("Access", "PutDoor", put_door),
    ROW("Access", "SetStaffRoles", set_staff_roles),
    ROW("Access", "ForgetPresence", forget_presence),
    ROW("Access", "ListZones", list_zones),
    ROW("Access", "RequestEntry", request_entry),
    ROW("Access", "GetOfflinePack", get_offline_pack),
    ROW("Access", "ReportOfflineEvents", report_offline_events),
    ROW("Access", "RecordAttendance", record_attendance),
    ROW("Access", "CorrectAttendance", correct_attendance),
    ROW("Access", "ExportAttendance", export_attendance),
    {0},
};

const struct ward_method *identity_methods(void)
{
    return table;
}
