#include "common/base/log.h"
#include "common/rpc/h2/sockets.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOG_GAP_NS (1000 * WARD_NS_PER_MS)

/* Identifies a version of a file: a changed file differs in at least one member. */
struct stamp {
    ino_t ino;
    off_t size;
    struct timespec changed;
};
struct tls {
    struct ward_tls files;
    /* Replaced by tls_look under the lock; other threads read it under the lock. */
    SSL_CTX *ctx;
    pthread_mutex_t lock;
    struct stamp seen[3];
};

static void stamps(const struct ward_tls *f, struct stamp out[3])
{
    const char *paths[] = {f->cert, f->key, f->ca};
    struct stat st;

    for (size_t i = 0; i < WARD_COUNT(paths); i++) {
        memset(&out[i], 0, sizeof(out[i]));
        if (stat(paths[i], &st) != 0)
            continue;
        out[i].ino = st.st_ino;
        out[i].size = st.st_size;
        out[i].changed = st.st_mtim;
    }
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *n,
                     const unsigned char *in, unsigned n_in, void *arg)
{
    (void)ssl, (void)arg;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, n, (const uint8_t *)"\x02h2",
                                 3, in, n_in) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void on_message(int sent, int version, int type, const void *buf, size_t len, SSL *ssl,
                       void *arg)
{
    int *messages = SSL_get_app_data(ssl);

    (void)version, (void)buf, (void)len, (void)arg;
    /* A refused renegotiation (TLS 1.2) is seen only by the alert that answers it. */
    if ((!sent && type == SSL3_RT_HANDSHAKE) || type == SSL3_RT_ALERT)
        ++*messages;
}

static void settle(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* For TLS 1.2; RFC 9113, 9.2.2. */
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    /* No session tickets, also not in TLS 1.2. A resumed session would skip the client's
     * certificate, so a replaced certificate authority would still be trusted. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS); /* an idle connection has no buffers */
    /* Otherwise, one SSL_read continues as long as a peer sends records without data. */
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    /* One read for a whole record, not separate reads for header and body. */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_alpn_select_cb(ctx, choose_h2, NULL);
    SSL_CTX_set_msg_callback(ctx, on_message);
}

static enum ward_code load(const struct ward_tls *f, SSL_CTX **out, struct ward_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    enum ward_code code = WARD_OK;

    WARD_ASSERT(ctx != NULL);
    ERR_clear_error();
    if (SSL_CTX_load_verify_locations(ctx, f->ca, NULL) != 1)
        code = WARD_FAIL(err, FAILED_PRECONDITION, "cannot read %s", f->ca);
    else if (SSL_CTX_use_certificate_chain_file(ctx, f->cert) != 1)
        code = WARD_FAIL(err, FAILED_PRECONDITION, "cannot read %s", f->cert);
    else if (SSL_CTX_use_PrivateKey_file(ctx, f->key, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(ctx) != 1)
        code = WARD_FAIL(err, FAILED_PRECONDITION, "%s and %s are not a key pair of PEM files",
                         f->cert, f->key);
    ERR_clear_error();
    if (code != WARD_OK) {
        SSL_CTX_free(ctx);
        return code;
    }
    settle(ctx);
    *out = ctx;
    return WARD_OK;
}

enum ward_code tls_open(const struct ward_tls *files, struct tls **out, struct ward_err *err)
{
    struct tls *t = calloc(1, sizeof(*t));
    enum ward_code code;

    WARD_ASSERT(t != NULL);
    t->files = *files;
    pthread_mutex_init(&t->lock, NULL);
    stamps(files, t->seen);
    code = load(files, &t->ctx, err);
    if (code != WARD_OK) {
        tls_close(t);
        return code;
    }
    *out = t;
    return WARD_OK;
}

void tls_close(struct tls *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->ctx); /* accepts NULL */
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* A certificate and its key are two files and do not change at the same moment. A pair that
 * does not match yet may match after the next change. */
void tls_look(struct tls *t)
{
    struct stamp now[3];
    struct ward_err err = {0};
    SSL_CTX *new, *old;

    stamps(&t->files, now);
    if (memcmp(now, t->seen, sizeof(now)) == 0)
        return;
    if (load(&t->files, &new, &err) != WARD_OK) {
        ward_log_err(WARD_LOG_WARN,
                     "the new certificates cannot be used; the old certificates remain in use",
                     &err);
        memcpy(t->seen, now, sizeof(now));
        return;
    }
    memcpy(t->seen, now, sizeof(now));
    pthread_mutex_lock(&t->lock);
    old = t->ctx;
    t->ctx = new;
    pthread_mutex_unlock(&t->lock);
    SSL_CTX_free(old);
    WARD_LOG(INFO, "certificates were reloaded", WARD_KV("cert", t->files.cert));
}

SSL *tls_new(struct tls *t, int fd, int *messages)
{
    SSL *ssl;

    pthread_mutex_lock(&t->lock);
    ssl = SSL_new(t->ctx);
    pthread_mutex_unlock(&t->lock);
    if (ssl == NULL)
        return NULL;
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_app_data(ssl, messages);
    SSL_set_accept_state(ssl);
    return ssl;
}

/* Copies the name from the peer's certificate. A SPIFFE certificate has exactly one URI. A peer
 * without a name may only query health. */
static void name(SSL *ssl, char peer[RPC_PEER])
{
    X509 *x = SSL_get0_peer_certificate(ssl);
    GENERAL_NAMES *names =
        x == NULL ? NULL : X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int uris = 0;

    *peer = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        const ASN1_STRING *uri = g->d.uniformResourceIdentifier;

        if (g->type != GEN_URI)
            continue;
        if (++uris == 1)
            admit_uri((const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri),
                      peer);
    }
    if (uris > 1)
        *peer = '\0';
    GENERAL_NAMES_free(names);
}

bool tls_agreed(SSL *ssl, char peer[RPC_PEER])
{
    const unsigned char *alpn = NULL;
    unsigned n = 0;

    name(ssl, peer);
    SSL_get0_alpn_selected(ssl, &alpn, &n);
    return n == 2 && memcmp(alpn, "h2", 2) == 0;
}

/* A client can cause any number of failures, so at most one line per second is logged. */
void tls_failed(void)
{
    static _Atomic int64_t last;
    static atomic_uint more;
    int64_t now = ward_mono_ns(), was = atomic_load(&last);
    const char *why = ERR_reason_error_string(ERR_peek_error());

    h2_stat_refused("handshake");
    if (now - was < LOG_GAP_NS || !atomic_compare_exchange_strong(&last, &was, now)) {
        atomic_fetch_add(&more, 1);
        return;
    }
    WARD_LOG(WARN, "TLS handshake failed", WARD_KV("why", why == NULL ? "unknown" : why),
             WARD_KN("more", atomic_exchange(&more, 0)));
}
