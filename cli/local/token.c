/* wardctl token - issues bearer tokens with the key of the embedded default, or any Ed25519
 * key. */
#include "cli/core/cli.h"
#include "cli/local/health.h"

#include "common/auth/auth.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#define MEM_CAP ((size_t)1 << 20)

struct asked {
    const char *key, *subject, *roles, *ward, *purpose, *issuer, *audience, *lifetime;
    int64_t lifetime_s;
};

/* Splits a text such as "nurse,registrar" into who->roles, and modifies the text. */
static enum ward_code split(char *roles, struct ward_principal *who, struct ward_err *err)
{
    for (char *next; roles != NULL && *roles != '\0'; roles = next) {
        next = strchr(roles, ',');
        if (next != NULL)
            *next++ = '\0';
        if (who->n_roles == WARD_MAX_ROLES)
            return WARD_FAIL(err, INVALID_ARGUMENT, "at most %d roles", WARD_MAX_ROLES);
        who->roles[who->n_roles++] = roles;
    }
    return WARD_OK;
}

static enum ward_code issue(const struct cli *cli, const struct asked *a,
                            struct ward_arena *mem, char **out, struct ward_err *err)
{
    struct ward_principal who = {
        .subject = a->subject, .issuer = a->issuer, .ward = a->ward, .purpose = a->purpose};
    struct ward_sign_key *key;
    enum ward_code code;

    WARD_TRY(split(ward_strdup(mem, a->roles), &who, err));
    WARD_TRY(ward_sign_key_load(a->key == NULL ? cli_path(cli, mem, "keys/issuer.pem") : a->key,
                                &key, err));
    code = ward_jwt_issue(key, &who, a->audience, (int)a->lifetime_s, mem, out, err);
    ward_sign_key_free(key);
    return code;
}

static int token_issue(const struct cli *cli, int argc, char **argv)
{
    struct asked a = {.roles = "",
                      .ward = "",
                      .purpose = "TREAT",
                      .issuer = CLI_ISSUER,
                      .audience = CLI_AUDIENCE,
                      .lifetime = "900"};
    const struct cli_opt opts[] = {
        {"--subject", &a.subject, NULL, "who"},
        {"--roles", &a.roles, NULL, "a,b"},
        {"--ward", &a.ward, NULL, "hospital unit"},
        {"--purpose", &a.purpose, NULL, "HL7 purpose of use"},
        {"--lifetime", &a.lifetime, NULL, "seconds"},
        {"--key", &a.key, NULL, "Ed25519 PEM"},
        {"--issuer", &a.issuer, NULL, "iss"},
        {"--audience", &a.audience, NULL, "aud"},
        {0},
    };
    struct ward_arena mem;
    struct ward_err err = {0};
    struct cli_json j = {.to = stdout};
    char *token = NULL;
    enum ward_code code = cli_options(opts, &argc, argv, 0, &err);

    if (code == WARD_OK && (a.subject == NULL || *a.subject == '\0'))
        code =
            WARD_FAIL(&err, INVALID_ARGUMENT, "--subject is needed: the person of the token");
    if (code == WARD_OK && !ward_i64(a.lifetime, 1, 86400, &a.lifetime_s))
        code = WARD_FAIL(&err, INVALID_ARGUMENT, "--lifetime must be from 1 to 86400 seconds");
    if (code != WARD_OK)
        return cli_usage(cli, &err);
    ward_arena_init(&mem, MEM_CAP);
    code = issue(cli, &a, &mem, &token, &err);
    if (code == WARD_OK && cli->json) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "token", token);
        cli_json_close(&j, '}');
    } else if (code == WARD_OK) {
        printf("%s\n", token);
    }
    ward_arena_done(&mem);
    return code == WARD_OK ? 0 : cli_fail(cli, &err);
}

const struct cli_command cli_token_commands[] = {
    {"token issue",
     "--subject WHO [--roles A,B] [--ward UNIT] [--purpose TREAT] "
     "[--lifetime S] [--key FILE]",
     "issue a bearer token of the embedded default's issuer", token_issue},
    {0},
};
