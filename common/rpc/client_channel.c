/* Creates a client's channel: its arguments, and the check of the server's name. */
#include "common/rpc/client_impl.h"
#include "common/rpc/core.h" /* args_quiet: server and clients use one core */

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/string_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_MESSAGE     ((size_t)4 << 20)
#define DESCRIPTORS_CAP ((size_t)32 << 20)
#define RELOAD_S        1

/* By default, core waits a second before it reconnects and allows 20 s for an attempt, which is
 * too slow for services that restart in less than a second. The keepalive is for streams: a
 * peer whose machine failed is detected in at most 30 + 10 s. */
#define RECONNECT_FIRST_MS  100
#define RECONNECT_MAX_MS    5000
#define CONNECT_MS          5000
#define KEEPALIVE_MS        30000
#define KEEPALIVE_ANSWER_MS 10000

/* Spreads calls over all addresses that are healthy by grpc.health.v1 ("" is the whole server).
 * Retries are not configured here, because core would hide them from the caller and from tests.
 * Core still resends a call that the server certainly never processed (GOAWAY), which is safe
 * for any method. */
static const char SPREAD[] = "{\"loadBalancingConfig\":[{\"round_robin\":{}}],"
                             "\"healthCheckConfig\":{\"serviceName\":\"\"}}";

static bool starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool is_here(const char *address)
{
    static const char *const hosts[] = {"127.", "localhost:", "[::1]:"};

    for (size_t i = 0; i < WARD_COUNT(hosts); i++) {
        if (!starts(address, hosts[i]))
            continue;
        /* "127." must begin an address, not a name such as 127.example.org. */
        return i != 0 || strspn(address, "0123456789.") == strcspn(address, ":,");
    }
    return false;
}

/* Plain text may go where no one else can listen: every address of the target is here. */
bool ward_client_is_local(const char *target)
{
    static const char *const schemes[] = {"dns:///", "ipv4:", "ipv6:"};

    if (starts(target, "unix:") || starts(target, "unix-abstract:"))
        return true;
    for (size_t i = 0; i < WARD_COUNT(schemes); i++) {
        if (starts(target, schemes[i])) {
            target += strlen(schemes[i]);
            break;
        }
    }
    while (is_here(target)) {
        target = strchr(target, ',');
        if (target++ == NULL)
            return true;
    }
    return false;
}

void ward_peer_check_drop(struct ward_peer_check *check)
{
    if (check != NULL && atomic_fetch_sub(&check->refs, 1) == 1)
        free(check);
}

struct external {
    grpc_tls_certificate_verifier_external calls;
    struct ward_peer_check *check;
};

/* Runs in the handshake after the chain was verified, before any data of a call is sent. A
 * SPIFFE certificate has exactly one URI. */
static int verify(void *arg, grpc_tls_custom_verification_check_request *peer,
                  grpc_tls_on_custom_verification_check_done_cb done, void *done_arg,
                  grpc_status_code *status, char **words)
{
    struct ward_peer_check *check = ((struct external *)arg)->check;
    bool same = peer->peer_info.san_names.uri_names_size == 1 &&
                strcmp(peer->peer_info.san_names.uri_names[0], check->uri) == 0;

    (void)done, (void)done_arg;
    atomic_store(&check->refused, !same);
    *status = same ? GRPC_STATUS_OK : GRPC_STATUS_UNAUTHENTICATED;
    if (!same)
        *words = gpr_strdup("the server's certificate bears another name");
    return 1; /* the check is complete */
}

static void no_cancel(void *arg, grpc_tls_custom_verification_check_request *peer)
{
    (void)arg, (void)peer;
}

static void external_free(void *arg)
{
    struct external *e = arg;

    ward_peer_check_drop(e->check);
    free(e);
}

static struct external *external_new(const char *server)
{
    struct ward_peer_check *c = calloc(1, sizeof(*c));
    struct external *e = calloc(1, sizeof(*e));

    if (c == NULL || e == NULL) {
        free(c);
        free(e);
        return NULL;
    }
    atomic_init(&c->refs, 2); /* one for the client and one for core */
    atomic_init(&c->refused, false);
    snprintf(c->uri, sizeof(c->uri), "spiffe://ward/%s", server);
    *e = (struct external){.calls = {.user_data = e,
                                     .verify = verify,
                                     .cancel = no_cancel,
                                     .destruct = external_free},
                           .check = c};
    return e;
}

static enum ward_code readable(const char *path, struct ward_err *err)
{
    if (path == NULL || *path == '\0')
        return WARD_FAIL(
            err, FAILED_PRECONDITION,
            "certificate, key and authority must be set together; one of them is missing");
    if (access(path, R_OK) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s cannot be read", path);
    return WARD_OK;
}

static enum ward_code tls(const struct ward_client_config *cfg, grpc_channel_credentials **out,
                          struct ward_peer_check **check, struct ward_err *err)
{
    grpc_tls_credentials_options *opts;
    grpc_tls_certificate_provider *files;
    grpc_tls_certificate_verifier *verifier;
    struct external *external;

