/* wardctl audit - commands that read the log: query, tail, receipt, export, head, keys. */
#include "cli/audit/audit_call.h"

#include "common/base/text.h"

#include <string.h>

typedef Ward__Audit__V1__Receipt Receipt;
typedef Ward__Audit__V1__SigningKey SigningKey;

static const char *const AUDITOR[] = {"auditor", NULL};

static char *given(const char *s)
{
    /* a cast, because protobuf-c has no const */
    return (char *)(uintptr_t)(s == NULL ? "" : s);
}

static int wrong(const struct cli *cli, const char *words)
{
    struct ward_err err = {0};

    (void)WARD_FAIL(&err, INVALID_ARGUMENT, "%s", words);
    return cli_usage(cli, &err);
}

/* ---- query ---- */

static const struct {
    const char *name;
    Ward__Audit__V1__Outcome value;
} OUTCOMES[] = {{"success", WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS},
                {"failure", WARD__AUDIT__V1__OUTCOME__OUTCOME_FAILURE},
                {"refused", WARD__AUDIT__V1__OUTCOME__OUTCOME_REFUSED}};

static bool outcome_of(const char *name, Ward__Audit__V1__Outcome *out)
{
    for (size_t i = 0; name != NULL && i < WARD_COUNT(OUTCOMES); i++)
        if (strcmp(name, OUTCOMES[i].name) == 0)
            *out = OUTCOMES[i].value;
    return name == NULL || *out != 0;
}

/* Reads pages until `left` records are printed or there are no more. */
static enum ward_code pages(struct audit_task *t, Ward__Audit__V1__QueryRequest *req,
                            int64_t left)
{
    struct cli_json j = {.to = stdout};
    ProtobufCMessage *msg;

    do {
        const Ward__Audit__V1__QueryResponse *resp;

        req->page_size = left < 200 ? (int32_t)left : 200;
        WARD_TRY(audit_ask(t, AUDIT_PATH("Query"), &req->base,
                           &ward__audit__v1__query_response__descriptor, &msg));
        resp = (const Ward__Audit__V1__QueryResponse *)msg;
        if (t->cli->json &&
            /* opened after the first answer, so that a rejected query prints no unfinished
             * array */
            j.depth == 0)
            cli_json_open(&j, NULL, '[');
        for (size_t i = 0; i < resp->n_records; i++)
            audit_record_print(t->cli, &j, resp->records[i]);
        left -= (int64_t)resp->n_records;
        req->page_token = resp->next_page_token;
    } while (left > 0 && *req->page_token != '\0');
    if (t->cli->json)
        cli_json_close(&j, ']');
    return WARD_OK;
}

