#include "common/base/tlsio.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SPIFFE "spiffe://ward/"

enum { CA, CERT, KEY, N_FILES };

struct ward_tlsio_ctx {
    bool server;
    char *path[N_FILES];
    pthread_mutex_t lock; /* guards the following members */
    struct timespec seen[N_FILES];
    SSL_CTX *ssl;
};

struct ward_tlsio {
    struct ward_tlsio_carrier carrier;
    SSL *ssl;
    bool closed;   /* the carrier has reported the end of input */
    char peer[65]; /* the longest service name and a NUL */
};

/* ---- context ---- */

static void stamp(const struct ward_tlsio_ctx *c, struct timespec at[N_FILES])
{
    struct stat st;

    for (int i = 0; i < N_FILES; i++)
        at[i] = stat(c->path[i], &st) == 0 ? st.st_mtim : (struct timespec){0};
}

static SSL_CTX *load(const struct ward_tlsio_ctx *c, const char **bad)
{
    SSL_CTX *ssl = SSL_CTX_new(c->server ? TLS_server_method() : TLS_client_method());

    *bad = "TLS itself";
    if (ssl == NULL || SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1)
        goto fail;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Disables session resumption, so that each connection shows its certificate again. */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(ssl, 0);
    *bad = c->path[CA];
    if (SSL_CTX_load_verify_file(ssl, c->path[CA]) != 1)
        goto fail;
    *bad = c->path[CERT];
    if (SSL_CTX_use_certificate_chain_file(ssl, c->path[CERT]) != 1)
        goto fail;
    *bad = c->path[KEY];
    if (SSL_CTX_use_PrivateKey_file(ssl, c->path[KEY], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ssl) != 1)
        goto fail;
    return ssl;

fail:
    SSL_CTX_free(ssl);
    ERR_clear_error();
    return NULL;
}

/* Returns the context for a new connection, with its own reference. If the files are only
 * partly replaced, the last valid certificates remain in use. */
static SSL_CTX *fresh(struct ward_tlsio_ctx *c)
{
    struct timespec now[N_FILES];
    const char *bad;
    SSL_CTX *ssl;

    stamp(c, now);
    pthread_mutex_lock(&c->lock);
    if (memcmp(now, c->seen, sizeof(now)) != 0 && (ssl = load(c, &bad)) != NULL) {
        SSL_CTX_free(c->ssl);
        c->ssl = ssl;
        memcpy(c->seen, now, sizeof(now));
    }
    ssl = c->ssl;
    SSL_CTX_up_ref(ssl);
    pthread_mutex_unlock(&c->lock);
    return ssl;
}

enum ward_code ward_tlsio_ctx_new(bool server, const char *ca, const char *cert,
                                  const char *key, struct ward_tlsio_ctx **out,
                                  struct ward_err *err)
{
    struct ward_tlsio_ctx *c = calloc(1, sizeof(*c));
    const char *bad = "";

    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    pthread_mutex_init(&c->lock, NULL);
    c->server = server;
    c->path[CA] = strdup(ca == NULL ? "" : ca);
    c->path[CERT] = strdup(cert == NULL ? "" : cert);
    c->path[KEY] = strdup(key == NULL ? "" : key);
    if (c->path[CA] == NULL || c->path[CERT] == NULL || c->path[KEY] == NULL) {
        ward_tlsio_ctx_free(c);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    }
    stamp(c, c->seen);
    c->ssl = load(c, &bad);
    if (c->ssl == NULL) {
        WARD_FAIL(err, FAILED_PRECONDITION, "TLS: cannot use '%s'", bad);
        ward_tlsio_ctx_free(c);
        return WARD_FAILED_PRECONDITION;
    }
    *out = c;
    return WARD_OK;
}

void ward_tlsio_ctx_free(struct ward_tlsio_ctx *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < N_FILES; i++)
        free(c->path[i]);
    SSL_CTX_free(c->ssl);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- OpenSSL's side of the carrier ---- */

static int bio_moved(BIO *b, struct ward_tlsio *t, enum ward_tlsio_state state, size_t n,
                     bool reading)
{
    BIO_clear_retry_flags(b);
    if (state == WARD_TLSIO_OK)
        return (int)n;
    if (state == WARD_TLSIO_AGAIN && reading)
        BIO_set_retry_read(b);
    else if (state == WARD_TLSIO_AGAIN)
        BIO_set_retry_write(b);
    else
        t->closed = true;
    return -1;
}

static int bio_write(BIO *b, const char *from, int len)
{
    struct ward_tlsio *t = BIO_get_data(b);
    size_t n = (size_t)len;
    enum ward_tlsio_state state = t->carrier.send(t->carrier.io, from, &n);

    return bio_moved(b, t, state, n, false);
}

