/* wardctl identity - commands for operators: status, policies, keys, templates of a new model.
 */
#include "cli/identity/identity_call.h"

#include "common/base/text.h"
#include "ward/identity/v1/admin.pb-c.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__GetStatusRequest StatusRequest;
typedef Ward__Identity__V1__GetStatusResponse StatusResponse;
typedef Ward__Identity__V1__UsePolicy UsePolicy;
typedef Ward__Identity__V1__ListUsePoliciesResponse PoliciesResponse;
typedef Ward__Identity__V1__RotateKeysResponse RotateKeysResponse;
typedef Ward__Identity__V1__RenewTemplatesResponse RenewResponse;
typedef Ward__Identity__V1__RotateTokenKeyResponse TokenKeyResponse;
typedef Ward__Identity__V1__ReembedResponse ReembedResponse;

static const char *const ADMIN[] = {"identity-admin", NULL};
static const char *const SECURITY[] = {"security-officer", NULL};

static const struct cli_opt NO_OPTIONS[] = {{0}};

/* ---- status ---- */

static void print_device(const Ward__Identity__V1__DeviceStatus *d)
{
    printf("device     %s %s", d->backend, d->kind);
    if (*d->name != '\0')
        printf(" \"%s\"", d->name);
    printf(": %s%s\n", d->ready ? "ready" : "not ready: ", d->why);
}

static void print_status(const StatusResponse *s)
{
    printf("pack       %s, model %.12s, on %s%s\n", s->pack, s->model_sha256, s->device,
           s->degraded ? " (not the preferred device)" : "");
    if (*s->former_pack != '\0')
        printf("former     %s, model %.12s\n", s->former_pack, s->former_model_sha256);
    for (size_t i = 0; i < s->n_devices; i++)
        print_device(s->devices[i]);
    printf("thresholds %s\n", s->calibration_source);
    if (*s->calibration_warning != '\0')
        printf("WARNING    %s\n", s->calibration_warning);
    printf("stored     %lld subjects, %lld faces", (long long)s->subjects, (long long)s->faces);
    if (s->faces_limit > 0)
        printf(", limit %lld%s", (long long)s->faces_limit,
               s->faces > s->faces_limit ? ": EXCEEDED" : "");
    printf("\n");
    if (s->faces_need_capture > 0)
        printf("           %lld faces need a new photograph\n",
               (long long)s->faces_need_capture);
    printf("root key   %s (%s)\n", s->root_key_id, s->root_key_kind);
    printf("kek        %d", s->kek);
    if (s->rows_on_former_keks > 0)
        printf("; previous keys wrap %lld rows: wardctl identity rotate-keys",
               (long long)s->rows_on_former_keks);
    printf("\ngallery    %s, up to change %lld, snapshot up to %lld\n",
           s->gallery_ready ? "ready" : "loading", (long long)s->gallery_seq,
           (long long)s->snapshot_seq);
}

static enum ward_code status(struct task *t, int argc, char **argv)
{
    StatusRequest req = WARD__IDENTITY__V1__GET_STATUS_REQUEST__INIT;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 0, &t->err));
    WARD_TRY(task_ask(t, ADMIN_PATH("GetStatus"), ADMIN, &req.base,
                      &ward__identity__v1__get_status_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_status((const StatusResponse *)msg);
    return WARD_OK;
}

/* ---- policies ---- */

static void print_policy(struct task *t, const UsePolicy *p, const char *name)
{
    char ways[32];

    snprintf(ways, sizeof(ways), "%s%s%s", p->allow_face ? "face " : "",
             p->allow_wristband ? "wristband " : "", p->allow_search ? "search " : "");
    printf("%-20s %-9s %-24s %-8s %.0f%s%s\n", name,
           message_enum(&ward__identity__v1__liveness_policy__descriptor, (int)p->liveness),
           ways, p->witness ? "yes" : "no", p->max_fmr > 0 ? 1 / p->max_fmr : 1e4,
           *p->set_by == '\0' ? "" : "  set by ", task_shown(t, p->set_by));
}

static enum ward_code policy_list(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__ListUsePoliciesRequest req =
        WARD__IDENTITY__V1__LIST_USE_POLICIES_REQUEST__INIT;
    const PoliciesResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 0, &t->err));
    WARD_TRY(task_ask(t, ADMIN_PATH("ListUsePolicies"), SECURITY, &req.base,
                      &ward__identity__v1__list_use_policies_response__descriptor, &msg));
    resp = (const PoliciesResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    printf("%-20s %-9s %-24s %-8s one false match in\n", "purpose", "liveness", "ways",
           "witness");
    for (size_t i = 0; i < resp->n_policies; i++)
        print_policy(t, resp->policies[i], resp->policies[i]->purpose);
    if (resp->otherwise != NULL)
        print_policy(t, resp->otherwise, "(every other)");
    return WARD_OK;
}

