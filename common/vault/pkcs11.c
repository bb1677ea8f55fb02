#include "common/vault/pkcs11.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONCE     12
#define TAG       16
#define SLOTS_MAX 64

struct ward_p11 {
    pthread_mutex_t lock;
    struct ward_p11_uri where;
    CK_FUNCTION_LIST *f;
    bool loaded, initialized; /* by p11-kit; false if the functions were lent */
    bool open;                /* session and key are valid, as far as known */
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    bool named; /* keytag is the tag of the key that this root was opened with */
    uint8_t keytag[WARD_KEYTAG_SIZE];
    bool refused; /* hash of a wrong PIN */
    uint8_t refused_pin[WARD_SHA256_SIZE];
};

static void drop(struct ward_p11 *h)
{
    if (h->open)
        (void)h->f->C_CloseSession(h->session); /* the session may already be closed */
    h->open = false;
}

/* The token's answer is unusable, so the next call starts again. */
static enum ward_code lost(struct ward_p11 *h, const char *what, CK_RV rv, struct ward_err *err)
{
    drop(h);
    if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) /* after a fork */
        h->initialized = false;
    (void)WARD_FAIL(err, UNAVAILABLE, "the HSM does not answer");
    ward_err_detail(err, "%s: %s (0x%lx)", what, p11_kit_strerror(rv), rv);
    return WARD_UNAVAILABLE;
}

static enum ward_code unfit(const char *why, const char *what, CK_RV rv, struct ward_err *err)
{
    (void)WARD_FAIL(err, FAILED_PRECONDITION, "%s", why);
    ward_err_detail(err, "%s: %s (0x%lx)", what, p11_kit_strerror(rv), rv);
    return WARD_FAILED_PRECONDITION;
}

static CK_RV gcm(struct ward_p11 *h, bool encrypt, uint8_t nonce[NONCE],
                 const struct ward_bytes *aad, const struct ward_bytes *in, uint8_t *out,
                 CK_ULONG *out_n)
{
    CK_GCM_PARAMS params = {.pIv = nonce,
                            .ulIvLen = NONCE,
                            .ulIvBits = 8 * NONCE,
                            .pAAD = aad->n != 0 ? (CK_BYTE *)(uintptr_t)aad->p : NULL,
                            .ulAADLen = aad->n,
                            .ulTagBits = 8 * TAG};
    CK_MECHANISM how = {CKM_AES_GCM, &params, sizeof(params)};
    CK_BYTE *p = (CK_BYTE *)(uintptr_t)in->p;
    CK_RV rv = encrypt ? h->f->C_EncryptInit(h->session, &how, h->key)
                       : h->f->C_DecryptInit(h->session, &how, h->key);

    if (rv != CKR_OK)
        return rv;
    return encrypt ? h->f->C_Encrypt(h->session, p, in->n, out, out_n)
                   : h->f->C_Decrypt(h->session, p, in->n, out, out_n);
}

/* `nonce` is unchanged, or the call fails. A token that chooses its own nonce cannot compute
 * the key's name (keytag.h). */
static enum ward_code encrypt_with(struct ward_p11 *h, const uint8_t nonce[NONCE],
                                   const struct ward_bytes *aad, const struct ward_bytes *in,
                                   uint8_t *out, struct ward_err *err)
{
    CK_ULONG n = in->n + TAG;
    uint8_t used[NONCE];
    CK_RV rv;

    memcpy(used, nonce, NONCE);
    rv = gcm(h, true, used, aad, in, out, &n);
    if (rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID ||
        rv == CKR_KEY_FUNCTION_NOT_PERMITTED)
        return unfit("the HSM does not encrypt with AES-GCM and this key", "C_Encrypt", rv,
                     err);
    if (rv != CKR_OK)
        return lost(h, "C_Encrypt", rv, err);
    if (n != in->n + TAG || memcmp(used, nonce, NONCE) != 0)
        return unfit("the HSM chooses the nonces for AES-GCM itself, which is not supported",
                     "C_Encrypt", rv, err);
    return WARD_OK;
}

/* ---- from the URI to a session with the key ---- */

