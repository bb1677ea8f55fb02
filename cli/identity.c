/* wardctl identity - enrol, verify, look up, withdraw, erase. */
#include "cli/cli.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "ward/identity/v1/identity.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEM_CAP    ((size_t)24 << 20)
#define MOST_PHOTO ((size_t)8 << 20)
#define PATH(m)    "/ward.identity.v1.Identity/" m

typedef Ward__Identity__V1__EnrolRequest EnrolRequest;
typedef Ward__Identity__V1__EnrolResponse EnrolResponse;
typedef Ward__Identity__V1__VerifyRequest VerifyRequest;
typedef Ward__Identity__V1__VerifyResponse VerifyResponse;
typedef Ward__Identity__V1__GetSubjectRequest GetSubjectRequest;
typedef Ward__Identity__V1__GetSubjectResponse GetSubjectResponse;
typedef Ward__Identity__V1__WithdrawConsentRequest WithdrawRequest;
typedef Ward__Identity__V1__WithdrawConsentResponse WithdrawResponse;
typedef Ward__Identity__V1__EraseSubjectRequest EraseRequest;
typedef Ward__Identity__V1__EraseSubjectResponse EraseResponse;
typedef Ward__Identity__V1__Quality Quality;

/* One command: its options, its memory, its failure. */
struct task {
    const struct cli *cli;
    struct ward_arena mem;
    struct ward_err err;
    bool called;      /* the command line was in order */
    const char *word; /* what is not an option; NULL for none */
    const char *photo, *consent, *text, *ref, *kind, *key, *place, *device, *purpose, *max_fmr;
};

static char *given(const char *s)
{
    return (char *)(uintptr_t)s; /* protobuf-c has no const; requests are only read */
}

static enum ward_code call(struct task *t, const char *path, const char *const *roles,
                           const ProtobufCMessage *req,
                           const ProtobufCMessageDescriptor *resp_type, ProtobufCMessage **resp)
{
    struct ward_client *client;
    char *token;
    enum ward_code code;

    t->called = true;
    WARD_TRY(cli_connect(t->cli, "identity", &client, &t->err));
    code = cli_bearer(t->cli, roles, "TREAT", &t->mem, &token, &t->err);
    if (code == WARD_OK)
        code = ward_client_call(client, path, &(struct ward_out){.token = token}, req,
                                resp_type, resp, &t->mem, &t->err);
    ward_client_close(client);
    return code;
}

static enum ward_code photograph(struct task *t, ProtobufCBinaryData *out)
{
    char *bytes;

    if (t->photo == NULL)
        return WARD_FAIL(&t->err, INVALID_ARGUMENT, "--photo FILE is needed");
    WARD_TRY(cli_read(t->photo, MOST_PHOTO, &t->mem, &bytes, &out->len, &t->err));
    out->data = (uint8_t *)bytes;
    return WARD_OK;
}

static void print_quality(struct cli_json *j, const Quality *q)
{
    if (q == NULL)
        return;
    cli_json_open(j, "quality", '{');
    cli_json_int(j, "faces", q->faces);
    cli_json_num(j, "detection_score", q->detection_score);
    cli_json_num(j, "eye_distance_px", q->eye_distance_px);
    cli_json_int(j, "width_px", q->width_px);
    cli_json_int(j, "height_px", q->height_px);
    cli_json_close(j, '}');
}

/* ---- enrol ---- */

static enum ward_code fill_enrol(struct task *t, EnrolRequest *req,
                                 Ward__Identity__V1__Consent *consent)
{
    static char uuid[37];
    uint8_t id[16];

    ward_uuid7(id);
    ward_uuid_text(id, uuid);
    if (t->consent == NULL)
        return WARD_FAIL(&t->err, INVALID_ARGUMENT,
                         "--consent WHO is needed: \"self\", or who agreed for them");
    if (strcmp(t->kind, "patient") != 0 && strcmp(t->kind, "staff") != 0)
        return WARD_FAIL(&t->err, INVALID_ARGUMENT, "--kind is patient or staff");
    req->kind = strcmp(t->kind, "staff") == 0
                    ? WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF
                    : WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_PATIENT;
    consent->purpose = given("patient-identification");
    consent->text_version = given(t->text);
    consent->given_by = given(t->consent);
    req->consent = consent;
    req->external_ref = given(t->ref);
    req->idempotency_key = t->key == NULL ? uuid : given(t->key);
    return photograph(t, &req->photograph);
}

