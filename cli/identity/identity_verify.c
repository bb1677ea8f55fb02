/* wardctl identity - commands for verification and tokens: verify, verify-wristband, spend,
 * keys. */
#include "cli/identity/identity_call.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__VerifyRequest VerifyRequest;
typedef Ward__Identity__V1__VerifyResponse VerifyResponse;
typedef Ward__Identity__V1__VerifyWristbandRequest WristbandRequest;
typedef Ward__Identity__V1__VerifyWristbandResponse WristbandResponse;
typedef Ward__Identity__V1__SpendTokenRequest SpendRequest;
typedef Ward__Identity__V1__SpendTokenResponse SpendResponse;
typedef Ward__Identity__V1__GetTokenKeysRequest KeysRequest;
typedef Ward__Identity__V1__GetTokenKeysResponse KeysResponse;

#define MATCH      WARD__IDENTITY__V1__OUTCOME__OUTCOME_MATCH
#define TOKEN_MOST 4096

static const char *const NURSE[] = {"nurse", NULL};

static void print_outcome(const struct cli *cli, Ward__Identity__V1__Outcome outcome)
{
    printf("%s%s%s", cli_paint(cli, outcome == MATCH ? CLI_GOOD : CLI_BAD),
           message_enum(&ward__identity__v1__outcome__descriptor, (int)outcome),
           cli_paint(cli, CLI_PLAIN));
}

/* ---- verify ---- */

static void print_verify(const struct cli *cli, const VerifyResponse *resp)
{
    print_outcome(cli, resp->outcome);
    if (resp->n_reasons == 0)
        printf("  score at least %.3f, threshold %.3f", resp->score, resp->threshold);
    if (resp->n_reasons == 0 && resp->fmr > 0)
        printf(" (one false match in %.0f)", 1 / resp->fmr);
    id_print_age(resp->age_unknown);
    printf("\n");
    id_print_reasons(resp->reasons, resp->n_reasons);
    id_print_liveness(resp->liveness);
    id_print_device(resp->device, resp->degraded);
    id_print_token(resp->token, resp->token_lifetime_s);
    printf("event  %s\n", resp->event_id);
}