static enum ward_code module_load(struct ward_p11 *h, struct ward_err *err)
{
    if (access(h->where.module, R_OK) != 0)
        return WARD_FAIL(err, NOT_FOUND, "no PKCS#11 module at %s", h->where.module);
    h->f = p11_kit_module_load(h->where.module, P11_KIT_MODULE_CRITICAL);
    if (h->f == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s is not a PKCS#11 module",
                         h->where.module);
    h->loaded = true;
    return WARD_OK;
}

static enum ward_code module_initialize(struct ward_p11 *h, struct ward_err *err)
{
    CK_RV rv;

    if (!h->loaded || h->initialized)
        return WARD_OK;
    rv = p11_kit_module_initialize(h->f);
    if (rv != CKR_OK)
        return lost(h, "C_Initialize", rv, err);
    h->initialized = true;
    return WARD_OK;
}

static enum ward_code slot_find(struct ward_p11 *h, CK_SLOT_ID *slot, CK_TOKEN_INFO *token,
                                struct ward_err *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    int found = 0;
    CK_RV rv =
        h->f->C_GetSlotList(CK_TRUE, NULL, &n); /* some modules look for tokens only here */

    n = SLOTS_MAX;
    if (rv == CKR_OK)
        rv = h->f->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK)
        return lost(h, "C_GetSlotList", rv, err);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;

        if (h->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
            !p11_kit_uri_match_token_info(h->where.uri, &info))
            continue;
        *slot = slots[i];
        *token = info;
        found++;
    }
    if (found == 0 &&
        h->named) /* the token existed and is now removed, or its host is unavailable */
        return lost(h, "C_GetSlotList", CKR_TOKEN_NOT_PRESENT, err);
    if (found == 0)
        return WARD_FAIL(err, NOT_FOUND, "no token matches the PKCS#11 URI");
    if (found > 1)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "several tokens match the PKCS#11 URI: add serial=");
    return WARD_OK;
}

static bool pin_is_wrong(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
           rv == CKR_PIN_EXPIRED || rv == CKR_PIN_LOCKED || rv == CKR_USER_PIN_NOT_INITIALIZED;
}

static enum ward_code login_with(struct ward_p11 *h, uint8_t *pin, size_t n,
                                 struct ward_err *err)
{
    uint8_t hash[WARD_SHA256_SIZE];
    CK_RV rv;

    ward_sha256(pin, n, hash);
    if (h->refused && ward_equal(hash, h->refused_pin, sizeof(hash)))
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the HSM's PIN was wrong; the service does not try this PIN again");
    rv = h->f->C_Login(h->session, CKU_USER, pin, n);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return WARD_OK;
    if (!pin_is_wrong(rv))
        return lost(h, "C_Login", rv, err);
    h->refused = true;
    memcpy(h->refused_pin, hash, sizeof(hash));
    return unfit("the HSM refuses the PIN", "C_Login", rv, err);
}

static enum ward_code login(struct ward_p11 *h, const CK_TOKEN_INFO *token,
                            struct ward_err *err)
{
    uint8_t pin[WARD_PIN_MAX + 2];
    enum ward_code code;
    size_t n;

    if ((token->flags & CKF_USER_PIN_LOCKED) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the HSM's PIN is locked");
    if ((token->flags & CKF_USER_PIN_FINAL_TRY) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the HSM has one try of the PIN left, which the service does not use: "
                         "log in with the HSM's own tool first");
    WARD_TRY(ward_p11_pin(h->where.pin_path, pin, &n, err));
    code = login_with(h, pin, n, err);
    ward_wipe(pin, sizeof(pin));
    return code;
}

static enum ward_code key_find(struct ward_p11 *h, struct ward_err *err)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE want[4] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_TOKEN, &yes, sizeof(yes)}};
    CK_OBJECT_HANDLE keys[2];
    CK_ULONG n_want = 2, n = 0;
    CK_RV rv;

    if (h->where.label != NULL)
        want[n_want++] = *h->where.label;
    if (h->where.id != NULL)
        want[n_want++] = *h->where.id;
    rv = h->f->C_FindObjectsInit(h->session, want, n_want);
    if (rv == CKR_OK) {
        rv = h->f->C_FindObjects(h->session, keys, WARD_COUNT(keys), &n);
        (void)h->f->C_FindObjectsFinal(h->session);
    }
    if (rv != CKR_OK)
        return lost(h, "C_FindObjects", rv, err);
    if (n == 0)
        return WARD_FAIL(err, NOT_FOUND, "no secret key of the token matches the URI");
    if (n > 1)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "several secret keys of the token match the URI: add id=");
    h->key = keys[0];
    return WARD_OK;
}

