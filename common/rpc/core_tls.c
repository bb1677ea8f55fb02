#include "common/rpc/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX  ((size_t)1 << 20)
#define RELOAD_S 1

static enum ward_code slurp(const char *path, char **out, struct ward_err *err)
{
    FILE *f = fopen(path, "rbe");
    char *text;
    size_t n;

    if (f == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot read %s", path);
    text = calloc(1, PEM_MAX + 1);
    WARD_ASSERT(text != NULL);
    n = fread(text, 1, PEM_MAX, f);
    fclose(f);
    if (n == 0) {
        free(text);
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s is empty", path);
    }
    *out = text;
    return WARD_OK;
}

static void forget(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

/* Core requires a server that listened to be shut down before it is destroyed. */
static void discard(grpc_server *server)
{
    grpc_completion_queue *cq = grpc_completion_queue_create_for_next(NULL);
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    grpc_server_shutdown_and_notify(server, cq, NULL);
    grpc_completion_queue_next(cq, never, NULL);
    grpc_completion_queue_shutdown(cq);
    grpc_completion_queue_next(cq, never, NULL);
    grpc_completion_queue_destroy(cq);
    grpc_server_destroy(server);
}

/* The file watcher accepts any files and then rejects every handshake. Core's older credentials
 * check that key and certificate match, so they are used once as a test. */
static enum ward_code usable(const struct ward_tls *tls, struct ward_err *err)
{
    grpc_ssl_pem_key_cert_pair pair = {0};
    grpc_ssl_server_certificate_config *config;
    grpc_ssl_server_credentials_options *options;
    grpc_server_credentials *creds;
    char *ca = NULL, *cert = NULL, *key = NULL;
    grpc_server *probe;
    enum ward_code code;
    int port;

    if ((code = slurp(tls->ca, &ca, err)) == WARD_OK &&
        (code = slurp(tls->cert, &cert, err)) == WARD_OK &&
        (code = slurp(tls->key, &key, err)) == WARD_OK) {
        pair = (grpc_ssl_pem_key_cert_pair){.private_key = key, .cert_chain = cert};
        config = grpc_ssl_server_certificate_config_create(ca, &pair, 1);
        options = grpc_ssl_server_credentials_create_options_using_config(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, config);
        creds = grpc_ssl_server_credentials_create_with_options(options);
        probe = grpc_server_create(NULL, NULL);
        port = grpc_server_add_http2_port(probe, "127.0.0.1:0", creds);
        if (port == 0)
            code = WARD_FAIL(err, FAILED_PRECONDITION,
                             "%s and %s are not a key pair of PEM files", tls->cert, tls->key);
        grpc_server_credentials_release(creds);
        discard(probe);
    }
    forget(ca);
    forget(cert);
    forget(key);
    return code;
}

static grpc_server_credentials *watched(const struct ward_tls *tls)
{
    grpc_tls_certificate_provider *files = grpc_tls_certificate_provider_file_watcher_create(
        tls->key, tls->cert, tls->ca, RELOAD_S);
    grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
    grpc_server_credentials *creds;

    grpc_tls_credentials_options_set_certificate_provider(options, files);
    grpc_tls_credentials_options_watch_root_certs(options);
    grpc_tls_credentials_options_set_root_cert_name(options, "");
    grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
    grpc_tls_credentials_options_set_identity_cert_name(options, "");
    grpc_tls_credentials_options_set_cert_request_type(
        options, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    creds = grpc_tls_server_credentials_create(options);
    grpc_tls_certificate_provider_release(files);
    return creds;
}

enum ward_code tls_credentials(const struct ward_rpc_config *cfg, bool secure,
                               grpc_server_credentials **out, struct ward_err *err)
{
    if (!secure) {
        *out = grpc_insecure_server_credentials_create();
        return WARD_OK;
    }
    WARD_TRY(usable(&cfg->tls, err));
    *out = watched(&cfg->tls);
    return WARD_OK;
}