static enum ward_code enrol(struct task *t)
{
    static const char *const roles[] = {"registrar", NULL};
    EnrolRequest req = WARD__IDENTITY__V1__ENROL_REQUEST__INIT;
    Ward__Identity__V1__Consent consent = WARD__IDENTITY__V1__CONSENT__INIT;
    struct cli_json j = {.to = stdout};
    ProtobufCMessage *msg;
    const EnrolResponse *resp;

    WARD_TRY(fill_enrol(t, &req, &consent));
    WARD_TRY(call(t, PATH("Enrol"), roles, &req.base,
                  &ward__identity__v1__enrol_response__descriptor, &msg));
    resp = (const EnrolResponse *)msg;
    if (!t->cli->json) {
        printf("subject    %s\n", resp->subject_id);
        if (resp->quality != NULL)
            printf("photograph eyes %.1f px apart, detector %.2f\n",
                   resp->quality->eye_distance_px, resp->quality->detection_score);
        printf("event      %s\n", resp->event_id);
        return WARD_OK;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "subject_id", resp->subject_id);
    cli_json_text(&j, "template_id", resp->template_id);
    cli_json_text(&j, "model_sha256", resp->model_sha256);
    print_quality(&j, resp->quality);
    cli_json_text(&j, "event_id", resp->event_id);
    cli_json_close(&j, '}');
    return WARD_OK;
}

/* ---- verify ---- */

static const char *outcome_name(int outcome)
{
    switch (outcome) {
    case WARD__IDENTITY__V1__OUTCOME__OUTCOME_MATCH:
        return "MATCH";
    case WARD__IDENTITY__V1__OUTCOME__OUTCOME_NO_MATCH:
        return "NO_MATCH";
    case WARD__IDENTITY__V1__OUTCOME__OUTCOME_UNUSABLE:
        return "UNUSABLE";
    default:
        return "UNSPECIFIED";
    }
}

static void print_verify_json(const VerifyResponse *resp)
{
    struct cli_json j = {.to = stdout};

    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "outcome", outcome_name((int)resp->outcome));
    cli_json_num(&j, "score", resp->score);
    cli_json_num(&j, "threshold", resp->threshold);
    cli_json_num(&j, "fmr", resp->fmr);
    cli_json_text(&j, "threshold_source", resp->threshold_source);
    cli_json_text(&j, "model_sha256", resp->model_sha256);
    cli_json_open(&j, "reasons", '[');
    for (size_t i = 0; i < resp->n_reasons; i++) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "reason", resp->reasons[i]->reason);
        cli_json_text(&j, "text", resp->reasons[i]->text);
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    print_quality(&j, resp->quality);
    cli_json_text(&j, "token", *resp->token == '\0' ? NULL : resp->token);
    cli_json_int(&j, "token_lifetime_s", resp->token_lifetime_s);
    cli_json_text(&j, "event_id", resp->event_id);
    cli_json_close(&j, '}');
}

static void print_verify(const struct cli *cli, const VerifyResponse *resp)
{
    bool match = resp->outcome == WARD__IDENTITY__V1__OUTCOME__OUTCOME_MATCH;

    printf("%s%s%s", cli_paint(cli, match ? CLI_GOOD : CLI_BAD),
           outcome_name((int)resp->outcome), cli_paint(cli, CLI_PLAIN));
    if (resp->n_reasons == 0)
        printf("  score %.3f, threshold %.3f (one false match in %.0f)", resp->score,
               resp->threshold, resp->fmr > 0 ? 1 / resp->fmr : 0);
    printf("\n");
    for (size_t i = 0; i < resp->n_reasons; i++)
        printf("  %s: %s\n", resp->reasons[i]->reason, resp->reasons[i]->text);
    if (*resp->token != '\0')
        printf("token  %s\n  good once, for %d s\n", resp->token, resp->token_lifetime_s);
    printf("event  %s\n", resp->event_id);
}

