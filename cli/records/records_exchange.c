/* wardctl records - commands for imports and exports: bundles, CSV, attachments, and the
 * feed. */
#include "cli/call/method.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "ward/records/v1/exchange.pb-c.h"
#include "ward/records/v1/feed.pb-c.h"
#include "ward/records/v1/records.pb-c.h"
#include "ward/records/v1/text.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef Ward__Records__V1__ImportProgress ImportProgress;
typedef Ward__Records__V1__ImportBundleRequest BundleRequest;
typedef Ward__Records__V1__ImportCsvRequest CsvRequest;

#define CHUNK     ((size_t)512 << 10)
#define MAP_MOST  ((size_t)256 << 10)
#define FILE_MOST ((size_t)32 << 20)
#define NOTE_MOST ((size_t)1 << 20)

static const char *const ADMIN[] = {"records-admin", NULL};
static const char *const RESEARCHER[] = {"researcher", NULL};
static const char *const PHYSICIAN[] = {"physician", NULL};

/* ---- imports ---- */

struct importing {
    struct task *task;
    struct ward_client_stream *stream;
    const char *path;
    FILE *from;
    int64_t sent;
    bool csv;
};

static enum ward_code counted(struct task *t, const ProtobufCMessage *msg, void *arg)
{
    const ImportProgress *p = (const ImportProgress *)msg;
    struct cli_json j = {.to = stdout, .sparse = true};

    (void)arg;
    cli_progress(t->cli, "resources", p->created + p->updated + p->unchanged, 0);
    if (!p->done)
        return WARD_OK;
    cli_progress_end(t->cli);
    if (t->cli->json)
        message_json(&j, NULL, msg, &t->mem);
    else
        message_lines(stdout, 0, msg, &t->mem);
    if (p->quarantined > 0)
        fprintf(stderr, "%d went to the quarantine: wardctl records quarantine list\n",
                p->quarantined);
    return WARD_OK;
}

static enum ward_code send_chunk(struct importing *im, uint8_t *bytes, size_t n)
{
    BundleRequest bundle = WARD__RECORDS__V1__IMPORT_BUNDLE_REQUEST__INIT;
    CsvRequest csv = WARD__RECORDS__V1__IMPORT_CSV_REQUEST__INIT;

    bundle.part_case = WARD__RECORDS__V1__IMPORT_BUNDLE_REQUEST__PART_CHUNK;
    csv.part_case = WARD__RECORDS__V1__IMPORT_CSV_REQUEST__PART_CHUNK;
    bundle.chunk = csv.chunk = (ProtobufCBinaryData){n, bytes};
    return ward_client_send(im->stream, im->csv ? &csv.base : &bundle.base, &im->task->err);
}

/* Sends the bytes of one file; files follow each other in one stream. */
static enum ward_code send_file(struct importing *im, const char *path)
{
    uint8_t *bytes = ward_alloc(&im->task->mem, CHUNK);
    enum ward_code code = WARD_OK;
    size_t n;

    im->from = fopen(path, "re");
    if (im->from == NULL || bytes == NULL) {
        if (im->from != NULL)
            fclose(im->from);
        return WARD_FAIL(&im->task->err, NOT_FOUND, "cannot read %.100s: %s", path,
                         strerror(errno));
    }
    while (code == WARD_OK && (n = fread(bytes, 1, CHUNK, im->from)) > 0)
        code = send_chunk(im, bytes, n);
    if (code == WARD_OK && ferror(im->from))
        code = WARD_FAIL(&im->task->err, DATA_LOSS, "cannot read %.100s to its end", path);
    fclose(im->from);
    return code;
}

/* Returns the number of bytes of all files, or 0 if one of them is not a regular file. */
static int64_t total_of(int n, char **paths)
{
    int64_t total = 0;

    for (int i = 0; i < n; i++) {
        struct stat st;

        if (stat(paths[i], &st) != 0 || !S_ISREG(st.st_mode))
            return 0;
        total += st.st_size;
    }
    return total;
}

static enum ward_code transfer(struct importing *im, const char *method,
                               const ProtobufCMessage *start, int n, char **paths)
{
    struct task *t = im->task;
    enum ward_code code;

    WARD_TRY(task_connect(t, ADMIN));
    WARD_TRY(ward_client_open_stream(t->client, method, &t->with,
                                     &ward__records__v1__import_progress__descriptor,
                                     &im->stream, &t->err));
    code = ward_client_send(im->stream, start, &t->err);
    for (int i = 0; code == WARD_OK && i < n; i++)
        code = send_file(im, paths[i]);
    if (code == WARD_OK)
        code = ward_client_send_end(im->stream, &t->err);
    /* if the service ended the call early, reading returns the cause */
    if (code == WARD_OK || code == WARD_OUT_OF_RANGE)
        code = task_receive(t, im->stream, counted, NULL);
    ward_client_close_stream(im->stream);
    return code;
}