static int bio_read(BIO *b, char *to, int len)
{
    struct ward_tlsio *t = BIO_get_data(b);
    size_t n = (size_t)len;
    enum ward_tlsio_state state = t->carrier.recv(t->carrier.io, to, &n);

    return bio_moved(b, t, state, n, true);
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b, (void)num, (void)ptr;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

/* One BIO method for the whole process, because OpenSSL has only about a hundred numbers for
 * BIO types and never reuses them. */
static BIO_METHOD *method;

static void method_begin(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ward");

    if (m != NULL && BIO_meth_set_write(m, bio_write) == 1 &&
        BIO_meth_set_read(m, bio_read) == 1 && BIO_meth_set_ctrl(m, bio_ctrl) == 1)
        method = m;
}

static BIO *bio_of(struct ward_tlsio *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *b;

    pthread_once(&once, method_begin);
    b = method == NULL ? NULL : BIO_new(method);
    if (b == NULL)
        return NULL;
    BIO_set_data(b, t);
    BIO_set_init(b, 1);
    return b;
}

/* ---- a connection ---- */

static bool expect(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *p = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1)
        return true;
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(p, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

enum ward_code ward_tlsio_open(struct ward_tlsio_ctx *ctx, const char *server_name,
                               const struct ward_tlsio_carrier *carrier,
                               struct ward_tlsio **out, struct ward_err *err)
{
    struct ward_tlsio *t = calloc(1, sizeof(*t));
    SSL_CTX *ssl = fresh(ctx);
    BIO *bio;

    if (t == NULL || (t->ssl = SSL_new(ssl)) == NULL || (bio = bio_of(t)) == NULL)
        goto fail;
    t->carrier = *carrier;
    SSL_set_bio(t->ssl, bio, bio);
    if (ctx->server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    if (!ctx->server && (server_name == NULL || !expect(t->ssl, server_name)))
        goto fail;
    SSL_CTX_free(ssl);
    *out = t;
    return WARD_OK;

fail:
    SSL_CTX_free(ssl);
    ward_tlsio_close(t);
    ERR_clear_error();
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create a TLS connection");
}

void ward_tlsio_close(struct ward_tlsio *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    free(t);
}

static enum ward_tlsio_state state_of(struct ward_tlsio *t, int rc)
{
    int why = SSL_get_error(t->ssl, rc);

    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return WARD_TLSIO_AGAIN;
    return why == SSL_ERROR_ZERO_RETURN || t->closed ? WARD_TLSIO_CLOSED : WARD_TLSIO_FAILED;
}

enum ward_tlsio_state ward_tlsio_handshake(struct ward_tlsio *t)
{
    int rc = SSL_do_handshake(t->ssl);

    return rc == 1 ? WARD_TLSIO_OK : state_of(t, rc);
}

enum ward_tlsio_state ward_tlsio_read(struct ward_tlsio *t, void *to, size_t *n)
{
    int rc = SSL_read_ex(t->ssl, to, *n, n);

    return rc == 1 ? WARD_TLSIO_OK : state_of(t, rc);
}

enum ward_tlsio_state ward_tlsio_write(struct ward_tlsio *t, const void *from, size_t *n)
{
    int rc = SSL_write_ex(t->ssl, from, *n, n);

    return rc == 1 ? WARD_TLSIO_OK : state_of(t, rc);
}

void ward_tlsio_bye(struct ward_tlsio *t)
{
    if (SSL_is_init_finished(t->ssl) && !t->closed)
        SSL_shutdown(t->ssl);
    ERR_clear_error();
}

/* Returns the service in the only URI of the certificate. Returns no name if there are several
 * URIs, or if the URI contains a NUL or a further slash. */
static void name_of(X509 *cert, char out[65])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    const size_t skip = sizeof(SPIFFE) - 1;
    int found = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        const char *uri;
        size_t n;

        if (g->type != GEN_URI)
            continue;
        uri = (const char *)ASN1_STRING_get0_data(g->d.uniformResourceIdentifier);
        n = (size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier);
        if (n <= skip || n - skip > 64 || memcmp(uri, SPIFFE, skip) != 0 ||
            memchr(uri, '\0', n) != NULL || memchr(uri + skip, '/', n - skip) != NULL)
            continue;
        memcpy(out, uri + skip, n - skip);
        out[n - skip] = '\0';
        found++;
    }
    GENERAL_NAMES_free(names);
    if (found != 1)
        out[0] = '\0';
}

const char *ward_tlsio_peer(struct ward_tlsio *t)
{
    X509 *cert;

    if (!SSL_is_init_finished(t->ssl) || SSL_get_verify_result(t->ssl) != X509_V_OK)
        return NULL;
    cert = SSL_get0_peer_certificate(t->ssl);
    if (cert == NULL)
        return NULL;
    if (t->peer[0] == '\0')
        name_of(cert, t->peer);
    return t->peer;
}
