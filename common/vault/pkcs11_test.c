/* A fake token for behaviour that software tokens cannot produce on request: removal, a PIN's
 * remaining tries, own nonces, and unusual error codes for a wrong tag. The fake functions do
 * not encrypt. tests/integration/vault_hsm_test.c tests real encryption. */
#include "common/vault/pkcs11.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char pin_path[] = "/tmp/ward-pin-XXXXXX";
static char uri[160];
static struct ward_err err;

/* The fake token's state and behaviour. */
static struct {
    CK_FLAGS flags;
    CK_RV login, encrypt, decrypt; /* returned results; if `once` is set, only once, then OK */
    bool once, away, own_nonces, stuck;
    int logins, sessions, opened;
} token;

static CK_RV next(CK_RV *rv)
{
    CK_RV now = *rv;

    if (token.once)
        *rv = CKR_OK;
    return now;
}

static CK_RV slot_list(CK_BBOOL with_token, CK_SLOT_ID *slots, CK_ULONG *n)
{
    (void)with_token;
    *n = token.away ? 0 : 1;
    if (slots != NULL && !token.away)
        slots[0] = 5;
    return CKR_OK;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    (void)slot;
    memset(info, ' ', sizeof(*info));
    memcpy(info->label, "ward", 4);
    info->flags = token.flags;
    return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *s)
{
    (void)app;
    (void)notify;
    assert_int_equal(slot, 5);
    assert_int_equal(flags, CKF_SERIAL_SESSION);
    token.sessions++;
    token.opened++;
    token.stuck = false;
    *s = 77;
    return CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE s)
{
    assert_int_equal(s, 77);
    token.sessions--;
    return CKR_OK;
}

static CK_RV log_in(CK_SESSION_HANDLE s, CK_USER_TYPE who, CK_UTF8CHAR *pin, CK_ULONG n)
{
    (void)s;
    assert_int_equal(who, CKU_USER);
    assert_int_equal(n, 4);
    assert_memory_equal(pin, "1234", 4);
    token.logins++;
    return next(&token.login);
}

static CK_RV find_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE *want, CK_ULONG n)
{
    (void)s;
    assert_int_equal(n, 3);
    assert_int_equal(want[2].ulValueLen, 3);
    assert_memory_equal(want[2].pValue, "kek", 3);
    return CKR_OK;
}

static CK_RV find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *o, CK_ULONG most, CK_ULONG *n)
{
    (void)s;
    assert_true(most >= 2);
    o[0] = 9;
    *n = 1;
    return CKR_OK;
}

static CK_RV find_final(CK_SESSION_HANDLE s)
{
    (void)s;
    return CKR_OK;
}

static CK_RV attributes(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG size = WARD_KEY_SIZE;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

    (void)s;
    (void)o;
    assert_int_equal(n, 4);
    memcpy(a[0].pValue, &type, sizeof(type));
    memcpy(a[1].pValue, &size, sizeof(size));
    memcpy(a[2].pValue, &yes, sizeof(yes));
    memcpy(a[3].pValue, &no, sizeof(no));
    return CKR_OK;
}

static CK_RV crypt_init(CK_SESSION_HANDLE s, CK_MECHANISM *how, CK_OBJECT_HANDLE o)
{
    CK_GCM_PARAMS *p = how->pParameter;

    (void)s;
    assert_int_equal(how->mechanism, CKM_AES_GCM);
    assert_int_equal(p->ulTagBits, 128);
    assert_int_equal(o, 9);
    if (token.own_nonces)
        memset(p->pIv, 0, 12);
    return token.stuck ? CKR_OPERATION_ACTIVE : CKR_OK;
}

/* Copies the text without encryption, and appends sixteen bytes as its tag. */
static CK_RV encrypt(CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *got)
{
    CK_RV rv = next(&token.encrypt);

    (void)s;
    if (rv != CKR_OK)
        return rv;
    assert_true(*got >= n + 16);
    memcpy(out, in, n);
    memset(out + n, 0xaa, 16);
    *got = n + 16;
    return CKR_OK;
}