static enum ward_code import_bundle(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {.req = &ward__records__v1__import_start__descriptor,
                                          .purpose = "HOPERAT"};
    BundleRequest start = WARD__RECORDS__V1__IMPORT_BUNDLE_REQUEST__INIT;
    struct importing im = {.task = t};
    struct task_list files;
    ProtobufCMessage *req;

    WARD_TRY(task_list(t, "--file", '\0', &argc, argv, &files));
    WARD_TRY(method_request(t, &how, argc, argv, &req));
    if (files.n == 0)
        return task_wrong(t, "at least one --file FILE.json is needed");
    start.part_case = WARD__RECORDS__V1__IMPORT_BUNDLE_REQUEST__PART_START;
    start.start = (Ward__Records__V1__ImportStart *)req;
    start.start->total_bytes = total_of((int)files.n, files.at);
    return transfer(&im, "/ward.records.v1.Exchange/ImportBundle", &start.base, (int)files.n,
                    files.at);
}
TASK_COMMAND(import_bundle, "records")

static enum ward_code import_csv(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {.req = &ward__records__v1__csv_start__descriptor,
                                          .purpose = "HOPERAT"};
    CsvRequest start = WARD__RECORDS__V1__IMPORT_CSV_REQUEST__INIT;
    struct importing im = {.task = t, .csv = true};
    struct task_list files, map;
    ProtobufCMessage *req;
    char *json;
    size_t n;

    WARD_TRY(task_list(t, "--file", '\0', &argc, argv, &files));
    WARD_TRY(task_list(t, "--map", '\0', &argc, argv, &map));
    WARD_TRY(method_request(t, &how, argc, argv, &req));
    if (files.n != 1 || map.n != 1)
        return task_wrong(
            t, "--map MAP.json (the fields of CsvStart) and --file FILE.csv are needed");
    WARD_TRY(cli_read(map.at[0], MAP_MOST, &t->mem, &json, &n, &t->err));
    WARD_TRY(message_of_json(json, n, req, &t->mem, &t->err));
    start.part_case = WARD__RECORDS__V1__IMPORT_CSV_REQUEST__PART_START;
    start.start = (Ward__Records__V1__CsvStart *)req;
    start.start->total_bytes = total_of(1, files.at);
    return transfer(&im, "/ward.records.v1.Exchange/ImportCsv", &start.base, 1, files.at);
}
TASK_COMMAND(import_csv, "records")

static enum ward_code quarantine_replay(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {
        .path = "/ward.records.v1.Exchange/ReplayQuarantined",
        .req = &ward__records__v1__replay_quarantined_request__descriptor,
        .purpose = "HOPERAT",
        .words = {"item_id"}};
    Ward__Records__V1__ReplayQuarantinedRequest *replay;
    const Ward__Records__V1__ReplayQuarantinedResponse *done;
    ProtobufCMessage *req, *resp;
    struct task_list files;
    size_t n;

    WARD_TRY(task_list(t, "--file", '\0', &argc, argv, &files));
    WARD_TRY(method_request(t, &how, argc, argv, &req));
    replay = (Ward__Records__V1__ReplayQuarantinedRequest *)req;
    if (files.n > 0)
        WARD_TRY(cli_read(files.at[0], FILE_MOST, &t->mem, &replay->json, &n, &t->err));
    WARD_TRY(task_ask(t, how.path, ADMIN, req,
                      &ward__records__v1__replay_quarantined_response__descriptor, &resp));
    done = (const Ward__Records__V1__ReplayQuarantinedResponse *)resp;
    if (!task_json(t, resp))
        printf("resource   %s, version %d\n", done->resource_id, done->version);
    return WARD_OK;
}
TASK_COMMAND(quarantine_replay, "records")

/* ---- exports ---- */

struct saving {
    FILE *to;
    int64_t bytes;
};

/* Saves the bytes of a message, which are in its field `chunk`. */
static enum ward_code save(struct task *t, const ProtobufCMessage *msg, void *arg)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, "chunk");
    const ProtobufCBinaryData *chunk =
        (const ProtobufCBinaryData *)(const void *)((const uint8_t *)msg + f->offset);
    struct saving *s = arg;

    fwrite(chunk->data, 1, chunk->len, s->to);
    s->bytes += (int64_t)chunk->len;
    cli_progress(t->cli, "bytes", s->bytes, 0);
    return WARD_OK;
}