static int query(const struct cli *cli, int argc, char **argv)
{
    Ward__Audit__V1__QueryRequest req = WARD__AUDIT__V1__QUERY_REQUEST__INIT;
    const char *patient = NULL, *actor = NULL, *action = NULL, *service = NULL, *outcome = NULL,
               *most = "50", *from = "0", *to = "0";
    const struct cli_opt opts[] = {
        {"--patient", &patient, NULL, "only events about this patient"},
        {"--actor", &actor, NULL, "only events of this person"},
        {"--action", &action, NULL, "only events with this action"},
        {"--service", &service, NULL, "only events from this service"},
        {"--outcome", &outcome, NULL, "success, failure or refused"},
        {"--from-us", &from, NULL, "start time, in microseconds since 1970"},
        {"--to-us", &to, NULL, "end time, in microseconds since 1970"},
        {"--most", &most, NULL, "maximum number of events; 50 by default"},
        {0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;
    int64_t n;

    if (cli_options(opts, &argc, argv, 0, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (!outcome_of(outcome, &req.outcome) || !ward_i64(most, 1, 100000, &n) ||
        !ward_i64(from, 0, INT64_MAX, &req.from_us) || !ward_i64(to, 0, INT64_MAX, &req.to_us))
        return wrong(cli, "--outcome must be success, failure or refused; --most must be 1 to "
                          "100000; times are in microseconds");
    req.patient = given(patient);
    req.actor = given(actor);
    req.action = given(action);
    req.service = given(service);
    code = audit_begin(&t, cli, AUDITOR);
    if (code == WARD_OK)
        code = pages(&t, &req, n);
    return audit_end(&t, code);
}

/* ---- tail ---- */

static enum ward_code follow(struct audit_task *t, const Ward__Audit__V1__TailRequest *req,
                             int64_t left)
{
    struct ward_client_stream *s;
    enum ward_code code;

    WARD_TRY(ward_client_open_stream(t->client, AUDIT_PATH("Tail"), &t->with,
                                     &ward__audit__v1__tail_response__descriptor, &s, &t->err));
    code = ward_client_send(s, &req->base, &t->err);
    if (code == WARD_OK)
        code = ward_client_send_end(s, &t->err);
    while (code == WARD_OK && left > 0) {
        struct ward_arena mem;
        ProtobufCMessage *msg = NULL;
        const Ward__Audit__V1__TailResponse *resp;

        ward_arena_init(&mem, (size_t)16 << 20);
        code = ward_client_recv(s, &mem, &msg, &t->err);
        resp = (const Ward__Audit__V1__TailResponse *)msg;
        for (size_t i = 0; code == WARD_OK && msg != NULL && i < resp->n_records && left > 0;
             i++, left--) {
            struct cli_json j = {.to = stdout};

            audit_record_print(t->cli, &j, resp->records[i]);
        }
        fflush(stdout);
        ward_arena_done(&mem);
        if (msg == NULL)
            break;
    }
    ward_client_close_stream(s);
    return code;
}

static int tail(const struct cli *cli, int argc, char **argv)
{
    Ward__Audit__V1__TailRequest req = WARD__AUDIT__V1__TAIL_REQUEST__INIT;
    const char *from = NULL, *most = "9223372036854775807";
    const struct cli_opt opts[] = {
        {"--from", &from, NULL, "first index to print; by default, only new events"},
        {"--most", &most, NULL, "stop after this number of events"},
        {0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;
    int64_t first = 0, n;

    if (cli_options(opts, &argc, argv, 0, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if ((from != NULL && !ward_i64(from, 0, INT64_MAX, &first)) ||
        !ward_i64(most, 1, INT64_MAX, &n))
        return wrong(cli, "--from and --most must be numbers");
    req.from_end = from == NULL;
    req.from_index = (uint64_t)first;
    code = audit_begin(&t, cli, AUDITOR);
    if (code == WARD_OK)
        code = follow(&t, &req, n);
    return audit_end(&t, code);
}

/* ---- receipt ---- */

static void print_base64(struct cli_json *j, const char *key, const ProtobufCBinaryData *b,
                         struct ward_arena *mem)
{
    char *text = b == NULL ? NULL : ward_alloc(mem, WARD_BASE64_SIZE(b->len));

    if (text != NULL)
        ward_base64(b->data, b->len, text);
    cli_json_text(j, key, text);
}

static void print_proof(struct cli_json *j, const ProtobufCBinaryData *proof, size_t n,
                        struct ward_arena *mem)
{
    cli_json_open(j, "proof", '[');
    for (size_t i = 0; i < n; i++)
        print_base64(j, NULL, &proof[i], mem);
    cli_json_close(j, ']');
}

static void print_receipt(FILE *to, const Receipt *r, struct ward_arena *mem)
{
    struct cli_json j = {.to = to};

    cli_json_open(&j, NULL, '{');
    cli_json_int(&j, "ward_receipt", 1);
    cli_json_int(&j, "index", (int64_t)r->index);
    print_base64(&j, "leaf", &r->leaf, mem);
    print_base64(&j, "salt", r->content == NULL ? NULL : &r->content->salt, mem);
    print_base64(&j, "event", r->content == NULL ? NULL : &r->content->event, mem);
    cli_json_bool(&j, "erased", r->erased);
    print_proof(&j, r->proof, r->n_proof, mem);
    cli_json_text(&j, "checkpoint", r->checkpoint);
    cli_json_open(&j, "handovers", '[');
    for (size_t i = 0; i < r->n_handovers; i++)
        cli_json_text(&j, NULL, r->handovers[i]);
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
}

static enum ward_code fetch_receipt(struct audit_task *t, const char *id, const char *out)
{
    Ward__Audit__V1__GetReceiptRequest req = WARD__AUDIT__V1__GET_RECEIPT_REQUEST__INIT;
    const Ward__Audit__V1__GetReceiptResponse *resp;
    ProtobufCMessage *msg;
    FILE *f;

    req.event_id = given(id);
    WARD_TRY(audit_ask(t, AUDIT_PATH("GetReceipt"), &req.base,
                       &ward__audit__v1__get_receipt_response__descriptor, &msg));
    resp = (const Ward__Audit__V1__GetReceiptResponse *)msg;
    if (resp->receipt == NULL)
        return WARD_FAIL(&t->err, INTERNAL, "the answer contains no receipt");
    WARD_TRY(audit_out(out, &f, &t->err));
    print_receipt(f, resp->receipt, &t->mem);
    WARD_TRY(audit_out_end(f, out, &t->err));
    audit_out_say(t->cli, out, "receipt of entry", "index", resp->receipt->index);
    return WARD_OK;
}

static int receipt(const struct cli *cli, int argc, char **argv)
{
    const char *out = NULL;
    const struct cli_opt opts[] = {{"--out", &out, NULL, "output file"}, {0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;
    uint8_t id[16];

    if (cli_options(opts, &argc, argv, 1, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (argc != 2 || !ward_uuid_parse(argv[1], id))
        return wrong(cli, "EVENT-ID is needed; wardctl audit query prints the ids");
    code = audit_begin(&t, cli, AUDITOR);
    if (code == WARD_OK)
        code = fetch_receipt(&t, argv[1], out);
    return audit_end(&t, code);
}

/* ---- head ---- */

static enum ward_code keys_now(struct audit_task *t,
                               const Ward__Audit__V1__ListKeysResponse **out)
{
    Ward__Audit__V1__ListKeysRequest req = WARD__AUDIT__V1__LIST_KEYS_REQUEST__INIT;
    ProtobufCMessage *msg;

    WARD_TRY(audit_ask(t, AUDIT_PATH("ListKeys"), &req.base,
                       &ward__audit__v1__list_keys_response__descriptor, &msg));
    *out = (const Ward__Audit__V1__ListKeysResponse *)msg;
    return WARD_OK;
}

static enum ward_code head_size(const char *note, uint64_t *out, struct ward_err *err)
{
    struct ward_checkpoint cp;
    struct ward_note n;

    WARD_TRY(ward_note_parse(note, strlen(note), &n, err));
    WARD_TRY(ward_checkpoint_parse(&n, &cp, err));
    *out = cp.size;
    return WARD_OK;
}

/* The queried head. It is queried before the output file is opened, because that file may
 * contain the older head. */
struct news {
    const char *note;
    uint64_t size, old_size;
    const ProtobufCBinaryData *proof; /* proves that the log extends the head of old_size */
    size_t n_proof;
    const Ward__Audit__V1__ListKeysResponse *keys;
};

static enum ward_code prove_since(struct audit_task *t, const char *since, struct news *w)
{
    Ward__Audit__V1__GetConsistencyProofRequest req =
        WARD__AUDIT__V1__GET_CONSISTENCY_PROOF_REQUEST__INIT;
    const Ward__Audit__V1__GetConsistencyProofResponse *resp;
    struct file_head old;
    ProtobufCMessage *msg;
    char *text;
    size_t n;

    WARD_TRY(cli_read(since, FILE_LINE_MAX, &t->mem, &text, &n, &t->err));
    WARD_TRY(file_head_parse(text, &t->mem, &old, &t->err));
    WARD_TRY(head_size(old.checkpoint, &w->old_size, &t->err));
    if (w->old_size > w->size)
        return WARD_FAIL_REASON(
            &t->err, DATA_LOSS, "LOG_TAMPERED",
            "the log now has %llu entries and had %llu before: the end of the log is missing",
            (unsigned long long)w->size, (unsigned long long)w->old_size);
    if (w->old_size == 0)
        return WARD_OK;
    req.from = w->old_size;
    req.to = w->size;
    WARD_TRY(audit_ask(t, AUDIT_PATH("GetConsistencyProof"), &req.base,
                       &ward__audit__v1__get_consistency_proof_response__descriptor, &msg));
    resp = (const Ward__Audit__V1__GetConsistencyProofResponse *)msg;
    w->proof = resp->proof;
    w->n_proof = resp->n_proof;
    return WARD_OK;
}

static void print_head(FILE *f, const struct news *w, struct ward_arena *mem)
{
    struct cli_json j = {.to = f};

    cli_json_open(&j, NULL, '{');
    cli_json_int(&j, "ward_head", 1);
    cli_json_text(&j, "checkpoint", w->note);
    cli_json_int(&j, "old_size", (int64_t)w->old_size);
    print_proof(&j, w->proof, w->n_proof, mem);
    cli_json_open(&j, "handovers", '[');
    for (size_t i = 0; i < w->keys->n_keys; i++)
        if (*w->keys->keys[i]->handover != '\0')
            cli_json_text(&j, NULL, w->keys->keys[i]->handover);
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
}

static enum ward_code fetch_head(struct audit_task *t, const char *since, const char *out)
{
    Ward__Audit__V1__GetCheckpointRequest req = WARD__AUDIT__V1__GET_CHECKPOINT_REQUEST__INIT;
    ProtobufCMessage *msg;
    struct news w = {0};
    FILE *f;

    WARD_TRY(audit_ask(t, AUDIT_PATH("GetCheckpoint"), &req.base,
                       &ward__audit__v1__get_checkpoint_response__descriptor, &msg));
    w.note = ((const Ward__Audit__V1__GetCheckpointResponse *)msg)->checkpoint;
    WARD_TRY(head_size(w.note, &w.size, &t->err));
    if (since != NULL)
        WARD_TRY(prove_since(t, since, &w));
    WARD_TRY(keys_now(t, &w.keys));
    WARD_TRY(audit_out(out, &f, &t->err));
    if (since != NULL || (f == stdout && t->cli->json))
        print_head(f, &w, &t->mem);
    else
        fputs(w.note, f);
    WARD_TRY(audit_out_end(f, out, &t->err));
    audit_out_say(t->cli, out, "head of size", "size", w.size);
    return WARD_OK;
}

static int head(const struct cli *cli, int argc, char **argv)
{
    const char *out = NULL, *since = NULL;
    const struct cli_opt opts[] = {{"--out", &out, NULL, "output file"},
                                   {"--since", &since, NULL, "an older head to compare with"},
                                   {0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;

    if (cli_options(opts, &argc, argv, 0, &err) != WARD_OK)
        return cli_usage(cli, &err);
    code = audit_begin(&t, cli, NULL);
    if (code == WARD_OK)
        code = fetch_head(&t, since, out);
    return audit_end(&t, code);
}

/* ---- keys ---- */

static enum ward_code list_keys(struct audit_task *t)
{
    const Ward__Audit__V1__ListKeysResponse *resp;
    struct cli_json j = {.to = stdout};

    WARD_TRY(keys_now(t, &resp));
    if (t->cli->json)
        cli_json_open(&j, NULL, '[');
    for (size_t i = 0; i < resp->n_keys; i++) {
        const SigningKey *k = resp->keys[i];

        if (!t->cli->json) {
            printf("%s\n", k->vkey);
            continue;
        }
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "vkey", k->vkey);
        cli_json_int(&j, "first_size", (int64_t)k->first_size);
        cli_json_int(&j, "last_size", (int64_t)k->last_size);
        cli_json_close(&j, '}');
    }
    if (t->cli->json)
        cli_json_close(&j, ']');
    return WARD_OK;
}

static int keys(const struct cli *cli, int argc, char **argv)
{
    const struct cli_opt none[] = {{0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;

    if (cli_options(none, &argc, argv, 0, &err) != WARD_OK)
        return cli_usage(cli, &err);
    code = audit_begin(&t, cli, NULL);
    if (code == WARD_OK)
        code = list_keys(&t);
    return audit_end(&t, code);
}

const struct cli_command cli_audit_commands[] = {
    {"audit query", "[--patient ID] [--actor ID] [--action A] [--outcome O] [--most N]",
     "list events with actor and action, newest first; the query itself is audited", query},
    {"audit tail", "[--from INDEX] [--most N]", "print the log as it grows", tail},
    {"audit receipt", "EVENT-ID [--out FILE]",
     "write the receipt of one event, as an offline proof of the event", receipt},
    {"audit head", "[--since FILE] [--out FILE]",
     "print the newest signed head; with --since, also print a proof that it extends an older "
     "head",
     head},
    {"audit keys", "",
     "list the public keys of the log, oldest first; store the first key safely", keys},
    {0},
};