    WARD_TRY(readable(cfg->tls.cert, err));
    WARD_TRY(readable(cfg->tls.key, err));
    WARD_TRY(readable(cfg->tls.ca, err));
    if (cfg->server == NULL || *cfg->server == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "the expected server's name is empty");
    external = external_new(cfg->server);
    if (external == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a client");

    *check = external->check;
    verifier = grpc_tls_certificate_verifier_external_create(&external->calls);
    files = grpc_tls_certificate_provider_file_watcher_create(cfg->tls.key, cfg->tls.cert,
                                                              cfg->tls.ca, RELOAD_S);
    opts = grpc_tls_credentials_options_create();
    grpc_tls_credentials_options_set_certificate_provider(opts, files);
    grpc_tls_credentials_options_watch_root_certs(opts);
    grpc_tls_credentials_options_watch_identity_key_cert_pairs(opts);
    grpc_tls_credentials_options_set_verify_server_cert(opts, 1);
    grpc_tls_credentials_options_set_certificate_verifier(opts, verifier);
    /* The URI is checked instead: a host name may be a pod's address, which no certificate
     * contains. */
    grpc_tls_credentials_options_set_check_call_host(opts, 0);
    *out = grpc_tls_credentials_create(opts);
    grpc_tls_certificate_provider_release(files);
    grpc_tls_certificate_verifier_release(verifier);
    return WARD_OK;
}

static bool given(const char *s)
{
    return s != NULL && *s != '\0';
}

enum ward_code ward_client_creds(const struct ward_client_config *cfg,
                                 grpc_channel_credentials **out, struct ward_peer_check **check,
                                 struct ward_err *err)
{
    if (given(cfg->tls.cert) || given(cfg->tls.key) || given(cfg->tls.ca))
        return tls(cfg, out, check, err);
    if (!ward_client_is_local(cfg->target))
        return WARD_FAIL(
            err, FAILED_PRECONDITION,
            "a connection to another machine needs TLS: set certificate, key and authority");
    *out = grpc_insecure_credentials_create();
    *check = NULL;
    return WARD_OK;
}

static grpc_arg number(const char *key, size_t value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER,
                      .key = (char *)(uintptr_t)key,
                      .value.integer = value > INT32_MAX ? INT32_MAX : (int)value};
}

static grpc_channel *channel(const struct ward_client_config *cfg, size_t max_message,
                             grpc_channel_credentials *creds)
{
    grpc_arg args[] = {
        number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, max_message),
        number(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, max_message),
        number(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_ANSWER_MS),
        number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS),
        number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS),
        number(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS), /* time limit of an attempt */
        number(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        number(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        number(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        {.type = GRPC_ARG_STRING,
         .key = (char *)(uintptr_t)GRPC_ARG_SERVICE_CONFIG,
         .value.string = (char *)(uintptr_t)SPREAD},
    };
    /* A single address needs neither spreading nor health checks. */
    bool many = starts(cfg->target, "dns:") || strchr(cfg->target, ',') != NULL;
    size_t n = WARD_COUNT(args) - (many ? 0 : 1);

    return grpc_channel_create(cfg->target, creds,
                               &(grpc_channel_args){.num_args = n, .args = args});
}

enum ward_code ward_client_open(const struct ward_client_config *cfg, struct ward_client **out,
                                struct ward_err *err)
{
    const struct ward_descriptors *d = cfg->descriptors ? cfg->descriptors : &ward_proto_set;
    grpc_channel_credentials *creds;
    struct ward_client *cl;
    enum ward_code code;

    if (!given(cfg->target))
        return WARD_FAIL(err, FAILED_PRECONDITION, "the client's target is empty");
    cl = calloc(1, sizeof(*cl));
    if (cl == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a client");
    ward_arena_init(&cl->mem, DESCRIPTORS_CAP);
    cl->max_message = cfg->max_message == 0 ? MAX_MESSAGE : cfg->max_message;
    cl->beside_server = cfg->beside_server;
    cl->pumped = cl->beside_server && transport_chosen() != &transport_core;
    if (cl->pumped)
        core_pump_hold();
    snprintf(cl->server, sizeof(cl->server), "%s",
             given(cfg->server) ? cfg->server : "the server");
    args_quiet();
    grpc_init();
    code = ward_set_parse(d, &cl->mem, &cl->set, err);
    if (code == WARD_OK)
        code = ward_client_creds(cfg, &creds, &cl->check, err);
    if (code != WARD_OK) {
        ward_client_close(cl);
        return code;
    }
    cl->channel = channel(cfg, cl->max_message, creds);
    grpc_channel_credentials_release(creds);
    *out = cl;
    return WARD_OK;
}

void ward_client_close(struct ward_client *cl)
{
    if (cl == NULL)
        return;
    if (cl->channel != NULL)
        grpc_channel_destroy(cl->channel);
    if (cl->pumped)
        core_pump_drop();
    ward_peer_check_drop(cl->check);
    ward_arena_done(&cl->mem);
    free(cl);
    grpc_shutdown();
}