static enum ward_code key_fit(struct ward_p11 *h, struct ward_err *err)
{
    CK_KEY_TYPE type = 0;
    CK_ULONG size = 0;
    CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
    CK_ATTRIBUTE is[] = {{CKA_KEY_TYPE, &type, sizeof(type)},
                         {CKA_VALUE_LEN, &size, sizeof(size)},
                         {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
                         {CKA_EXTRACTABLE, &extractable, sizeof(extractable)}};
    CK_RV rv = h->f->C_GetAttributeValue(h->session, h->key, is, WARD_COUNT(is));

    if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID)
        return lost(h, "C_GetAttributeValue", rv, err);
    if (type != CKK_AES || size != WARD_KEY_SIZE)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the token's key is not AES of 256 bits");
    if (sensitive != CK_TRUE)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the token's key can be read (CKA_SENSITIVE is false)");
    if (extractable != CK_FALSE)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the token's key is extractable (CKA_EXTRACTABLE is true)");
    return WARD_OK;
}

/* Compares the key's name; a different name means that another key is in its place. */
static enum ward_code key_name(struct ward_p11 *h, struct ward_err *err)
{
    const struct ward_bytes none = {NULL, 0}, text = {ward_keytag_text, WARD_KEYTAG_SIZE};
    uint8_t out[WARD_KEYTAG_SIZE + TAG];

    WARD_TRY(encrypt_with(h, ward_keytag_nonce, &none, &text, out, err));
    if (h->named && memcmp(h->keytag, out + WARD_KEYTAG_SIZE, WARD_KEYTAG_SIZE) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the token's key has changed since the service opened the token");
    memcpy(h->keytag, out + WARD_KEYTAG_SIZE, WARD_KEYTAG_SIZE);
    h->named = true;
    return WARD_OK;
}

static enum ward_code session_use(struct ward_p11 *h, const CK_TOKEN_INFO *token,
                                  struct ward_err *err)
{
    WARD_TRY(login(h, token, err));
    WARD_TRY(key_find(h, err));
    WARD_TRY(key_fit(h, err));
    return key_name(h, err);
}

static enum ward_code session_open(struct ward_p11 *h, struct ward_err *err)
{
    CK_SLOT_ID slot = 0;
    CK_TOKEN_INFO token = {0};
    enum ward_code code;
    CK_RV rv;

    if (h->open)
        return WARD_OK;
    WARD_TRY(module_initialize(h, err));
    WARD_TRY(slot_find(h, &slot, &token, err));
    rv = h->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &h->session);
    if (rv != CKR_OK)
        return lost(h, "C_OpenSession", rv, err);
    h->open = true;
    code = session_use(h, &token, err);
    if (code != WARD_OK)
        drop(h);
    return code;
}

enum ward_code ward_p11_open(const char *uri, CK_FUNCTION_LIST *lent, struct ward_p11 **out,
                             struct ward_err *err)
{
    struct ward_p11 *h = calloc(1, sizeof(*h));
    enum ward_code code;

    WARD_ASSERT(h != NULL && pthread_mutex_init(&h->lock, NULL) == 0);
    h->f = lent;
    code = ward_p11_parse(uri, &h->where, err);
    if (code == WARD_OK && lent == NULL)
        code = module_load(h, err);
    if (code == WARD_OK)
        code = session_open(h, err);
    if (code != WARD_OK) {
        ward_p11_close(h);
        return code;
    }
    *out = h;
    return WARD_OK;
}

void ward_p11_close(struct ward_p11 *h)
{
    if (h == NULL)
        return;
    drop(h);
    if (h->initialized)
        (void)p11_kit_module_finalize(h->f);
    if (h->loaded)
        p11_kit_module_release(h->f);
    ward_p11_uri_done(&h->where);
    pthread_mutex_destroy(&h->lock);
    ward_wipe(h, sizeof(*h));
    free(h);
}

const uint8_t *ward_p11_keytag(const struct ward_p11 *h)
{
    return h->keytag;
}

/* ---- seal and unseal ---- */