static enum ward_code save_stream(struct task *t, const struct cli_method *how, int argc,
                                  char **argv)
{
    struct cli_json j = {.to = stdout};
    struct saving s = {0};
    struct task_list out;
    ProtobufCMessage *req;
    enum ward_code code;

    WARD_TRY(task_list(t, "--out", '\0', &argc, argv, &out));
    WARD_TRY(method_request(t, how, argc, argv, &req));
    if (out.n != 1)
        return task_wrong(t, "--out FILE is needed, and the file must not exist yet");
    WARD_TRY(task_create(t, out.at[0], &s.to));
    code = task_stream(t, how->path, how->roles, req, how->resp, save, &s);
    WARD_TRY(task_created(t, out.at[0], s.to, code));
    cli_progress_end(t->cli);
    if (!t->cli->json) {
        printf("%s  %lld bytes\n", out.at[0], (long long)s.bytes);
        return WARD_OK;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "file", out.at[0]);
    cli_json_int(&j, "bytes", s.bytes);
    cli_json_close(&j, '}');
    return WARD_OK;
}

static enum ward_code export_bundle(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {
        .path = "/ward.records.v1.Exchange/ExportBundle",
        .req = &ward__records__v1__export_bundle_request__descriptor,
        .resp = &ward__records__v1__export_bundle_response__descriptor,
        .roles = ADMIN,
        .purpose = "HOPERAT"};

    return save_stream(t, &how, argc, argv);
}
TASK_COMMAND(export_bundle, "records")

static enum ward_code export_deidentified(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {
        .path = "/ward.records.v1.Exchange/ExportDeidentified",
        .req = &ward__records__v1__export_deidentified_request__descriptor,
        .resp = &ward__records__v1__export_deidentified_response__descriptor,
        .roles = RESEARCHER,
        .purpose = "HRESCH",
        .words = {"project"}};

    return save_stream(t, &how, argc, argv);
}
TASK_COMMAND(export_deidentified, "records")

static enum ward_code attachment_get(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {
        .path = "/ward.records.v1.Records/GetAttachment",
        .req = &ward__records__v1__get_attachment_request__descriptor,
        .resp = &ward__records__v1__get_attachment_response__descriptor,
        .roles = PHYSICIAN,
        .purpose = "TREAT",
        .words = {"patient_id", "url"}};

    return save_stream(t, &how, argc, argv);
}
TASK_COMMAND(attachment_get, "records")

/* ---- attachments ---- */

typedef Ward__Records__V1__PutAttachmentRequest PutRequest;
typedef Ward__Records__V1__AttachmentStart AttachmentStart;

static enum ward_code put_parts(struct task *t, struct ward_client_stream *s,
                                AttachmentStart *start, char *bytes, size_t n)
{
    PutRequest part = WARD__RECORDS__V1__PUT_ATTACHMENT_REQUEST__INIT;

    part.part_case = WARD__RECORDS__V1__PUT_ATTACHMENT_REQUEST__PART_START;
    part.start = start;
    WARD_TRY(ward_client_send(s, &part.base, &t->err));
    part.part_case = WARD__RECORDS__V1__PUT_ATTACHMENT_REQUEST__PART_CHUNK;
    for (size_t at = 0; at < n; at += CHUNK) {
        part.chunk.data = (uint8_t *)bytes + at;
        part.chunk.len = n - at < CHUNK ? n - at : CHUNK;
        WARD_TRY(ward_client_send(s, &part.base, &t->err));
    }
    return ward_client_send_end(s, &t->err);
}

static enum ward_code print_put(struct task *t, const ProtobufCMessage *msg, void *arg)
{
    (void)arg;
    if (!task_json(t, msg))
        printf("url        %s\n", ((const Ward__Records__V1__PutAttachmentResponse *)msg)->url);
    return WARD_OK;
}

static enum ward_code attachment_put(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {.req =
                                              &ward__records__v1__attachment_start__descriptor,
                                          .purpose = "TREAT",
                                          .words = {"patient_id"}};
    struct ward_client_stream *s;
    struct task_list files;
    AttachmentStart *start;
    ProtobufCMessage *req;
    uint8_t sha[WARD_SHA256_SIZE];
    char hex[2 * WARD_SHA256_SIZE + 1], *bytes;
    enum ward_code code;
    size_t n;

    WARD_TRY(task_list(t, "--file", '\0', &argc, argv, &files));
    WARD_TRY(method_request(t, &how, argc, argv, &req));
    if (files.n != 1)
        return task_wrong(t, "--file FILE is needed");
    WARD_TRY(cli_read(files.at[0], FILE_MOST, &t->mem, &bytes, &n, &t->err));
    ward_sha256(bytes, n, sha);
    ward_hex(sha, sizeof(sha), hex);
    start = (AttachmentStart *)req;
    start->sha256 = hex;
    WARD_TRY(task_connect(t, PHYSICIAN));
    WARD_TRY(ward_client_open_stream(
        t->client, "/ward.records.v1.Records/PutAttachment", &t->with,
        &ward__records__v1__put_attachment_response__descriptor, &s, &t->err));
    code = put_parts(t, s, start, bytes, n);
    if (code == WARD_OK || code == WARD_OUT_OF_RANGE)
        code = task_receive(t, s, print_put, NULL);
    ward_client_close_stream(s);
    return code;
}
TASK_COMMAND(attachment_put, "records")

