/* Expands the templates of the services' environments, and chooses ports. */
#include "cli/local/local.h"

#include "common/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_PORT 7401
#define LAST_PORT  7899

/* ---- templates ---- */

/* The port that a variable stands for: "AUDIT_PORT" (n characters) is the port of audit. NULL
 * if the name is not that of a service's port. */
static const char *port_of(struct local *l, const char *name, size_t n)
{
    static const char end[] = "_PORT";
    size_t len = sizeof(end) - 1;

    for (int i = 0; n > len && i < l->n_services; i++) {
        const struct local_service *s = &l->service[i];

        if (strlen(s->name) == n - len && strncasecmp(s->name, name, n - len) == 0 &&
            memcmp(name + n - len, end, len) == 0)
            return ward_printf(&l->mem, "%d", s->port);
    }
    return NULL;
}

static const char *value_of(struct local *l, const struct local_service *s, const char *name,
                            size_t n)
{
    const struct {
        const char *name, *value;
    } vars[] = {
        {"DIR", l->dir},
        {"BUILD", l->lib},
        {"SERVICE", s == NULL ? "" : s->name},
        {"PORT", ward_printf(&l->mem, "%d", s == NULL ? 0 : s->port)},
        {"ADMIN_PORT", ward_printf(&l->mem, "%d", s == NULL ? 0 : s->admin_port)},
        {"MODELS", getenv("WARD_MODELS") != NULL ? getenv("WARD_MODELS")
                                                 : ward_printf(&l->mem, "%s/models", l->lib)},
        {"PACKS", getenv("WARD_PACKS") != NULL ? getenv("WARD_PACKS")
                                               : ward_printf(&l->mem, "%s/../models", l->lib)},
        {"TEXT_MODEL", getenv("WARD_TEXT_MODEL") != NULL
                           ? getenv("WARD_TEXT_MODEL")
                           : ward_printf(&l->mem, "%s/../models/text_zh/1", l->lib)},
    };

    for (size_t i = 0; i < WARD_COUNT(vars); i++) {
        if (strlen(vars[i].name) == n && memcmp(vars[i].name, name, n) == 0)
            return vars[i].value;
    }
    return port_of(l, name, n);
}

const char *local_text(const char *file)
{
    for (const struct local_file *f = local_files; f->name != NULL; f++) {
        if (strcmp(f->name, file) == 0)
            return f->text;
    }
    return NULL;
}

enum ward_code local_expand(struct local *l, const struct local_service *s, const char *file,
                            char **out, struct ward_err *err)
{
    const char *text = local_text(file);
    char *to = ward_strdup(&l->mem, "");

    if (text == NULL)
        return WARD_FAIL(err, INTERNAL, "this build has no %.40s", file);
    for (const char *at; (at = strstr(text, "${")) != NULL; text = strchr(at, '}') + 1) {
        size_t n = strcspn(at + 2, "}");
        const char *value = value_of(l, s, at + 2, n);

        if (at[2 + n] != '}' || value == NULL)
            return WARD_FAIL(err, INTERNAL, "%.40s: %.20s is unknown", file, at);
        to = ward_printf(&l->mem, "%s%.*s%s", to, (int)(at - text), text, value);
    }
    to = ward_printf(&l->mem, "%s%s", to, text);
    if (to == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for %.40s", file);
    *out = to;
    return WARD_OK;
}

/* Splits a text into lines of the form NAME=value. */
static size_t lines(char *text, const char **to, size_t cap, size_t n)
{
    char *next;

    for (char *line = text; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        if (*line != '#' && strchr(line, '=') != NULL && n + 1 < cap)
            to[n++] = line;
    }
    return n;
}

enum ward_code local_environment(struct local *l, const struct local_service *s,
                                 const char *const **out, struct ward_err *err)
{
    size_t cap = 64, n = 0;
    const char **env = ward_alloc(&l->mem, cap * sizeof(*env));
    char *common, *own;

    WARD_TRY(local_expand(l, s, "service.env", &common, err));
    WARD_TRY(local_expand(l, s, ward_printf(&l->mem, "%s.env", s->name), &own, err));
    if (env == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for %s's environment", s->name);
    n = lines(common, env, cap, n);
    n = lines(own, env, cap, n);
    env[n] = NULL;
    *out = env;
    return WARD_OK;
}

/* ---- ports ---- */

/* Reserves a port with an abstract unix socket whose name contains the port. Like ports, such a
 * socket belongs to the network namespace, and it disappears with the process that holds it.
 * The port itself cannot be held, because a service must listen on it. While a service
 * restarts, another embedded default must not take its port. */
static int hold(int port)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int n = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "ward-port-%d", port);

    if (fd >= 0 &&
        bind(fd, (const struct sockaddr *)&at,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Returns whether a service could listen on the port now. */
static bool is_free(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    bool ok;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
         bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool read_ports(struct local *l)
{
    FILE *f = fopen(local_path(l, "ports"), "re");
    char name[64], port[8], admin[8];

    if (f == NULL)
        return false;
    while (fscanf(f, "%63s %7s %7s", name, port, admin) == 3) {
        struct local_service *s = local_service(l, name);
        int64_t p, a;

        if (s == NULL || !ward_i64(port, 1, 65535, &p) || !ward_i64(admin, 1, 65535, &a))
            continue;
        s->port = (int)p;
        s->admin_port = (int)a;
    }
    fclose(f);
    return true;
}

enum ward_code local_ports(struct local *l, struct ward_err *err)
{
    if (!read_ports(l))
        return WARD_FAIL(err, NOT_FOUND, "no service was ever started in %.100s", l->dir);
    return WARD_OK;
}

/* Reserves the port if it is free. */
static bool take(struct local *l, int port)
{
    int fd = hold(port);

    if (fd < 0 || !is_free(port)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    l->held[l->n_held++] = fd;
    return true;
}

static enum ward_code next_free(struct local *l, int *out, struct ward_err *err)
{
    for (int port = FIRST_PORT; port <= LAST_PORT; port++) {
        if (take(l, port)) {
            *out = port;
            return WARD_OK;
        }
    }
    return WARD_FAIL(err, UNAVAILABLE, "no free port between %d and %d", FIRST_PORT, LAST_PORT);
}

enum ward_code local_choose_ports(struct local *l, struct ward_err *err)
{
    char *text = ward_strdup(&l->mem, "");

    read_ports(l);
    for (int i = 0; i < l->n_services; i++) {
        struct local_service *s = &l->service[i];

        if (s->port == 0 || !take(l, s->port))
            WARD_TRY(next_free(l, &s->port, err));
        if (s->admin_port == 0 || !take(l, s->admin_port))
            WARD_TRY(next_free(l, &s->admin_port, err));
        text = ward_printf(&l->mem, "%s%s %d %d\n", text, s->name, s->port, s->admin_port);
    }
    return local_write(local_path(l, "ports"), text, err);
}