static enum ward_code seal_locked(struct ward_p11 *h, const struct ward_bytes *aad,
                                  const struct ward_bytes *in, uint8_t *out,
                                  struct ward_err *err)
{
    WARD_TRY(session_open(h, err));
    ward_random(out, NONCE);
    return encrypt_with(h, out, aad, in, out + NONCE, err);
}

enum ward_code ward_p11_seal(struct ward_p11 *h, const void *aad, size_t aad_len,
                             const void *data, size_t n, uint8_t *out, struct ward_err *err)
{
    const struct ward_bytes bound = {aad, aad_len};
    const struct ward_bytes in = {n != 0 ? data : "", n};
    enum ward_code code;

    pthread_mutex_lock(&h->lock);
    code = seal_locked(h, &bound, &in, out, err);
    pthread_mutex_unlock(&h->lock);
    return code;
}

/* Checks that the token decrypts its own ciphertext. If not, its session is not used again. */
static bool opens_its_own(struct ward_p11 *h)
{
    const struct ward_bytes none = {NULL, 0}, text = {ward_keytag_text, WARD_KEYTAG_SIZE};
    uint8_t nonce[NONCE], sealed[WARD_KEYTAG_SIZE + TAG], opened[WARD_KEYTAG_SIZE + TAG];
    const struct ward_bytes in = {sealed, sizeof(sealed)};
    CK_ULONG n = sizeof(opened);
    bool ok;

    if (session_open(h, NULL) != WARD_OK)
        return false;
    ward_random(nonce, NONCE);
    ok = encrypt_with(h, nonce, &none, &text, sealed, NULL) == WARD_OK &&
         gcm(h, false, nonce, &none, &in, opened, &n) == CKR_OK && n == WARD_KEYTAG_SIZE &&
         ward_equal(opened, ward_keytag_text, WARD_KEYTAG_SIZE);
    if (!ok)
        drop(h);
    return ok;
}

/* Tokens differ in their answer to a wrong tag. If the answer is ambiguous, a test text
 * decides, in this session or, if the failure broke the session, in a new one. */
static enum ward_code why_closed(struct ward_p11 *h, CK_RV rv, struct ward_err *err)
{
    bool certain = rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE;
    bool either = rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED ||
                  rv == CKR_DEVICE_ERROR || rv == CKR_DATA_INVALID || rv == CKR_OK ||
                  rv == CKR_ARGUMENTS_BAD || rv == CKR_SIGNATURE_INVALID;

    for (int turn = 0; !certain && either && turn < 2; turn++)
        certain = opens_its_own(h);
    if (certain)
        return WARD_FAIL(err, DATA_LOSS, "the encrypted data cannot be decrypted");
    return lost(h, "C_Decrypt", rv, err);
}

static enum ward_code unseal_locked(struct ward_p11 *h, const struct ward_bytes *aad,
                                    const uint8_t *sealed, size_t n, uint8_t *room,
                                    struct ward_err *err)
{
    const struct ward_bytes in = {sealed + NONCE, n - NONCE};
    CK_ULONG got = n - NONCE;
    uint8_t nonce[NONCE];
    CK_RV rv;

    WARD_TRY(session_open(h, err));
    memcpy(nonce, sealed, NONCE);
    rv = gcm(h, false, nonce, aad, &in, room, &got);
    if (rv != CKR_OK || got != n - WARD_SEAL_EXTRA)
        return why_closed(h, rv, err);
    return WARD_OK;
}

enum ward_code ward_p11_unseal(struct ward_p11 *h, const void *aad, size_t aad_len,
                               const void *sealed, size_t n, uint8_t *out, struct ward_err *err)
{
    const struct ward_bytes bound = {aad, aad_len};
    enum ward_code code;
    uint8_t *room; /* tokens need room for the tag too, which `out` lacks */

    if (n < WARD_SEAL_EXTRA)
        return WARD_FAIL(err, DATA_LOSS, "the encrypted data is too short");
    room = malloc(n);
    if (room == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to open sealed bytes");
    pthread_mutex_lock(&h->lock);
    code = unseal_locked(h, &bound, sealed, n, room, err);
    pthread_mutex_unlock(&h->lock);
    if (code == WARD_OK)
        memcpy(out, room, n - WARD_SEAL_EXTRA);
    ward_wipe(room, n);
    free(room);
    return code;
}
