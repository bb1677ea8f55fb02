#include "common/bus/bus_nng.h"

#include <nng/supplemental/tls/tls.h>
#include <nng/transport/tls/tls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECONNECT_MIN_MS 20
#define RECONNECT_MAX_MS 1000
#define CLOSE_S          1

enum ward_code ward_bus_fail(int rv, const char *doing, struct ward_err *err)
{
    enum ward_code code = WARD_INTERNAL;

    switch (rv) {
    case NNG_ETIMEDOUT:
        code = WARD_DEADLINE_EXCEEDED;
        break;
    case NNG_ECLOSED:
    case NNG_ECANCELED:
        code = WARD_CANCELLED;
        break;
    case NNG_ECONNREFUSED:
    case NNG_ECONNRESET:
    case NNG_ECONNABORTED:
    case NNG_EUNREACHABLE:
    case NNG_EADDRINUSE:
        code = WARD_UNAVAILABLE;
        break;
    case NNG_EADDRINVAL:
    case NNG_EINVAL:
        code = WARD_INVALID_ARGUMENT;
        break;
    case NNG_EPERM:
        code = WARD_PERMISSION_DENIED;
        break;
    case NNG_ENOMEM:
    case NNG_ENOFILES:
        code = WARD_RESOURCE_EXHAUSTED;
        break;
    default:
        break;
    }
    return ward_err_set(err, code, __FILE__, __LINE__, "%s: %s", doing, nng_strerror(rv));
}

static bool is_ipc(const char *url)
{
    return strncmp(url, "ipc://", 6) == 0;
}

enum ward_code ward_bus_check_url(const char *url, struct ward_err *err)
{
    if (url == NULL || *url == '\0')
        return WARD_FAIL(err, INVALID_ARGUMENT, "no bus address");
    if (is_ipc(url) && strlen(url) > 6 + 107)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "the bus address is too long for a socket's path");
    if (is_ipc(url) && url[6] == '/')
        return WARD_OK;
    if (strncmp(url, "tls+tcp://", 10) == 0)
        return WARD_OK;
    return WARD_FAIL(err, INVALID_ARGUMENT,
                     "the bus address '%.60s' must be ipc:///path or tls+tcp://host:port", url);
}

static void guard(nng_pipe p, nng_pipe_ev ev, void *arg)
{
    char name[65];
    uint64_t uid = 0;

    (void)ev, (void)arg;
    if (nng_pipe_get_uint64(p, NNG_OPT_IPC_PEER_UID, &uid) == 0) {
        if (uid != geteuid())
            nng_pipe_close(p);
        return;
    }
    if (!ward_bus_tls_peer(p, name))
        nng_pipe_close(p);
}

enum ward_code ward_bus_guard(nng_socket s, struct ward_err *err)
{
    int rv = nng_pipe_notify(s, NNG_PIPE_EV_ADD_PRE, guard, NULL);

    return rv == 0 ? WARD_OK : ward_bus_fail(rv, "cannot protect a socket of the bus", err);
}

struct closing {
    nng_socket s;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed, alone; /* alone: the caller's wait timed out, so close_it frees the memory */
};

