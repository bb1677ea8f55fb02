/* Connections to services: those of the running embedded default, or named ones. */
#include "cli/cli.h"
#include "cli/health.h"
#include "cli/local.h"

#include "common/auth/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_S 300

const char *cli_path(const struct cli *cli, struct ward_arena *mem, const char *under)
{
    return ward_printf(mem, "%s/%s", cli->data, under);
}

enum ward_code cli_connect_to(struct local *l, const struct local_service *s,
                              struct ward_client **out, struct ward_err *err)
{
    return ward_client_open(
        &(struct ward_client_config){
            .target = ward_printf(&l->mem, "127.0.0.1:%d", s->port),
            .tls = {.cert = local_path(l, "pki/wardctl.pem"),
                    .key = local_path(l, "pki/wardctl.key"),
                    .ca = local_path(l, "pki/ca.pem")},
            .server = s->name,
            .max_message = (size_t)16 << 20,
        },
        out, err);
}

static enum ward_code connect_in(struct local *l, const char *service, struct ward_client **out,
                                 struct ward_err *err)
{
    WARD_TRY(local_ports(l, err));
    if (!local_is_up(l))
        return WARD_FAIL(err, UNAVAILABLE,
                         "no service is running in %.90s; start the services with: wardctl up",
                         l->dir);
    for (int i = 0; i < LOCAL_SERVICES; i++) {
        if (strcmp(l->service[i].name, service) == 0)
            return cli_connect_to(l, &l->service[i], out, err);
    }
    return WARD_FAIL(err, NOT_FOUND, "no service is named %.40s", service);
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
            .max_message = (size_t)16 << 20,
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

enum ward_code cli_read(const char *path, size_t most, struct ward_arena *mem, char **out,
                        size_t *n, struct ward_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t got = 0;
    ssize_t r = 1;
    struct stat st;
    char *p;

    if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return WARD_FAIL(err, NOT_FOUND, "cannot read %.120s", path);
    }
    p = st.st_size < 0 || (size_t)st.st_size > most ? NULL
                                                    : ward_alloc(mem, (size_t)st.st_size + 1);
    while (p != NULL && got < (size_t)st.st_size && r > 0) {
        r = read(fd, p + got, (size_t)st.st_size - got);
        got += r > 0 ? (size_t)r : 0;
    }
    close(fd);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "%.100s is larger than %zu bytes", path,
                         most);
    if (r < 0)
        return WARD_FAIL(err, NOT_FOUND, "cannot read %.100s: %s", path, strerror(errno));
    *out = p;
    *n = got;
    return WARD_OK;
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
