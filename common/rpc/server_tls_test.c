#include "cli/pki/pki.h"
#include "common/rpc/server_testing.h"

#include <unistd.h>

#define ISSUER   "https://issuer.test"
#define AUDIENCE "ward"

static char dir[64], other[64];
static struct ward_rpc *rpc;
static struct ward_jwks *jwks;
static struct ward_sign_key *key;
static struct ward_arena mem;
static struct ward_err err;
static char cert_path[160], key_path[160], ca_path[160];

/* ---- files ---- */

static const char *at(char *out, const char *in, const char *name, const char *suffix)
{
    snprintf(out, 160, "%s/%s%s", in, name, suffix);
    return out;
}

static struct ward_tls pem_of(const char *in, const char *name)
{
    return (struct ward_tls){.cert = at(cert_path, in, name, ".pem"),
                             .key = at(key_path, in, name, ".key"),
                             .ca = at(ca_path, dir, "ca", ".pem")};
}

static void write_file(const char *path, const char *text, size_t n)
{
    char tmp[170];
    FILE *f;

    snprintf(tmp, sizeof(tmp), "%s.new", path);
    f = fopen(tmp, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(tmp, path), 0);
}

static void copy_file(const char *from, const char *to)
{
    char text[8192];
    FILE *f = fopen(from, "re");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    assert_in_range(n, 1, sizeof(text) - 1);
    write_file(to, text, n);
}

/* Installs the certificate of `name` for the server. */
static void install(const char *name)
{
    char from[160], to[160];

    copy_file(at(from, dir, name, ".key"), at(to, dir, "live", ".key"));
    copy_file(at(from, dir, name, ".pem"), at(to, dir, "live", ".pem"));
}

static void make_keys(void)
{
    const struct ward_sign_key *keys[1];
    uint8_t seed[WARD_ED25519_SEED];
    char path[160], *text = NULL;

    ward_random(seed, sizeof(seed));
    assert_int_equal(ward_sign_key_new(seed, &key, &err), WARD_OK);
    keys[0] = key;
    assert_int_equal(ward_jwks_print(keys, 1, &mem, &text, &err), WARD_OK);
    write_file(at(path, dir, "jwks", ".json"), text, strlen(text));
    assert_int_equal(
        ward_jwks_open(
            &(struct ward_jwks_config){.path = path, .issuer = ISSUER, .audience = AUDIENCE},
            &jwks, &err),
        WARD_OK);
}

static int set_up(void **state)
{
    static const char *const names[] = {"echo", "renamed", "friend", "stranger"};
    static char cert[160], key_file[160], ca[160];
    struct ward_rpc_config cfg = config_of();

    (void)state;
    ward_arena_init(&mem, (size_t)4 << 20);
    snprintf(dir, sizeof(dir), "/tmp/ward-tls-XXXXXX");
    snprintf(other, sizeof(other), "/tmp/ward-tls-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_non_null(mkdtemp(other));
    assert_int_equal(ward_pki_ca(dir, &err), WARD_OK);
    assert_int_equal(ward_pki_ca(other, &err), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(names); i++)
        assert_int_equal(ward_pki_issue(dir, names[i], 1, &err), WARD_OK);
    assert_int_equal(ward_pki_issue(other, "friend", 1, &err), WARD_OK);
    install("echo");
    make_keys();
    cfg.tls = (struct ward_tls){.cert = at(cert, dir, "live", ".pem"),
                                .key = at(key_file, dir, "live", ".key"),
                                .ca = at(ca, dir, "ca", ".pem")};
    cfg.jwks = jwks;
    rpc = started(&cfg);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"ca", "echo", "renamed", "friend", "stranger", "live"};
    char path[160];

    (void)state;
    ward_rpc_stop(rpc, 5000);
    ward_jwks_close(jwks);
    ward_sign_key_free(key);
    ward_arena_done(&mem);
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        unlink(at(path, dir, names[i], ".pem"));
        unlink(at(path, dir, names[i], ".key"));
        unlink(at(path, other, names[i], ".pem"));
        unlink(at(path, other, names[i], ".key"));
    }
    unlink(at(path, dir, "jwks", ".json"));
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(other), 0);
    return 0;
}

/* ---- calls ---- */

static char *token_of(const char *role, int lifetime_s)
{
    struct ward_principal who = {.subject = "nurse-7",
                                 .issuer = ISSUER,
                                 .ward = "4B",
                                 .purpose = "TREAT",
                                 .n_roles = 1,
                                 .roles = {role}};
    char *token = NULL;

    assert_int_equal(ward_jwt_issue(key, &who, AUDIENCE, lifetime_s, &mem, &token, &err),
                     WARD_OK);
    return token;
}

static enum ward_code call_as(const char *name, const char *path, const char *token,
                              const char *text, Response **r)
{
    struct ward_tls tls = pem_of(dir, name);
    struct ward_client *cl = client_of(rpc, &tls);
    struct ward_out with = {.token = token};
    enum ward_code code;

    err = (struct ward_err){0};
    code = ask(cl, path, REQUEST(TEXT(text)), &with, &mem, r, &err);
    ward_client_close(cl);
    return code;
}

