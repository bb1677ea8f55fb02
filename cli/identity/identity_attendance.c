/* wardctl attendance - commands for the attendance of staff. */
#include "cli/identity/identity_call.h"

#include "ward/identity/v1/access.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__RecordAttendanceRequest RecordRequest;
typedef Ward__Identity__V1__RecordAttendanceResponse RecordResponse;
typedef Ward__Identity__V1__CorrectAttendanceRequest CorrectRequest;
typedef Ward__Identity__V1__CorrectAttendanceResponse CorrectResponse;
typedef Ward__Identity__V1__ExportAttendanceRequest ExportRequest;
typedef Ward__Identity__V1__ExportAttendanceResponse ExportResponse;

static const char *const OFFICER[] = {"attendance-officer", NULL};

/* Parses a direction; "" means unspecified. */
static enum ward_code direction(struct task *t, const char *given,
                                Ward__Identity__V1__Direction *out)
{
    int way = 0;

    if (given != NULL &&
        !message_enum_of(&ward__identity__v1__direction__descriptor, given, &way))
        return task_wrong(t, "--direction must be in or out");
    *out = (Ward__Identity__V1__Direction)way;
    return WARD_OK;
}

/* ---- record ---- */

static void print_recorded(struct task *t, const RecordResponse *r)
{
    bool match = r->outcome == WARD__IDENTITY__V1__OUTCOME__OUTCOME_MATCH;

    printf("%s%s%s", cli_paint(t->cli, match ? CLI_GOOD : CLI_BAD),
           message_enum(&ward__identity__v1__outcome__descriptor, (int)r->outcome),
           cli_paint(t->cli, CLI_PLAIN));
    printf("%s\n", match ? r->debounced ? "  recorded just before" : "  recorded" : "");
    id_print_reasons(r->reasons, r->n_reasons);
    if (match) {
        printf("subject    %s\n", r->subject_id);
        printf("direction  %s\n",
               message_enum(&ward__identity__v1__direction__descriptor, (int)r->direction));
        task_print_time("at", r->at_us);
        printf("record     %s\n", r->attendance_id);
    }
    printf("event      %s\n", r->event_id);
}