static CK_RV decrypt(CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *got)
{
    CK_RV rv = next(&token.decrypt);

    (void)s;
    token.stuck = rv != CKR_OK;
    if (rv != CKR_OK)
        return rv;
    assert_true(*got >= n - 16);
    memcpy(out, in, n - 16);
    *got = n - 16;
    return CKR_OK;
}

static CK_FUNCTION_LIST functions = {.C_GetSlotList = slot_list,
                                     .C_GetTokenInfo = token_info,
                                     .C_OpenSession = open_session,
                                     .C_CloseSession = close_session,
                                     .C_Login = log_in,
                                     .C_FindObjectsInit = find_init,
                                     .C_FindObjects = find,
                                     .C_FindObjectsFinal = find_final,
                                     .C_GetAttributeValue = attributes,
                                     .C_EncryptInit = crypt_init,
                                     .C_Encrypt = encrypt,
                                     .C_DecryptInit = crypt_init,
                                     .C_Decrypt = decrypt};

static struct ward_p11 *open_ok(void)
{
    struct ward_p11 *h = NULL;

    memset(&token, 0, sizeof(token));
    assert_int_equal(ward_p11_open(uri, &functions, &h, &err), WARD_OK);
    assert_int_equal(token.sessions, 1);
    return h;
}

static void done(struct ward_p11 *h)
{
    ward_p11_close(h);
    assert_int_equal(token.sessions, 0); /* each opened session was closed */
}

static uint8_t sealed[4 + WARD_SEAL_EXTRA], opened[4];

static enum ward_code seal(struct ward_p11 *h)
{
    return ward_p11_seal(h, "a", 1, "text", 4, sealed, &err);
}

static enum ward_code unseal(struct ward_p11 *h)
{
    return ward_p11_unseal(h, "a", 1, sealed, sizeof(sealed), opened, &err);
}

static void whatever_ends_a_session_the_next_call_begins_one(void **state)
{
    static const CK_RV ends[] = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,
                                 CKR_DEVICE_REMOVED,         CKR_TOKEN_NOT_PRESENT,
                                 CKR_USER_NOT_LOGGED_IN,     CKR_KEY_HANDLE_INVALID,
                                 CKR_DEVICE_MEMORY,          CKR_CRYPTOKI_NOT_INITIALIZED,
                                 CKR_OPERATION_ACTIVE,       0x80000001};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ends); i++) {
        struct ward_p11 *h = open_ok();

        assert_int_equal(seal(h), WARD_OK);
        token.once = true;
        token.encrypt = ends[i];
        assert_int_equal(seal(h), WARD_UNAVAILABLE);
        assert_int_equal(token.sessions, 0);
        assert_int_equal(seal(h), WARD_OK);
        token.decrypt = ends[i];
        assert_int_equal(unseal(h), WARD_UNAVAILABLE);
        assert_int_equal(unseal(h), WARD_OK);
        assert_int_equal(token.opened, 3);
        done(h);
    }
}

static void a_token_taken_out_is_unavailable_until_it_is_back(void **state)
{
    struct ward_p11 *h = open_ok();

    (void)state;
    token.away = true;
    token.once = true;
    token.encrypt = CKR_DEVICE_REMOVED;
    for (int i = 0; i < 3; i++)
        assert_int_equal(seal(h), WARD_UNAVAILABLE);
    token.away = false;
    assert_int_equal(seal(h), WARD_OK);
    done(h);
}

static void a_wrong_pin_is_tried_once(void **state)
{
    static const CK_RV says[] = {CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_EXPIRED};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(says); i++) {
        struct ward_p11 *h = open_ok();

        token.login = says[i];
        token.once = true;
        token.encrypt = CKR_DEVICE_REMOVED;
        assert_int_equal(seal(h), WARD_UNAVAILABLE);
        for (int k = 0; k < 5; k++)
            assert_int_equal(seal(h), WARD_FAILED_PRECONDITION);
        assert_int_equal(token.logins, 2); /* one login at open, and one with the wrong PIN */
        done(h);
    }
}