static void a_caller_is_the_name_in_its_certificate(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call_as("friend", ECHO(Fast), NULL, "", &r), WARD_OK);
    assert_string_equal(r->peer, "friend");
    assert_int_equal(call_as("stranger", ECHO(Unary), NULL, "", &r), WARD_OK);
    assert_string_equal(r->peer, "stranger");
    assert_string_equal(r->subject, "");
}

static void only_a_listed_caller_with_the_persons_role_gets_in(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call_as("friend", ECHO(Guarded), token_of("nurse", 60), "", &r), WARD_OK);
    assert_string_equal(r->subject, "nurse-7");
    assert_int_equal(room.refused, 0);

    assert_int_equal(call_as("stranger", ECHO(Guarded), token_of("nurse", 60), "", &r),
                     WARD_PERMISSION_DENIED);
    assert_string_equal(err.reason, "CALLER_NOT_ALLOWED");
    assert_int_equal(room.refused, 1);
    assert_string_equal(room.refused_peer, "stranger");

    assert_int_equal(call_as("friend", ECHO(Guarded), token_of("clerk", 60), "", &r),
                     WARD_PERMISSION_DENIED);
    assert_string_equal(err.reason, "ROLE_MISSING");
    assert_int_equal(room.refused, 2);
    assert_string_equal(room.refused_subject, "nurse-7");

    assert_int_equal(call_as("friend", ECHO(Guarded), NULL, "", &r), WARD_UNAUTHENTICATED);
    assert_string_equal(err.reason, "TOKEN_MISSING");
    assert_int_equal(room.refused, 3);
    assert_string_equal(room.refused_subject, "");

    assert_int_equal(call_as("friend", ECHO(Closed), token_of("nurse", 60), "", &r),
                     WARD_PERMISSION_DENIED);
    assert_int_equal(room.entered, 1);
}

static void a_token_that_comes_is_checked_even_where_none_is_needed(void **state)
{
    char *changed = token_of("nurse", 60);
    Response *r;

    (void)state;
    assert_int_equal(call_as("friend", ECHO(Unary), changed, "", &r), WARD_OK);
    assert_string_equal(r->subject, "nurse-7");
    changed[strlen(changed) / 2] = changed[strlen(changed) / 2] == 'A' ? 'B' : 'A';
    assert_int_equal(call_as("friend", ECHO(Unary), changed, "", &r), WARD_UNAUTHENTICATED);
    assert_int_equal(call_as("friend", ECHO(Fast), changed, "", &r), WARD_UNAUTHENTICATED);
    assert_int_equal(call_as("friend", ECHO(Fast), "x", "", &r), WARD_UNAUTHENTICATED);
    assert_int_equal(room.entered, 1);
}

static void the_same_token_is_good_for_many_calls(void **state)
{
    char *token = token_of("nurse", 60);
    Response *r;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(call_as("friend", ECHO(Guarded), token, "", &r), WARD_OK);
        assert_string_equal(r->subject, "nurse-7");
    }
}

static void an_act_without_its_event_is_an_internal_error(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call_as("friend", ECHO(Guarded), token_of("nurse", 60), "forget", &r),
                     WARD_INTERNAL);
    assert_string_equal(err.msg, "internal error");
    assert_int_equal(room.refused, 1);
    assert_int_equal(room.refused_code, WARD_INTERNAL);
}

static void a_failed_audited_call_is_audited_even_without_memory_or_time(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call_as("friend", ECHO(Guarded), token_of("nurse", 60), "hog", &r),
                     WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(room.refused, 1);
    assert_int_equal(room.refused_code, WARD_RESOURCE_EXHAUSTED);
}

/* ---- rejected connections ---- */

static grpc_connectivity_state reached(grpc_channel_credentials *creds)
{
    grpc_completion_queue *cq = grpc_completion_queue_create_for_next(NULL);
    grpc_connectivity_state now;
    grpc_channel *ch;
    char target[64];
    grpc_arg name = {.type = GRPC_ARG_STRING,
                     .key = (char *)(uintptr_t)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
                     .value.string = (char *)(uintptr_t) "localhost"};

    snprintf(target, sizeof(target), "127.0.0.1:%d", ward_rpc_port(rpc));
    ch = grpc_channel_create(target, creds, &(grpc_channel_args){.num_args = 1, .args = &name});
    now = grpc_channel_check_connectivity_state(ch, 1);
    while (now == GRPC_CHANNEL_IDLE || now == GRPC_CHANNEL_CONNECTING) {
        grpc_channel_watch_connectivity_state(ch, now, gpr_inf_future(GPR_CLOCK_MONOTONIC), cq,
                                              NULL);
        grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        now = grpc_channel_check_connectivity_state(ch, 1);
    }
    grpc_channel_destroy(ch);
    grpc_channel_credentials_release(creds);
    grpc_completion_queue_shutdown(cq);
    grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(cq);
    return now;
}