static enum ward_code record(struct task *t, int argc, char **argv)
{
    RecordRequest req = WARD__IDENTITY__V1__RECORD_ATTENDANCE_REQUEST__INIT;
    const char *photo = NULL, *token = NULL, *place = NULL, *device = NULL, *way = NULL;
    bool attended = false;
    const struct cli_opt opts[] = {
        {"--photo", &photo, NULL, "JPEG or PNG"},
        {"--spend", &token, NULL, "a token of purpose \"attendance\" instead"},
        {"--direction", &way, NULL, "in or out; the opposite of the last entry by default"},
        {"--place", &place, NULL, "where"},
        {"--device", &device, NULL, "camera or reader"},
        {"--attended", NULL, &attended,
         "confirm that you see the person in front of the camera"},
        {0},
    };
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    if ((photo == NULL) == (token == NULL) || place == NULL)
        return task_wrong(t, "--photo FILE or --spend TOKEN, and --place PLACE, are needed");
    WARD_TRY(direction(t, way, &req.direction));
    if (token != NULL)
        WARD_TRY(task_secret(t, token, &token));
    else
        WARD_TRY(id_photo(t, photo, &req.photograph));
    req.token = task_text(token);
    req.place = task_text(place);
    req.device = task_text(device);
    req.attended = attended;
    WARD_TRY(task_ask(t, ACCESS_PATH("RecordAttendance"), OFFICER, &req.base,
                      &ward__identity__v1__record_attendance_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_recorded(t, (const RecordResponse *)msg);
    return WARD_OK;
}

/* ---- correct ---- */

static enum ward_code correct(struct task *t, int argc, char **argv)
{
    CorrectRequest req = WARD__IDENTITY__V1__CORRECT_ATTENDANCE_REQUEST__INIT;
    const char *subject = NULL, *way = NULL, *at = NULL, *strike = NULL, *why = NULL,
               *key = NULL;
    const struct cli_opt opts[] = {
        {"--subject", &subject, NULL, "subject of the missing event"},
        {"--direction", &way, NULL, "in or out"},
        {"--at", &at, NULL, "time of the event: 2026-03-01T08:00+01:00"},
        {"--strike", &strike, NULL, "the record to strike out"},
        {"--why", &why, NULL, "reason for the correction"},
        {"--key", &key, NULL, "idempotency key"},
        {0},
    };
    const CorrectResponse *resp;
    ProtobufCMessage *msg;
    bool adds;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    adds = subject != NULL && way != NULL && at != NULL && strchr(at, 'T') != NULL &&
           task_time(at, &req.at_us);
    if (why == NULL || adds == (strike != NULL))
        return task_wrong(t,
                          "--subject SUBJECT --direction in|out --at 2026-03-01T08:00+01:00, "
                          "or --strike RECORD, and --why TEXT are needed");
    WARD_TRY(direction(t, way, &req.direction));
    WARD_TRY(task_key(t, key, &req.idempotency_key));
    req.subject_id = task_text(subject);
    req.strike_attendance_id = task_text(strike);
    req.why = task_text(why);
    WARD_TRY(task_ask(t, ACCESS_PATH("CorrectAttendance"), OFFICER, &req.base,
                      &ward__identity__v1__correct_attendance_response__descriptor, &msg));
    resp = (const CorrectResponse *)msg;
    if (!task_json(t, msg))
        printf("record     %s\nevent      %s\n", resp->attendance_id, resp->event_id);
    return WARD_OK;
}

/* ---- export ---- */

struct exporting {
    FILE *to;
    int64_t bytes;
    char event_id[37];
};

static enum ward_code piece(struct task *t, const ProtobufCMessage *msg, void *arg)
{
    const ExportResponse *r = (const ExportResponse *)msg;
    struct exporting *e = arg;

    fwrite(r->csv.data, 1, r->csv.len, e->to);
    e->bytes += (int64_t)r->csv.len;
    if (*r->event_id != '\0')
        snprintf(e->event_id, sizeof(e->event_id), "%s", r->event_id);
    cli_progress(t->cli, "bytes of CSV", e->bytes, 0);
    return WARD_OK;
}

static void say(struct task *t, const char *out, const struct exporting *e)
{
    struct cli_json j = {.to = stdout};

    if (out == NULL)
        return; /* the CSV was already printed on stdout */
    if (!t->cli->json) {
        printf("in %s\nevent      %s\n", out, e->event_id);
        return;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "file", out);
    cli_json_int(&j, "bytes", e->bytes);
    cli_json_text(&j, "event_id", e->event_id);
    cli_json_close(&j, '}');
}

static enum ward_code export_csv(struct task *t, int argc, char **argv)
{
    ExportRequest req = WARD__IDENTITY__V1__EXPORT_ATTENDANCE_REQUEST__INIT;
    const char *from = NULL, *to = NULL, *subject = NULL, *out = NULL;
    const struct cli_opt opts[] = {
        {"--from", &from, NULL, "the first day"},
        {"--to", &to, NULL, "the last day"},
        {"--subject", &subject, NULL, "only this person"},
        {"--out", &out, NULL, "output file"},
        {0},
    };
    struct exporting e = {.to = stdout};
    enum ward_code code;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    if (from == NULL || to == NULL)
        return task_wrong(
            t,
            "--from 2026-03-01 and --to 2026-03-31 are needed; the export includes both days");
    if (t->cli->json && out == NULL)
        return task_wrong(t, "with --json, --out FILE is needed for the CSV");
    req.from_date = task_text(from);
    req.to_date = task_text(to);
    req.subject_id = task_text(subject);
    t->called = true;
    if (out != NULL)
        WARD_TRY(task_create(t, out, &e.to));
    code = task_stream(t, ACCESS_PATH("ExportAttendance"), OFFICER, &req.base,
                       &ward__identity__v1__export_attendance_response__descriptor, piece, &e);
    cli_progress_end(t->cli);
    if (out != NULL)
        WARD_TRY(task_created(t, out, e.to, code));
    WARD_TRY(code);
    say(t, out, &e);
    return WARD_OK;
}

ID_COMMAND(record)
ID_COMMAND(correct)
ID_COMMAND(export_csv)

const struct cli_command cli_attendance_commands[] = {
    {"attendance record",
     "--photo FILE | --spend TOKEN|- --place PLACE [--direction in|out] [--attended]\n"
     "      [--device NAME]",
     "record that a member of staff arrives or leaves; the server's clock sets the time",
     record_command},
    {"attendance correct",
     "--subject SUBJECT --direction in|out --at TIME --why TEXT | --strike RECORD --why TEXT\n"
     "      [--key KEY]",
     "add a missing event or strike out a wrong one; the original record remains",
     correct_command},
    {"attendance export", "--from DATE --to DATE [--subject SUBJECT] [--out FILE]",
     "export attendance as CSV, one line for each person and day", export_csv_command},
    {0},
};
