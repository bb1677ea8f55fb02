#include "common/base/https.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct get {
    SSL_CTX *ctx;
    const char *host;
};

/* Sets the name that the certificate must have: an address or a host name. */
static bool expect(SSL *ssl, const char *host)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return true;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* OpenSSL calls this function before and after the exchange, to add TLS to the connection and
 * to remove TLS. */
static BIO *tls(BIO *bio, void *arg, int connected, int with_tls)
{
    const struct get *g = arg;
    BIO *on = NULL, *below;
    SSL *ssl;

    if (!with_tls)
        return bio;
    if (!connected) {
        below = BIO_pop(bio);
        BIO_free(bio);
        return below;
    }
    ssl = SSL_new(g->ctx);
    on = ssl == NULL ? NULL : BIO_new(BIO_f_ssl());
    if (on == NULL || !expect(ssl, g->host)) {
        SSL_free(ssl);
        BIO_free(on);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    BIO_set_ssl(on, ssl, BIO_CLOSE);
    return BIO_push(on, bio);
}

static SSL_CTX *context(const char *ca)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
        (ca == NULL ? SSL_CTX_set_default_verify_paths(ctx)
                    : SSL_CTX_load_verify_file(ctx, ca)) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* Reads the whole body. Returns NULL if the body exceeds `most` bytes or the connection breaks
 * off.
 */
static char *read_all(BIO *from, size_t most, size_t *n)
{
    char *all = malloc(most + 2);
    size_t got = 0;
    int more = 0;

    while (all != NULL && got <= most) {
        more = BIO_read(from, all + got, (int)(most + 1 - got));
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    if (all == NULL || got == 0 || got > most) {
        free(all);
        return NULL;
    }
    all[got] = '\0';
    *n = got;
    return all;
}

static bool is_here(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "::1") == 0;
}

static enum ward_code get(const char *url, struct get *g, size_t most, int timeout_s,
                          char **out, size_t *n, struct ward_err *err)
{
    BIO *answer =
        OSSL_HTTP_get(url, NULL, "*", NULL, NULL, tls, g, 0, NULL, NULL, 0, most, timeout_s);
    unsigned long why = ERR_peek_error();
    const char *reason = ERR_reason_error_string(why);
    char *all = answer == NULL ? NULL : read_all(answer, most, n);

    BIO_free_all(answer);
    ERR_clear_error();
    if (all == NULL)
        return WARD_FAIL(err, UNAVAILABLE, "cannot get %.80s: %.60s", url,
                         answer != NULL   ? "the answer is missing or too large"
                         : reason != NULL ? reason
                                          : "no answer");
    *out = all;
    return WARD_OK;
}

enum ward_code ward_https_get(const char *url, const char *ca, size_t most, int timeout_s,
                              char **out, size_t *n, struct ward_err *err)
{
    struct get g = {0};
    enum ward_code code;
    char *host = NULL;
    int secure = 0;

    if (OSSL_HTTP_parse_url(url, &secure, NULL, &host, NULL, NULL, NULL, NULL, NULL) != 1 ||
        (!secure && !is_here(host))) {
        OPENSSL_free(host);
        ERR_clear_error();
        return WARD_FAIL(err, INVALID_ARGUMENT, "%.80s is not an https:// URL", url);
    }
    g.host = host;
    g.ctx = context(ca);
    if (g.ctx == NULL)
        code = WARD_FAIL(err, FAILED_PRECONDITION, "cannot read the authority %.100s",
                         ca == NULL ? "of this system" : ca);
    else
        code = get(url, &g, most, timeout_s, out, n, err);
    SSL_CTX_free(g.ctx);
    OPENSSL_free(host);
    return code;
}
