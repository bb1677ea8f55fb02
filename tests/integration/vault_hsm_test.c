/* A root key in SoftHSM: the token, its keys and its PIN are made here, in a folder of its own,
 * and everything that may be wrong with them is. A key that lies in a file too opens there what
 * the token sealed, and the other way round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/text.h"
#include "common/vault/vault.h"

#include <fcntl.h>
#include <p11-kit/p11-kit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PIN    "271828"

static char dir[] = "/tmp/ward-hsm-XXXXXX";
static struct ward_err err;
static uint8_t key[WARD_KEY_SIZE]; /* of "kek", in the token and in a file */

/* ---- the bench: folder, token, keys ---- */

static void run(const char *const argv[])
{
    int status = 0, out;
    pid_t pid = fork();

    if (pid == 0) {
        out = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(out, STDOUT_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const char *path_of(const char *name)
{
    static char path[4][96];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
    return path[turn];
}

static const char *file(const char *name, const char *text, mode_t mode)
{
    const char *path = path_of(name);
    FILE *f;

    unlink(path);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
    return path;
}

static const char *uri(const char *token, const char *object, const char *pin)
{
    static char text[512];

    snprintf(text, sizeof(text), "pkcs11:token=%s;%s?module-path=" MODULE "&pin-source=file:%s",
             token, object, path_of(pin));
    return text;
}

static CK_SLOT_ID slot_of(CK_FUNCTION_LIST *f, const char *token)
{
    CK_SLOT_ID slots[16];
    CK_ULONG n = WARD_COUNT(slots);
    CK_TOKEN_INFO info;

    assert_int_equal(f->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
    for (CK_ULONG i = 0; i < n; i++) {
        assert_int_equal(f->C_GetTokenInfo(slots[i], &info), CKR_OK);
        if (strncmp((const char *)info.label, token, strlen(token)) == 0)
            return slots[i];
    }
    fail_msg("no token %s", token);
    return 0;
}

struct made {
    const char *label;
    CK_KEY_TYPE type;
    CK_ULONG size;
    CK_BBOOL sensitive, extractable;
    uint8_t id, first; /* of the key's bytes; 0: `key` */
};

static void make_key(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, const struct made *m)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE o;
    uint8_t value[WARD_KEY_SIZE], id = m->id;
    CK_KEY_TYPE type = m->type;
    CK_BBOOL sensitive = m->sensitive, extractable = m->extractable;
    CK_ATTRIBUTE with[] = {{CKA_CLASS, &class, sizeof(class)},
                           {CKA_KEY_TYPE, &type, sizeof(type)},
                           {CKA_TOKEN, &yes, sizeof(yes)},
                           {CKA_PRIVATE, &yes, sizeof(yes)},
                           {CKA_ENCRYPT, &yes, sizeof(yes)},
                           {CKA_DECRYPT, &yes, sizeof(yes)},
                           {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
                           {CKA_EXTRACTABLE, &extractable, sizeof(extractable)},
                           {CKA_LABEL, (void *)(uintptr_t)m->label, strlen(m->label)},
                           {CKA_ID, &id, sizeof(id)},
                           {CKA_VALUE, value, m->size}};

    memcpy(value, key, sizeof(value));
    if (m->first != 0)
        value[0] = m->first;
    assert_int_equal(f->C_CreateObject(s, with, WARD_COUNT(with), &o), CKR_OK);
}

static const struct made keys[] = {
    {"kek", CKK_AES, 32, CK_TRUE, CK_FALSE, 1, 0},
    {"loose", CKK_AES, 32, CK_TRUE, CK_TRUE, 2, 0},
    {"plain", CKK_AES, 32, CK_FALSE, CK_FALSE, 3, 0},
    {"short", CKK_AES, 16, CK_TRUE, CK_FALSE, 4, 0},
    {"generic", CKK_GENERIC_SECRET, 32, CK_TRUE, CK_FALSE, 5, 0},
    {"twin", CKK_AES, 32, CK_TRUE, CK_FALSE, 6, 7},
    {"twin", CKK_AES, 32, CK_TRUE, CK_FALSE, 7, 8},
};

/* What another program on this machine would do, in a session of its own. */
static CK_SESSION_HANDLE maker_open(CK_FUNCTION_LIST **f)
{
    CK_SESSION_HANDLE s;

    *f = p11_kit_module_load(MODULE, P11_KIT_MODULE_CRITICAL);
    assert_non_null(*f);
    assert_int_equal(p11_kit_module_initialize(*f), CKR_OK);
    assert_int_equal((*f)->C_OpenSession(slot_of(*f, "ward"),
                                         CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s),
                     CKR_OK);
    assert_int_equal((*f)->C_Login(s, CKU_USER, (uint8_t *)(uintptr_t)PIN, strlen(PIN)),
                     CKR_OK);
    return s;
}

static void maker_close(CK_FUNCTION_LIST *f)
{
    assert_int_equal(p11_kit_module_finalize(f), CKR_OK);
    p11_kit_module_release(f);
}

static void init_token(const char *label)
{
    const char *const argv[] = {"softhsm2-util", "--init-token", "--free", "--label", label,
                                "--so-pin",      "3141592",      "--pin",  PIN,       NULL};

    run(argv);
}

static int bench_make(void **state)
{
    char conf[256], hex[2 * WARD_KEY_SIZE + 2];
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE s;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(mkdir(path_of("tokens"), 0700), 0);
    snprintf(conf, sizeof(conf),
             "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n"
             "slots.removable = false\n",
             path_of("tokens"));
    assert_int_equal(setenv("SOFTHSM2_CONF", file("softhsm2.conf", conf, 0600), 1), 0);
    init_token("ward");
    init_token("double");
    init_token("double");
    ward_random(key, sizeof(key));
    key[0] = 1; /* the twins' keys differ from `key` in this byte */
    ward_hex(key, sizeof(key), hex);
    file("kek", hex, 0600);
    file("pin", PIN "\n", 0600);
    s = maker_open(&f);
    for (size_t i = 0; i < WARD_COUNT(keys); i++)
        make_key(f, s, &keys[i]);
    maker_close(f);
    return 0;
}

static int bench_remove(void **state)
{
    const char *const argv[] = {"rm", "-rf", dir, NULL};

    (void)state;
    run(argv);
    return 0;
}

/* ---- the tests ---- */

static struct ward_root *open_ok(const char *where)
{
    struct ward_root *r = NULL;
    enum ward_code code = ward_root_open(where, &r, &err);

    if (code != WARD_OK)
        fail_msg("%s: %s (%s)", ward_code_name(code), err.msg, err.detail);
    return r;
}

static void refused(const char *where, enum ward_code want, const char *words)
{
    struct ward_root *r = NULL;
    enum ward_code code = ward_root_open(where, &r, &err);

    if (code != want || strstr(err.msg, words) == NULL)
        fail_msg("%s: %s (%s)", ward_code_name(code), err.msg, err.detail);
    assert_null(r);
    assert_null(strstr(err.msg, PIN));
    assert_null(strstr(err.detail, PIN));
}

static void a_key_seals_and_opens(void **state)
{
    struct ward_root *r = open_ok(uri("ward", "object=kek", "pin"));
    uint8_t sealed[64 + WARD_SEAL_EXTRA], opened[64];

    (void)state;
    assert_string_equal(ward_root_kind(r), "pkcs11");
    assert_int_equal(ward_root_check(r, &err), WARD_OK);
    for (size_t n = 0; n <= 64; n += 16)
        for (size_t aad = 0; aad < 3; aad++) {
            assert_int_equal(ward_root_seal(r, "ab", aad, key, n / 2, sealed, &err), WARD_OK);
            assert_int_equal(
                ward_root_unseal(r, "ab", aad, sealed, n / 2 + WARD_SEAL_EXTRA, opened, &err),
                WARD_OK);
            assert_memory_equal(opened, key, n / 2);
        }
    ward_root_close(r);
}

static void file_and_token_open_what_the_other_sealed(void **state)
{
    struct ward_root *hsm = open_ok(uri("ward", "object=kek", "pin"));
    struct ward_root *in_file = open_ok(path_of("kek"));
    struct ward_root *other = open_ok(uri("ward", "id=%06", "pin"));
    uint8_t sealed[9 + WARD_SEAL_EXTRA], opened[9];

    (void)state;
    assert_string_equal(ward_root_id(hsm), ward_root_id(in_file));
    assert_string_not_equal(ward_root_id(hsm), ward_root_id(other));
    for (int turn = 0; turn < 2; turn++) {
        struct ward_root *from = turn ? hsm : in_file, *to = turn ? in_file : hsm;

        assert_int_equal(ward_root_seal(from, "kek 7", 5, "nine byte", 9, sealed, &err),
                         WARD_OK);
        assert_int_equal(ward_root_unseal(to, "kek 7", 5, sealed, sizeof(sealed), opened, &err),
                         WARD_OK);
        assert_memory_equal(opened, "nine byte", 9);
        assert_int_equal(
            ward_root_unseal(other, "kek 7", 5, sealed, sizeof(sealed), opened, &err),
            WARD_DATA_LOSS);
    }
    ward_root_close(other);
    ward_root_close(in_file);
    ward_root_close(hsm);
}

static void changed_bytes_are_data_loss(void **state)
{
    struct ward_root *r = open_ok(uri("ward", "id=%01;object=kek", "pin"));
    uint8_t sealed[9 + WARD_SEAL_EXTRA], opened[9];

    (void)state;
    assert_int_equal(ward_root_seal(r, "a", 1, "nine byte", 9, sealed, &err), WARD_OK);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        memset(opened, 'x', sizeof(opened));
        sealed[i] ^= 0x40;
        assert_int_equal(ward_root_unseal(r, "a", 1, sealed, sizeof(sealed), opened, &err),
                         WARD_DATA_LOSS);
        sealed[i] ^= 0x40;
        assert_memory_equal(opened, "xxxxxxxxx", 9);
    }
    for (size_t n = 0; n < sizeof(sealed); n++)
        assert_int_equal(ward_root_unseal(r, "a", 1, sealed, n, opened, &err), WARD_DATA_LOSS);
    assert_int_equal(ward_root_unseal(r, "b", 1, sealed, sizeof(sealed), opened, &err),
                     WARD_DATA_LOSS);
    ward_root_close(r);
}

static void what_is_missing_is_not_found(void **state)
{
    (void)state;
    refused(uri("elsewhere", "object=kek", "pin"), WARD_NOT_FOUND, "no token");
    refused(uri("ward", "object=nothing", "pin"), WARD_NOT_FOUND, "no secret key");
    refused(uri("ward", "object=kek;id=%02", "pin"), WARD_NOT_FOUND, "no secret key");
    refused(uri("ward", "object=kek", "no-pin"), WARD_NOT_FOUND, "PIN");
}

static void what_is_unfit_is_refused(void **state)
{
    (void)state;
    refused(uri("ward", "object=loose", "pin"), WARD_FAILED_PRECONDITION, "EXTRACTABLE");
    refused(uri("ward", "object=plain", "pin"), WARD_FAILED_PRECONDITION, "SENSITIVE");
    refused(uri("ward", "object=short", "pin"), WARD_FAILED_PRECONDITION, "256 bits");
    refused(uri("ward", "object=generic", "pin"), WARD_FAILED_PRECONDITION, "256 bits");
    refused(uri("ward", "object=twin", "pin"), WARD_FAILED_PRECONDITION, "several secret keys");
    refused(uri("double", "object=kek", "pin"), WARD_FAILED_PRECONDITION, "several tokens");
}

static void a_wrong_pin_is_refused(void **state)
{
    (void)state;
    file("pin-bad", "999999", 0600);
    refused(uri("ward", "object=kek", "pin-bad"), WARD_FAILED_PRECONDITION, "refuses the PIN");
    file("pin-bad", "\n", 0600);
    refused(uri("ward", "object=kek", "pin-bad"), WARD_FAILED_PRECONDITION, "no PIN");
}

static void a_pin_that_others_may_read_is_refused(void **state)
{
    (void)state;
    file("pin-open", PIN, 0644);
    refused(uri("ward", "object=kek", "pin-open"), WARD_FAILED_PRECONDITION, "by others");
    file("pin-open", PIN, 0640);
    refused(uri("ward", "object=kek", "pin-open"), WARD_FAILED_PRECONDITION, "by others");
    file("pin-open", PIN, 0600);
    ward_root_close(open_ok(uri("ward", "object=kek", "pin-open")));
}

/* Closes every session on the token, the root's too, and with the last one its login. */
static void cut_sessions(void)
{
    CK_FUNCTION_LIST *f =
        p11_kit_module_load(MODULE, P11_KIT_MODULE_UNMANAGED | P11_KIT_MODULE_CRITICAL);

    assert_non_null(f);
    assert_int_equal(f->C_CloseAllSessions(slot_of(f, "ward")), CKR_OK);
    p11_kit_module_release(f);
}

static void a_lost_session_is_opened_anew_by_the_next_call(void **state)
{
    struct ward_root *r = open_ok(uri("ward", "object=kek", "pin"));
    uint8_t sealed[4 + WARD_SEAL_EXTRA], opened[4];

    (void)state;
    assert_int_equal(ward_root_seal(r, NULL, 0, "text", 4, sealed, &err), WARD_OK);
    cut_sessions();
    assert_int_equal(ward_root_seal(r, NULL, 0, "text", 4, sealed, &err), WARD_UNAVAILABLE);
    assert_int_equal(ward_root_seal(r, NULL, 0, "text", 4, sealed, &err), WARD_OK);
    cut_sessions();
    assert_int_equal(ward_root_unseal(r, NULL, 0, sealed, sizeof(sealed), opened, &err),
                     WARD_UNAVAILABLE);
    assert_int_equal(ward_root_unseal(r, NULL, 0, sealed, sizeof(sealed), opened, &err),
                     WARD_OK);
    assert_memory_equal(opened, "text", 4);
    ward_root_close(r);
}

static void a_pin_changed_while_running_is_read_again(void **state)
{
    struct ward_root *r;

    (void)state;
    file("pin-late", PIN, 0600);
    r = open_ok(uri("ward", "object=kek", "pin-late"));
    file("pin-late", "888888", 0600);
    assert_int_equal(ward_root_check(r, &err), WARD_OK); /* still logged in */
    cut_sessions();
    assert_int_equal(ward_root_check(r, &err), WARD_UNAVAILABLE);
    assert_int_equal(ward_root_check(r, &err), WARD_FAILED_PRECONDITION);
    assert_non_null(strstr(err.msg, "refuses the PIN"));
    assert_int_equal(ward_root_check(r, &err), WARD_FAILED_PRECONDITION);
    assert_non_null(strstr(err.msg, "does not try this PIN again"));
    file("pin-late", PIN, 0600);
    assert_int_equal(ward_root_check(r, &err), WARD_OK);
    ward_root_close(r);
}

static void a_key_that_was_replaced_is_noticed(void **state)
{
    const struct made first = {"passing", CKK_AES, 32, CK_TRUE, CK_FALSE, 20, 21};
    const struct made second = {"passing", CKK_AES, 32, CK_TRUE, CK_FALSE, 20, 22};
    CK_ATTRIBUTE named = {CKA_LABEL, (void *)(uintptr_t)first.label, strlen(first.label)};
    CK_OBJECT_HANDLE o;
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE s = maker_open(&f);
    CK_ULONG n;
    struct ward_root *r;

    (void)state;
    make_key(f, s, &first);
    r = open_ok(uri("ward", "object=passing", "pin"));
    assert_int_equal(f->C_FindObjectsInit(s, &named, 1), CKR_OK);
    assert_int_equal(f->C_FindObjects(s, &o, 1, &n), CKR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(f->C_FindObjectsFinal(s), CKR_OK);
    assert_int_equal(f->C_DestroyObject(s, o), CKR_OK);
    assert_int_equal(ward_root_check(r, &err), WARD_UNAVAILABLE);
    assert_int_equal(ward_root_check(r, &err), WARD_NOT_FOUND);
    make_key(f, s, &second);
    assert_int_equal(ward_root_check(r, &err), WARD_FAILED_PRECONDITION);
    assert_non_null(strstr(err.msg, "has changed"));
    ward_root_close(r);
    maker_close(f);
}

static void *hammer(void *arg)
{
    uint8_t sealed[32 + WARD_SEAL_EXTRA], opened[32], text[32];
    intptr_t bad = 0;

    for (int i = 0; i < 300; i++) {
        ward_random(text, sizeof(text));
        bad += ward_root_seal(arg, &i, sizeof(i), text, 32, sealed, NULL) != WARD_OK ||
               ward_root_unseal(arg, &i, sizeof(i), sealed, sizeof(sealed), opened, NULL) !=
                   WARD_OK ||
               !ward_equal(text, opened, 32);
    }
    return (void *)bad;
}

static void two_threads_share_a_root(void **state)
{
    struct ward_root *r = open_ok(uri("ward", "object=kek", "pin"));
    pthread_t t[2];
    void *bad;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hammer, r), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(t[i], &bad), 0);
        assert_null(bad);
    }
    ward_root_close(r);
}

static void one_root_closed_leaves_another_open(void **state)
{
    struct ward_root *a = open_ok(uri("ward", "object=kek", "pin"));
    struct ward_root *b = open_ok(uri("ward", "id=%07", "pin"));

    (void)state;
    ward_root_close(a);
    assert_int_equal(ward_root_check(b, &err), WARD_OK);
    ward_root_close(b);
}

static void a_forked_child_gets_a_session_of_its_own(void **state)
{
    struct ward_root *r = open_ok(uri("ward", "object=kek", "pin"));
    int status = 0;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        enum ward_code first = ward_root_check(r, NULL), second = ward_root_check(r, NULL);

        _exit(first == WARD_UNAVAILABLE && second == WARD_OK ? 0
                                                             : 10 * (int)first + (int)second);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(ward_root_check(r, &err), WARD_OK);
    ward_root_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_seals_and_opens),
        cmocka_unit_test(file_and_token_open_what_the_other_sealed),
        cmocka_unit_test(changed_bytes_are_data_loss),
        cmocka_unit_test(what_is_missing_is_not_found),
        cmocka_unit_test(what_is_unfit_is_refused),
        cmocka_unit_test(a_wrong_pin_is_refused),
        cmocka_unit_test(a_pin_that_others_may_read_is_refused),
        cmocka_unit_test(a_lost_session_is_opened_anew_by_the_next_call),
        cmocka_unit_test(a_pin_changed_while_running_is_read_again),
        cmocka_unit_test(a_key_that_was_replaced_is_noticed),
        cmocka_unit_test(two_threads_share_a_root),
        cmocka_unit_test(one_root_closed_leaves_another_open),
        cmocka_unit_test(a_forked_child_gets_a_session_of_its_own),
    };

    return cmocka_run_group_tests_name("vault_hsm", tests, bench_make, bench_remove);
}