static void closing_free(struct closing *c)
{
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void *close_it(void *arg)
{
    struct closing *c = arg;
    bool alone;

    nng_close(c->s);
    pthread_mutex_lock(&c->lock);
    c->closed = true;
    alone = c->alone;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (alone)
        closing_free(c);
    return NULL;
}

bool ward_bus_close(nng_socket s)
{
    struct closing *c = calloc(1, sizeof(*c));
    struct timespec until;
    pthread_t t;
    bool closed;
    int rc = 0;

    if (c == NULL)
        return false;
    c->s = s;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    if (pthread_create(&t, NULL, close_it, c) != 0) {
        closing_free(c);
        return false;
    }
    pthread_detach(t);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_S;
    pthread_mutex_lock(&c->lock);
    while (!c->closed && rc == 0)
        rc = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    closed = c->closed;
    c->alone = !closed;
    pthread_mutex_unlock(&c->lock);
    if (closed)
        closing_free(c);
    return closed;
}

void ward_bus_peer(nng_pipe p, char out[65])
{
    if (!ward_bus_tls_peer(p, out))
        out[0] = '\0';
}

static enum ward_code check_file(const char *path, const char *what, struct ward_err *err)
{
    if (path == NULL || *path == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "tls+tcp needs a %s", what);
    if (access(path, R_OK) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot read the %s '%.80s'", what, path);
    return WARD_OK;
}

static enum ward_code tls_config(nng_tls_mode mode, const struct ward_bus_tls *tls,
                                 const char *host, nng_tls_config **out, struct ward_err *err)
{
    nng_tls_config *c;
    int rv;

    if (tls == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "tls+tcp needs certificates");
    WARD_TRY(check_file(tls->ca, "CA certificate", err));
    WARD_TRY(check_file(tls->cert, "certificate", err));
    WARD_TRY(check_file(tls->key, "key", err));
    WARD_TRY(ward_bus_tls_begin(err));
    rv = nng_tls_config_alloc(&c, mode);
    if (rv != 0)
        return ward_bus_fail(rv, "TLS", err);
    if ((rv = nng_tls_config_auth_mode(c, NNG_TLS_AUTH_MODE_REQUIRED)) != 0 ||
        (rv = nng_tls_config_ca_chain(c, tls->ca, NULL)) != 0 ||
        (rv = nng_tls_config_own_cert(c, tls->cert, tls->key, NULL)) != 0 ||
        (host != NULL && (rv = nng_tls_config_server_name(c, host)) != 0)) {
        nng_tls_config_free(c);
        return ward_bus_fail(rv, "TLS", err);
    }
    *out = c;
    return WARD_OK;
}

enum ward_code ward_bus_socket_listen(nng_socket s, const char *url,
                                      const struct ward_bus_tls *tls, int *port,
                                      struct ward_err *err)
{
    nng_tls_config *c = NULL;
    nng_listener l;
    int rv;

    *port = 0;
    if (!is_ipc(url))
        WARD_TRY(tls_config(NNG_TLS_MODE_SERVER, tls, NULL, &c, err));
    rv = nng_listener_create(&l, s, url);
    if (rv == 0 && is_ipc(url))
        rv = nng_listener_set_int(l, NNG_OPT_IPC_PERMISSIONS, S_IRUSR | S_IWUSR);
    if (rv == 0 && c != NULL)
        rv = nng_listener_set_ptr(l, NNG_OPT_TLS_CONFIG, c);
    if (rv == 0)
        rv = nng_listener_start(l, 0);
    if (rv == 0 && c != NULL)
        rv = nng_listener_get_int(l, NNG_OPT_TCP_BOUND_PORT, port);
    if (c != NULL)
        nng_tls_config_free(c);
    return rv == 0 ? WARD_OK : ward_bus_fail(rv, "cannot listen on the bus", err);
}

static enum ward_code start_dialer(nng_socket s, const char *url, nng_tls_config *c,
                                   nng_dialer *out, struct ward_err *err)
{
    int rv = nng_dialer_create(out, s, url);

    if (rv == 0 && c != NULL)
        rv = nng_dialer_set_ptr(*out, NNG_OPT_TLS_CONFIG, c);
    if (rv == 0)
        rv = nng_dialer_set_ms(*out, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
    if (rv == 0)
        rv = nng_dialer_set_ms(*out, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
    if (rv == 0)
        rv = nng_dialer_start(*out, NNG_FLAG_NONBLOCK);
    return rv == 0 ? WARD_OK : ward_bus_fail(rv, "cannot connect to the bus", err);
}

enum ward_code ward_bus_dial_as(nng_socket s, const char *url, const struct ward_bus_tls *tls,
                                const char *name, nng_dialer *out, struct ward_err *err)
{
    nng_tls_config *c = NULL;
    enum ward_code code;

    WARD_TRY(tls_config(NNG_TLS_MODE_CLIENT, tls, name, &c, err));
    code = start_dialer(s, url, c, out, err);
    nng_tls_config_free(c);
    return code;
}

enum ward_code ward_bus_socket_dial(nng_socket s, const char *url,
                                    const struct ward_bus_tls *tls, struct ward_err *err)
{
    enum ward_code code;
    nng_dialer d;
    nng_url *u;
    int rv;

    rv = nng_url_parse(&u, url);
    if (rv != 0)
        return ward_bus_fail(rv, "bus address", err);
    code = is_ipc(url) ? start_dialer(s, url, NULL, &d, err)
                       : ward_bus_dial_as(s, url, tls, u->u_hostname, &d, err);
    nng_url_free(u);
    return code;
}
