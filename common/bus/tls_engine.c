/* NNG's TLS engine, based on OpenSSL through common/base/tlsio.
 *
 * The engine of NNG 1.5.2 (mbedTLS) verifies a peer but does not report its name, and audit
 * must know the sending service. NNG permits a program to provide an engine. NNG passes
 * certificate, key and CA to an engine as texts; this engine interprets the texts as *paths*,
 * so that it notices renewed files.
 */
#include "common/base/tlsio.h"
#include "common/bus/bus_nng.h"

#include <nng/supplemental/tls/engine.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct nng_tls_engine_config {
    bool server;
    char *name, *ca, *cert, *key;
    struct ward_tlsio_ctx *ctx; /* created with the first connection */
    pthread_mutex_t lock;
};

struct nng_tls_engine_conn {
    struct ward_tlsio *t;
    void *nng;
};

/* NNG only asks an engine whether the peer is verified. The engine answers on the asking thread
 * and stores the peer's name here for that thread. */
static _Thread_local char asked_name[65];
static _Thread_local bool asked_verified;

static int keep(char **to, const char *from)
{
    char *copy = strdup(from);

    if (copy == NULL)
        return NNG_ENOMEM;
    free(*to);
    *to = copy;
    return 0;
}

static int config_init(nng_tls_engine_config *c, nng_tls_mode mode)
{
    c->server = mode == NNG_TLS_MODE_SERVER;
    pthread_mutex_init(&c->lock, NULL);
    return 0;
}

static void config_fini(nng_tls_engine_config *c)
{
    ward_tlsio_ctx_free(c->ctx);
    free(c->name);
    free(c->ca);
    free(c->cert);
    free(c->key);
    pthread_mutex_destroy(&c->lock);
}

static int config_server(nng_tls_engine_config *c, const char *name)
{
    return keep(&c->name, name);
}

/* Ignores the mode, because both sides are always verified. NNG first requests NONE for a
 * listener. */
static int config_auth(nng_tls_engine_config *c, nng_tls_auth_mode mode)
{
    (void)c, (void)mode;
    return 0;
}

static int config_ca(nng_tls_engine_config *c, const char *path, const char *crl)
{
    return crl != NULL ? NNG_ENOTSUP : keep(&c->ca, path);
}

static int config_cert(nng_tls_engine_config *c, const char *cert, const char *key,
                       const char *pass)
{
    int rv = pass != NULL ? NNG_ENOTSUP : keep(&c->cert, cert);

    return rv != 0 ? rv : keep(&c->key, key);
}

static int config_version(nng_tls_engine_config *c, nng_tls_version lo, nng_tls_version hi)
{
    (void)c;
    return lo >= NNG_TLS_1_2 && hi >= lo ? 0 : NNG_ENOTSUP;
}

static enum ward_tlsio_state state_of(int rv)
{
    if (rv == 0)
        return WARD_TLSIO_OK;
    return rv == NNG_EAGAIN ? WARD_TLSIO_AGAIN : WARD_TLSIO_CLOSED;
}

static int rv_of(enum ward_tlsio_state s)
{
    switch (s) {
    case WARD_TLSIO_OK:
        return 0;
    case WARD_TLSIO_AGAIN:
        return NNG_EAGAIN;
    case WARD_TLSIO_CLOSED:
        return NNG_ECLOSED;
    default:
        return NNG_ECRYPTO;
    }
}

static enum ward_tlsio_state carry_out(void *io, const void *bytes, size_t *n)
{
    return state_of(nng_tls_engine_send(io, bytes, n));
}

static enum ward_tlsio_state carry_in(void *io, void *bytes, size_t *n)
{
    return state_of(nng_tls_engine_recv(io, bytes, n));
}

static int conn_init(nng_tls_engine_conn *c, void *nng, nng_tls_engine_config *cfg)
{
    const struct ward_tlsio_carrier carrier = {carry_out, carry_in, nng};
    enum ward_code code = WARD_OK;

    pthread_mutex_lock(&cfg->lock);
    if (cfg->ctx == NULL)
        code = ward_tlsio_ctx_new(cfg->server, cfg->ca, cfg->cert, cfg->key, &cfg->ctx, NULL);
    pthread_mutex_unlock(&cfg->lock);
    if (code == WARD_OK)
        code = ward_tlsio_open(cfg->ctx, cfg->name, &carrier, &c->t, NULL);
    return code == WARD_OK ? 0 : NNG_ECRYPTO;
}

static void conn_fini(nng_tls_engine_conn *c)
{
    ward_tlsio_close(c->t);
    c->t = NULL;
}

static void conn_close(nng_tls_engine_conn *c)
{
    if (c->t != NULL)
        ward_tlsio_bye(c->t);
}

static int conn_handshake(nng_tls_engine_conn *c)
{
    enum ward_tlsio_state s = ward_tlsio_handshake(c->t);

    return s == WARD_TLSIO_FAILED ? NNG_EPEERAUTH : rv_of(s);
}

static int conn_recv(nng_tls_engine_conn *c, uint8_t *to, size_t *n)
{
    return rv_of(ward_tlsio_read(c->t, to, n));
}

static int conn_send(nng_tls_engine_conn *c, const uint8_t *from, size_t *n)
{
    return rv_of(ward_tlsio_write(c->t, from, n));
}

static bool conn_verified(nng_tls_engine_conn *c)
{
    const char *peer = ward_tlsio_peer(c->t);

    asked_verified = peer != NULL;
    asked_name[0] = '\0';
    if (peer != NULL)
        memcpy(asked_name, peer, strlen(peer) + 1);
    return asked_verified;
}

static nng_tls_engine_config_ops config_ops = {
    .size = sizeof(nng_tls_engine_config),
    .init = config_init,
    .fini = config_fini,
    .server = config_server,
    .auth = config_auth,
    .ca_chain = config_ca,
    .own_cert = config_cert,
    .version = config_version,
};

static nng_tls_engine_conn_ops conn_ops = {
    .size = sizeof(nng_tls_engine_conn),
    .init = conn_init,
    .fini = conn_fini,
    .close = conn_close,
    .handshake = conn_handshake,
    .recv = conn_recv,
    .send = conn_send,
    .verified = conn_verified,
};

static const nng_tls_engine engine = {
    .version = NNG_TLS_ENGINE_VERSION,
    .config_ops = &config_ops,
    .conn_ops = &conn_ops,
    .name = "ward-openssl",
    .description = "OpenSSL, by common/base/tlsio",
};

/* NNG installs its own engine at its start, so NNG must start first. Allocating a configuration
 * starts NNG. */
static void engine_begin(void)
{
    nng_tls_config *first;

    if (nng_tls_config_alloc(&first, NNG_TLS_MODE_CLIENT) == 0)
        nng_tls_config_free(first);
    nng_tls_engine_register(&engine);
}

enum ward_code ward_bus_tls_begin(struct ward_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, engine_begin);
    if (strcmp(nng_tls_engine_name(), engine.name) != 0)
        return WARD_FAIL(err, INTERNAL, "NNG did not accept our TLS engine");
    return WARD_OK;
}

bool ward_bus_tls_peer(nng_pipe p, char out[65])
{
    bool verified = false;

    asked_verified = false;
    if (nng_pipe_get_bool(p, NNG_OPT_TLS_VERIFIED, &verified) != 0 || !verified ||
        !asked_verified)
        return false;
    memcpy(out, asked_name, sizeof(asked_name));
    return true;
}