static enum ward_code verify(struct task *t)
{
    static const char *const roles[] = {"nurse", NULL};
    VerifyRequest req = WARD__IDENTITY__V1__VERIFY_REQUEST__INIT;
    ProtobufCMessage *msg;

    if (t->word == NULL || t->place == NULL)
        return WARD_FAIL(&t->err, INVALID_ARGUMENT, "SUBJECT and --place BED are needed");
    if (t->max_fmr != NULL && !ward_f64(t->max_fmr, &req.max_fmr))
        return WARD_FAIL(&t->err, INVALID_ARGUMENT, "--max-fmr is a number, 1e-6 to 1e-3");
    req.subject_id = given(t->word);
    req.place = given(t->place);
    req.device = given(t->device);
    req.purpose = given(t->purpose);
    WARD_TRY(photograph(t, &req.photograph));
    WARD_TRY(call(t, PATH("Verify"), roles, &req.base,
                  &ward__identity__v1__verify_response__descriptor, &msg));
    if (t->cli->json)
        print_verify_json((const VerifyResponse *)msg);
    else
        print_verify(t->cli, (const VerifyResponse *)msg);
    return WARD_OK;
}

/* ---- subject, withdraw, erase ---- */

static void print_subject_json(const GetSubjectResponse *s)
{
    struct cli_json j = {.to = stdout};

    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "subject_id", s->subject_id);
    cli_json_text(&j, "kind",
                  s->kind == WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF ? "staff"
                                                                                  : "patient");
    cli_json_text(&j, "external_ref", s->external_ref);
    cli_json_int(&j, "enrolled_at_us", s->enrolled_at_us);
    cli_json_int(&j, "withdrawn_at_us", s->withdrawn_at_us);
    cli_json_open(&j, "templates", '[');
    for (size_t i = 0; i < s->n_templates; i++) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "template_id", s->templates[i]->template_id);
        cli_json_text(&j, "model_sha256", s->templates[i]->model_sha256);
        cli_json_num(&j, "eye_distance_px", s->templates[i]->eye_distance_px);
        cli_json_int(&j, "created_at_us", s->templates[i]->created_at_us);
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
}

static void print_subject(const GetSubjectResponse *s)
{
    char at[28];

    ward_rfc3339(s->enrolled_at_us, at);
    printf("subject    %s\n", s->subject_id);
    printf("kind       %s\n", s->kind == WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF
                                  ? "staff"
                                  : "patient");
    printf("enrolled   %s\n", at);
    if (s->withdrawn_at_us != 0) {
        ward_rfc3339(s->withdrawn_at_us, at);
        printf("withdrawn  %s\n", at);
    }
    printf("templates  %zu\n", s->n_templates);
}

static enum ward_code subject(struct task *t)
{
    static const char *const roles[] = {"registrar", NULL};
    GetSubjectRequest req = WARD__IDENTITY__V1__GET_SUBJECT_REQUEST__INIT;
    ProtobufCMessage *msg;

    if (t->word == NULL)
        return WARD_FAIL(&t->err, INVALID_ARGUMENT, "which SUBJECT?");
    req.subject_id = given(t->word);
    WARD_TRY(call(t, PATH("GetSubject"), roles, &req.base,
                  &ward__identity__v1__get_subject_response__descriptor, &msg));
    if (t->cli->json)
        print_subject_json((const GetSubjectResponse *)msg);
    else
        print_subject((const GetSubjectResponse *)msg);
    return WARD_OK;
}

static void print_done(struct task *t, const char *key, const char *word, int64_t at_us)
{
    struct cli_json j = {.to = stdout};
    char at[28];

    ward_rfc3339(at_us, at);
    if (!t->cli->json) {
        printf("%s %s\n", word, at);
        return;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "subject_id", t->word);
    cli_json_int(&j, key, at_us);
    cli_json_close(&j, '}');
}

