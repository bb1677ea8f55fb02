/* wardctl audit - commands that export the log, rotate its key and erase content. */
#include "cli/audit/audit_call.h"

#include <string.h>

typedef Ward__Audit__V1__ExportResponse ExportResponse;

static void print_header(FILE *f, const ExportResponse *h)
{
    struct cli_json j = {.to = f};

    cli_json_open(&j, NULL, '{');
    cli_json_int(&j, "ward_export", 1);
    cli_json_int(&j, "size", (int64_t)h->size);
    cli_json_text(&j, "checkpoint", h->checkpoint);
    cli_json_open(&j, "keys", '[');
    for (size_t i = 0; i < h->n_keys; i++) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "vkey", h->keys[i]->vkey);
        cli_json_text(&j, "handover", h->keys[i]->handover);
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
}

static void print_entry(FILE *f, const Ward__Audit__V1__Entry *e)
{
    struct file_entry out = {.index = e->index, .erased = e->erased};

    out.leaf = (struct file_bytes){e->leaf.data == NULL ? (const uint8_t *)"" : e->leaf.data,
                                   e->leaf.len};
    if (e->content != NULL) {
        out.salt = (struct file_bytes){e->content->salt.data, e->content->salt.len};
        out.event = (struct file_bytes){e->content->event.data, e->content->event.len};
    }
    file_entry_print(f, &out);
}

static enum ward_code receive(struct audit_task *t, struct ward_client_stream *s, FILE *f,
                              uint64_t *done)
{
    uint64_t size = 0;

    for (;;) {
        struct ward_arena mem;
        ProtobufCMessage *msg = NULL;
        const ExportResponse *resp;
        enum ward_code code;

        ward_arena_init(&mem, (size_t)64 << 20);
        code = ward_client_recv(s, &mem, &msg, &t->err);
        resp = (const ExportResponse *)msg;
        if (code == WARD_OK && msg != NULL && *resp->checkpoint != '\0') {
            size = resp->size;
            print_header(f, resp);
        }
        for (size_t i = 0; code == WARD_OK && msg != NULL && i < resp->n_entries; i++)
            print_entry(f, resp->entries[i]);
        if (code == WARD_OK && msg != NULL)
            *done += resp->n_entries;
        ward_arena_done(&mem);
        if (code != WARD_OK || msg == NULL)
            return code;
        cli_progress(t->cli, "exporting entries", (int64_t)*done, (int64_t)size);
    }
}

static enum ward_code export_to(struct audit_task *t, bool leaves_only, const char *out)
{
    Ward__Audit__V1__ExportRequest req = WARD__AUDIT__V1__EXPORT_REQUEST__INIT;
    struct ward_client_stream *s;
    uint64_t done = 0;
    enum ward_code code;
    FILE *f;

    req.leaves_only = leaves_only;
    WARD_TRY(ward_client_open_stream(t->client, AUDIT_PATH("Export"), &t->with,
                                     &ward__audit__v1__export_response__descriptor, &s,
                                     &t->err));
    code = audit_out(out, &f, &t->err);
    if (code != WARD_OK) {
        ward_client_close_stream(s);
        return code;
    }
    code = ward_client_send(s, &req.base, &t->err);
    if (code == WARD_OK)
        code = ward_client_send_end(s, &t->err);
    if (code == WARD_OK)
        code = receive(t, s, f, &done);
    ward_client_close_stream(s);
    cli_progress_end(t->cli);
    WARD_TRY(audit_out_end(f, out, code == WARD_OK ? &t->err : NULL));
    if (code == WARD_OK)
        audit_out_say(t->cli, out, "entries:", "entries", done);
    return code;
}