static char *text_of(const char *in, const char *name, const char *suffix)
{
    char path[160], *text = ward_alloc(&mem, 8192);
    FILE *f = fopen(at(path, in, name, suffix), "re");

    assert_non_null(f);
    assert_in_range(fread(text, 1, 8191, f), 1, 8190);
    fclose(f);
    return text;
}

static grpc_channel_credentials *ssl(const char *from)
{
    grpc_ssl_pem_key_cert_pair pair;

    if (from == NULL)
        return grpc_ssl_credentials_create(text_of(dir, "ca", ".pem"), NULL, NULL, NULL);
    pair = (grpc_ssl_pem_key_cert_pair){.private_key = text_of(from, "friend", ".key"),
                                        .cert_chain = text_of(from, "friend", ".pem")};
    return grpc_ssl_credentials_create(text_of(dir, "ca", ".pem"), &pair, NULL, NULL);
}

/* A TLS 1.3 client finishes its handshake before the server checks the client's certificate. A
 * rejected client may therefore look connected for a moment. The test checks that no call is
 * served. */
static void nobody_is_served_without_a_certificate_of_the_ca(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(reached(ssl(dir)), GRPC_CHANNEL_READY); /* the check itself works */
    assert_int_not_equal(reached(grpc_insecure_credentials_create()), GRPC_CHANNEL_READY);
    assert_int_not_equal(reached(ssl(NULL)), GRPC_CHANNEL_READY);
    assert_int_not_equal(reached(ssl(other)), GRPC_CHANNEL_READY);
    assert_int_equal(call_as("friend", ECHO(Unary), NULL, "", &r), WARD_OK);
    assert_int_equal(room.entered, 1);
}

/* ---- changed or invalid files ---- */

static enum ward_code call_expecting(const char *server)
{
    struct ward_tls tls = pem_of(dir, "friend");
    struct ward_client *cl = NULL;
    char target[64];
    enum ward_code code;
    Response *r;

    snprintf(target, sizeof(target), "127.0.0.1:%d", ward_rpc_port(rpc));
    assert_int_equal(
        ward_client_open(
            &(struct ward_client_config){.target = target, .tls = tls, .server = server}, &cl,
            &err),
        WARD_OK);
    code = ask(cl, ECHO(Guarded), REQUEST(.repeat = 0), NULL, &mem, &r, &err);
    ward_client_close(cl);
    return code;
}

/* Guarded is not retried, so each try uses one connection. UNAUTHENTICATED comes from the
 * server, so the server was reached. */
static void a_new_certificate_is_served_without_a_restart(void **state)
{
    (void)state;
    assert_int_equal(call_expecting("echo"), WARD_UNAUTHENTICATED);
    assert_int_not_equal(call_expecting("renamed"), WARD_UNAUTHENTICATED);
    install("renamed");
    UNTIL(call_expecting("renamed") == WARD_UNAUTHENTICATED);
    assert_int_not_equal(call_expecting("echo"), WARD_UNAUTHENTICATED);
}

static void certificates_that_cannot_work_stop_the_start(void **state)
{
    struct ward_rpc_config cfg = config_of();
    struct ward_rpc *none = NULL;
    char mixed[160], empty[160];

    (void)state;
    cfg.tls = pem_of(dir, "echo");
    cfg.tls.key = at(mixed, dir, "friend", ".key");
    assert_int_equal(ward_rpc_start(&cfg, &none, &err), WARD_FAILED_PRECONDITION);
    cfg.tls = pem_of(dir, "echo");
    cfg.tls.cert = at(mixed, dir, "jwks", ".json");
    assert_int_equal(ward_rpc_start(&cfg, &none, &err), WARD_FAILED_PRECONDITION);
    write_file(at(empty, dir, "empty", ".pem"), "", 0);
    cfg.tls = pem_of(dir, "echo");
    cfg.tls.ca = empty;
    assert_int_equal(ward_rpc_start(&cfg, &none, &err), WARD_FAILED_PRECONDITION);
    unlink(empty);
    cfg.tls.ca = "/nowhere/ca.pem";
    assert_int_equal(ward_rpc_start(&cfg, &none, &err), WARD_FAILED_PRECONDITION);
    cfg.tls.ca = "";
    assert_int_equal(ward_rpc_start(&cfg, &none, &err), WARD_FAILED_PRECONDITION);
    assert_null(none);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_caller_is_the_name_in_its_certificate),
        SERVED(only_a_listed_caller_with_the_persons_role_gets_in),
        SERVED(a_token_that_comes_is_checked_even_where_none_is_needed),
        SERVED(the_same_token_is_good_for_many_calls),
        SERVED(an_act_without_its_event_is_an_internal_error),
        SERVED(a_failed_audited_call_is_audited_even_without_memory_or_time),
        SERVED(nobody_is_served_without_a_certificate_of_the_ca),
        SERVED(a_new_certificate_is_served_without_a_restart),
        SERVED(certificates_that_cannot_work_stop_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