static enum ward_code withdraw(struct task *t)
{
    static const char *const roles[] = {"registrar", NULL};
    WithdrawRequest req = WARD__IDENTITY__V1__WITHDRAW_CONSENT_REQUEST__INIT;
    ProtobufCMessage *msg;

    if (t->word == NULL)
        return WARD_FAIL(&t->err, INVALID_ARGUMENT, "which SUBJECT?");
    req.subject_id = given(t->word);
    WARD_TRY(call(t, PATH("WithdrawConsent"), roles, &req.base,
                  &ward__identity__v1__withdraw_consent_response__descriptor, &msg));
    print_done(t, "withdrawn_at_us", "consent withdrawn, template destroyed",
               ((const WithdrawResponse *)msg)->withdrawn_at_us);
    return WARD_OK;
}

static enum ward_code erase(struct task *t)
{
    static const char *const roles[] = {"privacy-officer", NULL};
    EraseRequest req = WARD__IDENTITY__V1__ERASE_SUBJECT_REQUEST__INIT;
    ProtobufCMessage *msg;

    if (t->word == NULL)
        return WARD_FAIL(&t->err, INVALID_ARGUMENT, "which SUBJECT?");
    req.subject_id = given(t->word);
    WARD_TRY(call(t, PATH("EraseSubject"), roles, &req.base,
                  &ward__identity__v1__erase_subject_response__descriptor, &msg));
    print_done(t, "erased_at_us", "erased", ((const EraseResponse *)msg)->erased_at_us);
    return WARD_OK;
}

/* ---- the commands ---- */

static int run(const struct cli *cli, int argc, char **argv,
               enum ward_code (*fn)(struct task *t))
{
    struct task t = {.cli = cli,
                     .text = "2026-11-en",
                     .ref = "",
                     .kind = "patient",
                     .device = "",
                     .purpose = "administration"};
    const struct cli_opt opts[] = {
        {"--photo", &t.photo, NULL, "JPEG or PNG"},
        {"--consent", &t.consent, NULL, "who agreed"},
        {"--consent-text", &t.text, NULL, "which text"},
        {"--ref", &t.ref, NULL, "the caller's own name"},
        {"--kind", &t.kind, NULL, "patient or staff"},
        {"--key", &t.key, NULL, "idempotency key"},
        {"--place", &t.place, NULL, "bed, door or room"},
        {"--device", &t.device, NULL, "which camera"},
        {"--purpose", &t.purpose, NULL, "what the token is for"},
        {"--max-fmr", &t.max_fmr, NULL, "false-match rate"},
        {0},
    };
    enum ward_code code = cli_options(opts, &argc, argv, 1, &t.err);
    int status;

    if (code != WARD_OK)
        return cli_usage(cli, &t.err);
    t.word = argc > 1 ? argv[1] : NULL;
    ward_arena_init(&t.mem, MEM_CAP);
    code = fn(&t);
    if (code == WARD_INVALID_ARGUMENT && !t.called)
        status = cli_usage(cli, &t.err);
    else
        status = code == WARD_OK ? 0 : cli_fail(cli, &t.err);
    ward_arena_done(&t.mem);
    return status;
}

static int enrol_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, enrol);
}

static int verify_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, verify);
}

static int subject_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, subject);
}

static int withdraw_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, withdraw);
}

static int erase_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, erase);
}

const struct cli_command cli_identity_commands[] = {
    {"identity enrol",
     "--photo FILE --consent WHO [--kind patient|staff] [--ref NAME] [--key KEY]",
     "make a subject from one photograph and a consent", enrol_command},
    {"identity verify", "SUBJECT --photo FILE --place BED [--purpose FOR] [--max-fmr RATE]",
     "is this photograph of this subject? A match prints a token", verify_command},
    {"identity subject", "SUBJECT", "what is known of a subject", subject_command},
    {"identity withdraw", "SUBJECT", "consent is withdrawn: destroy the face template",
     withdraw_command},
    {"identity erase", "SUBJECT", "destroy all that is kept of a subject", erase_command},
    {0},
};
