/* Connects to services: to those of the running embedded default, or to those that --at
 * names. */
#include "cli/core/cli.h"
#include "cli/local/health.h"
#include "cli/local/local.h"

#include "common/auth/auth.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_S 300

static enum ward_code connect_in(struct local *l, const char *service, struct ward_client **out,
                                 struct ward_err *err)
{
    const struct local_service *s;

    WARD_TRY(local_ports(l, err));
    if (!local_is_up(l))
        return WARD_FAIL(err, UNAVAILABLE,
                         "no service is running in %.90s; start the services with: wardctl up",
                         l->dir);
    s = local_service(l, service);
    return s != NULL ? cli_connect_to(l, s, out, err)
                     : WARD_FAIL(err, NOT_FOUND, "no service is named %.40s", service);
}

/* Returns the address of `service` in "NAME=ADDRESS,NAME=ADDRESS"; NULL if it is absent. */
static const char *address_at(const char *at, const char *service, struct ward_arena *mem)
{
    size_t n = strlen(service);

    while (*at != '\0') {
        size_t len = strcspn(at, ",");

        if (len > n + 1 && strncmp(at, service, n) == 0 && at[n] == '=')
            return ward_printf(mem, "%.*s", (int)(len - n - 1), at + n + 1);
        at += len + (at[len] == ',');
    }
    return NULL;
}

static enum ward_code connect_at(const struct cli *cli, const char *service,
                                 struct ward_arena *mem, struct ward_client **out,
                                 struct ward_err *err)
{
    const char *address = address_at(cli->at, service, mem);

    if (cli->tls == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "--at needs --tls DIR");
    if (address == NULL)
        return WARD_FAIL(err, NOT_FOUND, "--at needs %.40s=ADDRESS", service);
    return ward_client_open(
        &(struct ward_client_config){
            .target = address,
            .tls = {.cert = ward_printf(mem, "%s/tls.crt", cli->tls),
                    .key = ward_printf(mem, "%s/tls.key", cli->tls),
                    .ca = ward_printf(mem, "%s/ca.crt", cli->tls)},
            .server = service,
            .max_message = (size_t)33 << 20,
        },
        out, err);
}

enum ward_code cli_connect(const struct cli *cli, const char *service, struct ward_client **out,
                           struct ward_err *err)
{
    struct local l;
    enum ward_code code;

    if (cli->at != NULL) {
        struct ward_arena mem;

        ward_arena_init(&mem, 65536);
        code = connect_at(cli, service, &mem, out, err);
        ward_arena_done(&mem);
        return code;
    }
    code = local_open(&l, cli->data, err);

    if (code == WARD_OK)
        code = connect_in(&l, service, out, err);
    local_close(&l);
    return code;
}

static enum ward_code token_of_file(const char *path, struct ward_arena *mem, char **out,
                                    struct ward_err *err)
{
    size_t n;

    WARD_TRY(cli_read(path, WARD_TOKEN_BYTES, mem, out, &n, err));
    (*out)[strcspn(*out, "\r\n")] = '\0';
    return WARD_OK;
}

/* Returns the user name on this machine. */
static const char *here(struct ward_arena *mem)
{
    const struct passwd *pw = getpwuid(getuid());

    if (pw == NULL)
        return ward_printf(mem, "local:%u", (unsigned)getuid());
    return ward_printf(mem, "local:%s", pw->pw_name);
}

enum ward_code cli_bearer(const struct cli *cli, const char *const *roles, const char *purpose,
                          const char *ward, struct ward_arena *mem, char **out,
                          struct ward_err *err)
{
    struct ward_principal who = {
        .subject = here(mem), .issuer = CLI_ISSUER, .ward = ward, .purpose = purpose};
    struct ward_sign_key *key;
    enum ward_code code;

    if (cli->token != NULL)
        return token_of_file(cli->token, mem, out, err);
    if (cli->at != NULL)
        return WARD_FAIL(
            err, FAILED_PRECONDITION,
            "--at needs --token FILE, with a token from the issuer of those services");
    for (; *roles != NULL && who.n_roles < WARD_MAX_ROLES; roles++)
        who.roles[who.n_roles++] = *roles;
    WARD_TRY(ward_sign_key_load(cli_path(cli, mem, "keys/issuer.pem"), &key, err));
    code = ward_jwt_issue(key, &who, CLI_AUDIENCE, TOKEN_S, mem, out, err);
    ward_sign_key_free(key);
    return code;
}