static void the_last_try_of_a_pin_is_not_used(void **state)
{
    struct ward_p11 *h = NULL;

    (void)state;
    memset(&token, 0, sizeof(token));
    token.flags = CKF_USER_PIN_FINAL_TRY;
    assert_int_equal(ward_p11_open(uri, &functions, &h, &err), WARD_FAILED_PRECONDITION);
    token.flags = CKF_USER_PIN_LOCKED;
    assert_int_equal(ward_p11_open(uri, &functions, &h, &err), WARD_FAILED_PRECONDITION);
    assert_int_equal(token.logins, 0);
    assert_int_equal(token.sessions, 0);
    assert_null(h);
}

static void a_token_that_draws_its_own_nonces_is_refused(void **state)
{
    struct ward_p11 *h = NULL;

    (void)state;
    memset(&token, 0, sizeof(token));
    token.own_nonces = true;
    assert_int_equal(ward_p11_open(uri, &functions, &h, &err), WARD_FAILED_PRECONDITION);
    assert_non_null(strstr(err.msg, "nonces"));
    memset(&token, 0, sizeof(token));
    token.encrypt = CKR_MECHANISM_INVALID;
    assert_int_equal(ward_p11_open(uri, &functions, &h, &err), WARD_FAILED_PRECONDITION);
    assert_non_null(strstr(err.msg, "AES-GCM"));
    assert_null(h);
}

/* GENERAL_ERROR may mean a wrong tag or a broken token. Decrypting a test text distinguishes
 * them. */
static void a_vague_answer_is_data_loss_only_if_the_token_works(void **state)
{
    static const CK_RV vague[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(vague); i++) {
        struct ward_p11 *h = open_ok();

        assert_int_equal(seal(h), WARD_OK);
        token.once = true;
        token.decrypt = vague[i];
        assert_int_equal(unseal(h), WARD_DATA_LOSS);
        assert_int_equal(unseal(h), WARD_OK);
        token.once = false;
        token.decrypt = vague[i];
        assert_int_equal(unseal(h), WARD_UNAVAILABLE);
        token.decrypt = CKR_OK;
        assert_int_equal(unseal(h), WARD_OK);
        done(h);
    }
}

static void a_wrong_tag_said_plainly_is_data_loss(void **state)
{
    struct ward_p11 *h = open_ok();

    (void)state;
    assert_int_equal(seal(h), WARD_OK);
    token.once = true;
    token.decrypt = CKR_ENCRYPTED_DATA_INVALID;
    assert_int_equal(unseal(h), WARD_DATA_LOSS);
    done(h);
}

static int pin_make(void **state)
{
    int fd = mkstemp(pin_path);

    (void)state;
    snprintf(uri, sizeof(uri),
             "pkcs11:token=ward;object=kek?module-path=/lent.so&pin-source=file:%s", pin_path);
    return fd < 0 || write(fd, "1234\n", 5) != 5 || close(fd) != 0;
}

static int pin_remove(void **state)
{
    (void)state;
    return unlink(pin_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_ends_a_session_the_next_call_begins_one),
        cmocka_unit_test(a_token_taken_out_is_unavailable_until_it_is_back),
        cmocka_unit_test(a_wrong_pin_is_tried_once),
        cmocka_unit_test(the_last_try_of_a_pin_is_not_used),
        cmocka_unit_test(a_token_that_draws_its_own_nonces_is_refused),
        cmocka_unit_test(a_vague_answer_is_data_loss_only_if_the_token_works),
        cmocka_unit_test(a_wrong_tag_said_plainly_is_data_loss),
    };

    return cmocka_run_group_tests_name("pkcs11", tests, pin_make, pin_remove);
}