static int export_log(const struct cli *cli, int argc, char **argv)
{
    static const char *const roles[] = {"auditor", NULL};
    bool leaves_only = false;
    const struct cli_opt opts[] = {{"--leaves-only", NULL, &leaves_only, "without content"},
                                   {0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;

    if (cli_options(opts, &argc, argv, 1, &err) != WARD_OK)
        return cli_usage(cli, &err);
    code = audit_begin(&t, cli, roles);
    if (code == WARD_OK)
        code = export_to(&t, leaves_only, argc == 2 ? argv[1] : NULL);
    return audit_end(&t, code);
}

/* ---- rotate-key ---- */

static enum ward_code rotate(struct audit_task *t)
{
    Ward__Audit__V1__ListKeysRequest list = WARD__AUDIT__V1__LIST_KEYS_REQUEST__INIT;
    Ward__Audit__V1__RotateKeyRequest req = WARD__AUDIT__V1__ROTATE_KEY_REQUEST__INIT;
    const Ward__Audit__V1__ListKeysResponse *keys;
    const Ward__Audit__V1__RotateKeyResponse *resp;
    struct cli_json j = {.to = stdout};
    ProtobufCMessage *msg;

    WARD_TRY(audit_ask(t, AUDIT_PATH("ListKeys"), &list.base,
                       &ward__audit__v1__list_keys_response__descriptor, &msg));
    keys = (const Ward__Audit__V1__ListKeysResponse *)msg;
    if (keys->n_keys == 0)
        return WARD_FAIL(&t->err, INTERNAL, "the log has no key");
    req.current_vkey = keys->keys[keys->n_keys - 1]->vkey;
    WARD_TRY(audit_ask(t, AUDIT_PATH("RotateKey"), &req.base,
                       &ward__audit__v1__rotate_key_response__descriptor, &msg));
    resp = (const Ward__Audit__V1__RotateKeyResponse *)msg;
    if (resp->key == NULL)
        return WARD_FAIL(&t->err, INTERNAL, "the answer contains no key");
    if (!t->cli->json) {
        printf("%s\n", resp->key->vkey);
        return WARD_OK;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "vkey", resp->key->vkey);
    cli_json_int(&j, "first_size", (int64_t)resp->key->first_size);
    cli_json_close(&j, '}');
    return WARD_OK;
}

static int rotate_key(const struct cli *cli, int argc, char **argv)
{
    static const char *const roles[] = {"audit-admin", NULL};
    const struct cli_opt none[] = {{0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;

    if (cli_options(none, &argc, argv, 0, &err) != WARD_OK)
        return cli_usage(cli, &err);
    code = audit_begin(&t, cli, roles);
    if (code == WARD_OK)
        code = rotate(&t);
    return audit_end(&t, code);
}

/* ---- erase ---- */

static bool ground_of(const char *name, Ward__Audit__V1__ErasureGround *out)
{
    static const struct {
        const char *name;
        Ward__Audit__V1__ErasureGround value;
    } grounds[] = {
        {"retention-over", WARD__AUDIT__V1__ERASURE_GROUND__ERASURE_GROUND_RETENTION_OVER},
        {"patient-request", WARD__AUDIT__V1__ERASURE_GROUND__ERASURE_GROUND_PATIENT_REQUEST},
        {"order", WARD__AUDIT__V1__ERASURE_GROUND__ERASURE_GROUND_ORDER}};

    for (size_t i = 0; name != NULL && i < WARD_COUNT(grounds); i++) {
        if (strcmp(name, grounds[i].name) != 0)
            continue;
        *out = grounds[i].value;
        return true;
    }
    return false;
}

static enum ward_code erase_patient(struct audit_task *t,
                                    const Ward__Audit__V1__EraseContentRequest *req)
{
    const Ward__Audit__V1__EraseContentResponse *resp;
    struct cli_json j = {.to = stdout};
    ProtobufCMessage *msg;

    WARD_TRY(audit_ask(t, AUDIT_PATH("EraseContent"), &req->base,
                       &ward__audit__v1__erase_content_response__descriptor, &msg));
    resp = (const Ward__Audit__V1__EraseContentResponse *)msg;
    if (!t->cli->json) {
        printf("erased the content of %llu events\n", (unsigned long long)resp->erased);
        return WARD_OK;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_int(&j, "erased", (int64_t)resp->erased);
    cli_json_close(&j, '}');
    return WARD_OK;
}

static int erase(const struct cli *cli, int argc, char **argv)
{
    static const char *const roles[] = {"privacy-officer", NULL};
    Ward__Audit__V1__EraseContentRequest req = WARD__AUDIT__V1__ERASE_CONTENT_REQUEST__INIT;
    const char *ground = NULL, *reference = NULL;
    const struct cli_opt opts[] = {
        {"--ground", &ground, NULL, "retention-over, patient-request or order"},
        {"--case", &reference, NULL, "reference of the decision in your files"},
        {0}};
    struct audit_task t;
    struct ward_err err = {0};
    enum ward_code code;

    if (cli_options(opts, &argc, argv, 1, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (argc != 2 || reference == NULL || !ground_of(ground, &req.ground)) {
        (void)WARD_FAIL(&err, INVALID_ARGUMENT,
                        "PATIENT, --ground (retention-over, patient-request or order) and "
                        "--case are needed");
        return cli_usage(cli, &err);
    }
    req.patient = argv[1];
    req.case_reference = (char *)(uintptr_t)reference;
    code = audit_begin(&t, cli, roles);
    if (code == WARD_OK)
        code = erase_patient(&t, &req);
    return audit_end(&t, code);
}

const struct cli_command cli_audit_export_commands[] = {
    {"audit export", "[--leaves-only] [FILE]",
     "write the whole log to FILE, for offline verification", export_log},
    {"audit rotate-key", "", "rotate the signing key; the new key signs the next head",
     rotate_key},
    {"audit erase", "PATIENT --ground G --case REF",
     "destroy the content of a patient's events; proofs remain valid", erase},
    {0},
};