static enum ward_code ways(struct task *t, const struct task_list *given, UsePolicy *p)
{
    for (size_t i = 0; i < given->n; i++) {
        if (strcmp(given->at[i], "face") == 0)
            p->allow_face = true;
        else if (strcmp(given->at[i], "wristband") == 0)
            p->allow_wristband = true;
        else if (strcmp(given->at[i], "search") == 0)
            p->allow_search = true;
        else
            return task_wrong(
                t, "--ways must be a comma-separated list of face, wristband and search");
    }
    return WARD_OK;
}

static enum ward_code policy_set(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__SetUsePolicyRequest req =
        WARD__IDENTITY__V1__SET_USE_POLICY_REQUEST__INIT;
    UsePolicy p = WARD__IDENTITY__V1__USE_POLICY__INIT;
    const char *liveness = NULL, *max_fmr = "0";
    bool witness = false;
    const struct cli_opt opts[] = {
        {"--liveness", &liveness, NULL, "none, passive, active, attended"},
        {"--max-fmr", &max_fmr, NULL, "false-match rate"},
        {"--witness", NULL, &witness, "require a second person for the wristband"},
        {0},
    };
    struct task_list allowed;
    ProtobufCMessage *msg;
    int value = 0;

    WARD_TRY(task_list(t, "--ways", ',', &argc, argv, &allowed));
    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2 || allowed.n == 0 ||
        !message_enum_of(&ward__identity__v1__liveness_policy__descriptor, liveness, &value))
        return task_wrong(
            t, "PURPOSE, --liveness none|passive|active|attended and --ways "
               "face,wristband,search are needed; the new policy replaces the previous policy");
    WARD_TRY(ways(t, &allowed, &p));
    if (!ward_f64(max_fmr, &p.max_fmr))
        return task_wrong(t, "--max-fmr must be from 1e-6 to 1e-3");
    p.purpose = argv[1];
    p.liveness = (Ward__Identity__V1__LivenessPolicy)value;
    p.witness = witness;
    req.policy = &p;
    WARD_TRY(task_ask(t, ADMIN_PATH("SetUsePolicy"), SECURITY, &req.base,
                      &ward__identity__v1__set_use_policy_response__descriptor, &msg));
    if (!task_json(t, msg))
        printf("the new policy now applies\nevent      %s\n",
               ((const Ward__Identity__V1__SetUsePolicyResponse *)msg)->event_id);
    return WARD_OK;
}

/* ---- long operations: a progress line, then the last message ---- */

static enum ward_code never_finished(struct task *t)
{
    return WARD_FAIL(&t->err, UNAVAILABLE,
                     "the call ended early; repeat the command to continue");
}

static enum ward_code on_rotate(struct task *t, const ProtobufCMessage *msg, void *finished)
{
    const RotateKeysResponse *r = (const RotateKeysResponse *)msg;

    cli_progress(t->cli, "keys wrapped again", r->done, r->total);
    if (!r->finished)
        return WARD_OK;
    *(bool *)finished = true;
    cli_progress_end(t->cli);
    if (!task_json(t, msg))
        printf(
            "%lld rows are now wrapped by KEK %d; %d previous KEKs destroyed\nevent      %s\n",
            (long long)r->done, r->kek, r->keks_destroyed, r->event_id);
    return WARD_OK;
}

static enum ward_code rotate_keys(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__RotateKeysRequest req = WARD__IDENTITY__V1__ROTATE_KEYS_REQUEST__INIT;
    bool finished = false;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 0, &t->err));
    WARD_TRY(task_stream(t, ADMIN_PATH("RotateKeys"), SECURITY, &req.base,
                         &ward__identity__v1__rotate_keys_response__descriptor, on_rotate,
                         &finished));
    return finished ? WARD_OK : never_finished(t);
}

