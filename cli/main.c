/* wardctl - Ward's command-line program. Each command is a row in a table of its file. */
#include "cli/core/cli.h"
#include "cli/globals.h"

#include <stddef.h>

static const struct cli_command *const tables[] = {
    cli_up_commands,
    cli_identity_commands,
    cli_identity_verify_commands,
    cli_identity_video_commands,
    cli_identity_subject_commands,
    cli_identity_find_commands,
    cli_identity_gallery_commands,
    cli_identity_admin_commands,
    cli_identity_calibrate_commands,
    cli_access_commands,
    cli_attendance_commands,
    cli_records_commands,
    cli_records_access_commands,
    cli_records_exchange_commands,
    cli_dosage_commands,
    cli_dosage_give_commands,
    cli_formulary_commands,
    cli_diagnosis_commands,
    cli_models_commands,
    cli_audit_commands,
    cli_audit_offline_commands,
    cli_audit_export_commands,
    cli_health_commands,
    cli_doctor_commands,
    cli_outbox_commands,
    cli_token_commands,
    cli_jwks_commands,
    cli_release_commands,
    cli_release_verify_commands,
    cli_dev_commands,
    NULL,
};

int main(int argc, char **argv)
{
    return cli_main(tables, argc, argv);
}