/* ---- notes ---- */

/* Reads all of standard input. */
static enum ward_code read_input(struct task *t, char **out)
{
    char *p = ward_alloc(&t->mem, NOTE_MOST + 1);
    size_t n;

    if (p == NULL)
        return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for the note");
    n = fread(p, 1, NOTE_MOST + 1, stdin);
    if (n > NOTE_MOST || ferror(stdin))
        return task_wrong(t, "the standard input is larger than 1 MiB or unreadable");
    p[n] = '\0';
    *out = p;
    return WARD_OK;
}

/* Extracts data from a note. The note is read from a file, so that no process list shows it. */
static enum ward_code extract(struct task *t, int argc, char **argv)
{
    static const struct cli_method how = {.path = "/ward.records.v1.Text/Extract",
                                          .req =
                                              &ward__records__v1__extract_request__descriptor,
                                          .purpose = "TREAT"};
    Ward__Records__V1__ExtractRequest *ask;
    ProtobufCMessage *req, *resp;
    struct cli_json j = {.to = stdout, .sparse = true};
    struct task_list files;
    size_t n;

    WARD_TRY(task_list(t, "--file", '\0', &argc, argv, &files));
    WARD_TRY(method_request(t, &how, argc, argv, &req));
    ask = (Ward__Records__V1__ExtractRequest *)req;
    if (files.n > 1 ||
        (files.n == 1 &&
         ask->source_case != WARD__RECORDS__V1__EXTRACT_REQUEST__SOURCE__NOT_SET))
        return task_wrong(t,
                          "one of --file FILE, --file -, --document-id and --text is needed");
    if (files.n == 1) {
        ask->source_case = WARD__RECORDS__V1__EXTRACT_REQUEST__SOURCE_TEXT;
        WARD_TRY(strcmp(files.at[0], "-") == 0
                     ? read_input(t, &ask->text)
                     : cli_read(files.at[0], NOTE_MOST, &t->mem, &ask->text, &n, &t->err));
    }
    WARD_TRY(task_ask(t, how.path, PHYSICIAN, req,
                      &ward__records__v1__extract_response__descriptor, &resp));
    if (t->cli->json)
        message_json(&j, NULL, resp, &t->mem);
    else
        message_lines(stdout, 0, resp, &t->mem);
    return WARD_OK;
}
TASK_COMMAND(extract, "records")

METHOD_COMMAND(follow, .path = "/ward.records.v1.Feed/Follow", .roles = ADMIN,
               .req = &ward__records__v1__follow_request__descriptor,
               .resp = &ward__records__v1__follow_response__descriptor, .purpose = "HOPERAT",
               .stream = true)

const struct cli_command cli_records_exchange_commands[] = {
    {"records import",
     "--import-id ID --source NAME [--on-problem refuse] [--dry-run true] --file FILE.json...",
     "import FHIR R4 bundles", import_bundle_command},
    {"records import-csv", "--map MAP.json --file FILE.csv [--dry-run true]",
     "import patients or observations from CSV, with a column map", import_csv_command},
    {"records quarantine replay", "[--file FIXED.json] [--plausible true] ITEM",
     "import a quarantined entry again, after a correction", quarantine_replay_command},
    {"records export", "[--patient-id PATIENT] [--kinds A,B] --out FILE",
     "export charts as FHIR R4 bundles", export_bundle_command},
    {"records export-deidentified",
     "[--kinds A,B] [--condition SYSTEM|CODE] --out FILE PROJECT",
     "export de-identified charts", export_deidentified_command},
    {"records attachment put", "[--ward W] [--content-type TYPE] --file FILE PATIENT",
     "store a document and print its URL", attachment_put_command},
    {"records attachment get", "[--ward W] --out FILE PATIENT URL", "fetch a document",
     attachment_get_command},
    {"records extract",
     "[--file FILE | --file - | --text TEXT | --document-id ID] [--language english]",
     "extract findings from a note; - reads standard input", extract_command},
    {"records follow", "[--from-now true] [--resume-token T] [--kinds A,B]",
     "follow the changes, until Ctrl-C", follow},
    {0},
};