static enum ward_code verify(struct task *t, int argc, char **argv)
{
    VerifyRequest req = WARD__IDENTITY__V1__VERIFY_REQUEST__INIT;
    const char *photo = NULL, *place = NULL, *device = NULL, *purpose = "administration",
               *max_fmr = "0";
    bool attended = false, largest = false;
    const struct cli_opt opts[] = {
        {"--photo", &photo, NULL, "JPEG or PNG"},
        {"--place", &place, NULL, "bed, door or room"},
        {"--device", &device, NULL, "name of the camera"},
        {"--purpose", &purpose, NULL, "purpose of the token"},
        {"--max-fmr", &max_fmr, NULL, "false-match rate"},
        {"--attended", NULL, &attended,
         "confirm that you see the person in front of the camera"},
        {"--largest", NULL, &largest, "use the largest of several faces"},
        {0},
    };
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2 || place == NULL)
        return task_wrong(t, "SUBJECT and --place BED are needed");
    if (!ward_f64(max_fmr, &req.max_fmr))
        return task_wrong(t, "--max-fmr must be from 1e-6 to 1e-3");
    req.subject_id = argv[1];
    req.place = task_text(place);
    req.device = task_text(device);
    req.purpose = task_text(purpose);
    req.attended = attended;
    req.largest_only = largest;
    WARD_TRY(id_photo(t, photo, &req.photograph));
    WARD_TRY(task_ask(t, IDENTITY_PATH("Verify"), NURSE, &req.base,
                      &ward__identity__v1__verify_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_verify(t->cli, (const VerifyResponse *)msg);
    return WARD_OK;
}

/* ---- verify-wristband ---- */

static enum ward_code read_token(struct task *t, const char *path, char **out)
{
    size_t n;

    WARD_TRY(cli_read(path, TOKEN_MOST, &t->mem, out, &n, &t->err));
    (*out)[strcspn(*out, "\r\n")] = '\0';
    return WARD_OK;
}

static enum ward_code verify_wristband(struct task *t, int argc, char **argv)
{
    WristbandRequest req = WARD__IDENTITY__V1__VERIFY_WRISTBAND_REQUEST__INIT;
    Ward__Identity__V1__SecondIdentifier second = WARD__IDENTITY__V1__SECOND_IDENTIFIER__INIT;
    const char *wristband = NULL, *said = NULL, *place = NULL, *device = NULL,
               *purpose = "administration", *witness = NULL;
    const struct cli_opt opts[] = {
        {"--wristband", &wristband, NULL, "text of the barcode"},
        {"--second", &said, NULL, "TYPE=VALUE"},
        {"--place", &place, NULL, "bed, door or room"},
        {"--device", &device, NULL, "name of the scanner"},
        {"--purpose", &purpose, NULL, "purpose of the token"},
        {"--witness", &witness, NULL, "file with the bearer token of a second person"},
        {0},
    };
    const WristbandResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2 || wristband == NULL || place == NULL)
        return task_wrong(
            t, "SUBJECT, --wristband CODE, --second TYPE=VALUE and --place BED are needed");
    WARD_TRY(id_second(t, said, &second));
    WARD_TRY(task_secret(t, wristband, &wristband));
    if (witness != NULL)
        WARD_TRY(read_token(t, witness, &req.witness_token));
    req.subject_id = argv[1];
    req.wristband = task_text(wristband);
    req.second = &second;
    req.place = task_text(place);
    req.device = task_text(device);
    req.purpose = task_text(purpose);
    WARD_TRY(task_ask(t, IDENTITY_PATH("VerifyWristband"), NURSE, &req.base,
                      &ward__identity__v1__verify_wristband_response__descriptor, &msg));
    resp = (const WristbandResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    print_outcome(t->cli, resp->outcome);
    printf("%s%s\n", resp->outcome == MATCH ? "  by " : "", resp->method);
    id_print_token(resp->token, resp->token_lifetime_s);
    printf("event  %s\n", resp->event_id);
    return WARD_OK;
}

/* ---- spend ---- */

static void print_spent(struct task *t, const SpendResponse *r)
{
    printf("spent      %s\n", r->token_id);
    printf("subject    %s\n", r->subject_id);
    printf("place      %s\n", r->place);
    printf("purpose    %s\n", r->purpose);
    printf("method     %s", r->method);
    if (r->score != 0)
        printf(", score at least %.3f", r->score);
    printf("\nby         %s%s%s\n", task_shown(t, r->actor),
           *r->witness == '\0' ? "" : ", with ", task_shown(t, r->witness));
    task_print_time("issued", r->issued_at_us);
    task_print_time("taken", r->spent_at_us);
    printf("event      %s\n", r->event_id);
}

static enum ward_code spend(struct task *t, int argc, char **argv)
{
    SpendRequest req = WARD__IDENTITY__V1__SPEND_TOKEN_REQUEST__INIT;
    const char *subject = NULL, *place = NULL, *purpose = "administration", *key = NULL, *token;
    const struct cli_opt opts[] = {
        {"--subject", &subject, NULL, "subject that the token must name"},
        {"--place", &place, NULL, "place that the token must name"},
        {"--purpose", &purpose, NULL, "purpose that the token must name"},
        {"--key", &key, NULL, "idempotency key"},
        {0},
    };
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2 || subject == NULL)
        return task_wrong(t, "TOKEN (or \"-\" to read a line of standard input) and --subject "
                             "SUBJECT are needed");
    WARD_TRY(task_secret(t, argv[1], &token));
    WARD_TRY(task_key(t, key, &req.idempotency_key));
    req.token = task_text(token);
    req.subject_id = task_text(subject);
    req.place = task_text(place);
    req.purpose = task_text(purpose);
    WARD_TRY(task_ask(t, IDENTITY_PATH("SpendToken"), NURSE, &req.base,
                      &ward__identity__v1__spend_token_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_spent(t, (const SpendResponse *)msg);
    return WARD_OK;
}

/* ---- keys ---- */

static enum ward_code keys(struct task *t, int argc, char **argv)
{
    KeysRequest req = WARD__IDENTITY__V1__GET_TOKEN_KEYS_REQUEST__INIT;
    const struct cli_opt none[] = {{0}};
    const KeysResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(none, &argc, argv, 0, &t->err));
    WARD_TRY(task_ask(t, IDENTITY_PATH("GetTokenKeys"), NULL, &req.base,
                      &ward__identity__v1__get_token_keys_response__descriptor, &msg));
    resp = (const KeysResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    for (size_t i = 0; i < resp->n_keys; i++) {
        const Ward__Identity__V1__TokenKey *k = resp->keys[i];
        char text[WARD_BASE64_SIZE(32)] = "";

        if (k->public_key.len == 32)
            ward_base64(k->public_key.data, 32, text);
        printf("key        %s  %s\n", k->kid, text);
        task_print_time("  signs", k->signs_from_us);
        task_print_time("  until", k->checks_until_us);
    }
    printf("fetch the keys again after %d s\n", resp->max_age_s);
    return WARD_OK;
}

ID_COMMAND(verify)
ID_COMMAND(verify_wristband)
ID_COMMAND(spend)
ID_COMMAND(keys)

const struct cli_command cli_identity_verify_commands[] = {
    {"identity verify",
     "SUBJECT --photo FILE --place BED [--attended] [--purpose FOR] [--max-fmr RATE]\n"
     "      [--device NAME] [--largest]",
     "verify a subject by photograph; a match prints a token", verify_command},
    {"identity verify-wristband",
     "SUBJECT --wristband CODE --second TYPE=VALUE --place BED [--purpose FOR]\n"
     "      [--device NAME] [--witness FILE]",
     "verify a subject without a face; \"-\" as CODE or VALUE reads a line of standard input",
     verify_wristband_command},
    {"identity spend", "TOKEN|- --subject SUBJECT [--purpose FOR] [--place BED] [--key KEY]",
     "redeem a single-use token", spend_command},
    {"identity keys", "", "print the public keys that verify tokens", keys_command},
    {0},
};