static enum ward_code on_renew(struct task *t, const ProtobufCMessage *msg, void *finished)
{
    const RenewResponse *r = (const RenewResponse *)msg;

    cli_progress(t->cli, "templates renewed", r->done, r->total);
    if (!r->finished)
        return WARD_OK;
    *(bool *)finished = true;
    cli_progress_end(t->cli);
    if (!task_json(t, msg))
        printf("%lld templates now have generation %d\nevent      %s\n", (long long)r->done,
               r->generation, r->event_id);
    return WARD_OK;
}

static enum ward_code renew_templates(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__RenewTemplatesRequest req =
        WARD__IDENTITY__V1__RENEW_TEMPLATES_REQUEST__INIT;
    const char *kind = NULL;
    const struct cli_opt opts[] = {{"--kind", &kind, NULL, "patient or staff"}, {0}};
    bool finished = false;

    WARD_TRY(cli_options(opts, &argc, argv, 0, &t->err));
    WARD_TRY(id_kind(t, kind, &req.kind));
    WARD_TRY(task_stream(t, ADMIN_PATH("RenewTemplates"), SECURITY, &req.base,
                         &ward__identity__v1__renew_templates_response__descriptor, on_renew,
                         &finished));
    return finished ? WARD_OK : never_finished(t);
}

static enum ward_code on_reembed(struct task *t, const ProtobufCMessage *msg, void *finished)
{
    const ReembedResponse *r = (const ReembedResponse *)msg;

    cli_progress(t->cli, "photographs embedded", r->done, r->total);
    if (!r->finished)
        return WARD_OK;
    *(bool *)finished = true;
    cli_progress_end(t->cli);
    if (!task_json(t, msg))
        printf("%lld templates created, %lld photographs unusable, %lld subjects need a new "
               "photograph\nevent      %s\n",
               (long long)r->made, (long long)r->unusable, (long long)r->need_capture,
               r->event_id);
    return WARD_OK;
}

static enum ward_code reembed(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__ReembedRequest req = WARD__IDENTITY__V1__REEMBED_REQUEST__INIT;
    bool finished = false;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 0, &t->err));
    WARD_TRY(task_stream(t, ADMIN_PATH("Reembed"), ADMIN, &req.base,
                         &ward__identity__v1__reembed_response__descriptor, on_reembed,
                         &finished));
    return finished ? WARD_OK : never_finished(t);
}

static enum ward_code rotate_token_key(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__RotateTokenKeyRequest req =
        WARD__IDENTITY__V1__ROTATE_TOKEN_KEY_REQUEST__INIT;
    const TokenKeyResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(NO_OPTIONS, &argc, argv, 0, &t->err));
    WARD_TRY(task_ask(t, ADMIN_PATH("RotateTokenKey"), SECURITY, &req.base,
                      &ward__identity__v1__rotate_token_key_response__descriptor, &msg));
    resp = (const TokenKeyResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    printf("key        %s\n", resp->kid);
    task_print_time("signs", resp->signs_from_us);
    printf("event      %s\n", resp->event_id);
    return WARD_OK;
}

ID_COMMAND(status)
ID_COMMAND(policy_list)
ID_COMMAND(policy_set)
ID_COMMAND(rotate_keys)
ID_COMMAND(renew_templates)
ID_COMMAND(rotate_token_key)
ID_COMMAND(reembed)

const struct cli_command cli_identity_admin_commands[] = {
    {"identity status", "",
     "print the model pack, the device, the number of subjects, and the keys", status_command},
    {"identity policy list", "", "list the policies for each use", policy_list_command},
    {"identity policy set",
     "PURPOSE --liveness none|passive|active|attended --ways face,wristband,search\n"
     "      [--max-fmr RATE] [--witness]",
     "set the policy of a use", policy_set_command},
    {"identity rotate-keys", "",
     "rotate the KEKs; run this command after a change of WARD_KEK too", rotate_keys_command},
    {"identity renew-templates", "--kind patient|staff",
     "renew every template with a new transform key, so that leaked templates become useless",
     renew_templates_command},
    {"identity rotate-token-key", "", "rotate the key that signs tokens",
     rotate_token_key_command},
    {"identity reembed", "", "create templates for the loaded model from stored photographs",
     reembed_command},
    {0},
};
