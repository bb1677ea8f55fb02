#include "common/base/keytag.h"

#include <openssl/evp.h>

/* "ward key id" and a NUL. A changed byte would rename every key. */
const uint8_t ward_keytag_nonce[WARD_KEYTAG_NONCE_SIZE] = {'w', 'a', 'r', 'd', ' ', 'k',
                                                           'e', 'y', ' ', 'i', 'd', 0};
const uint8_t ward_keytag_text[WARD_KEYTAG_SIZE] = {'t',  'h', 'i', 's', ' ', 'k', 'e', 'y',
                                                    '\'', 's', ' ', 'n', 'a', 'm', 'e', '.'};

void ward_keytag(const uint8_t key[WARD_KEY_SIZE], uint8_t out[WARD_KEYTAG_SIZE])
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t text[WARD_KEYTAG_SIZE];
    int k = 0;

    WARD_ASSERT(c != NULL);
    WARD_ASSERT(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, ward_keytag_nonce) == 1);
    WARD_ASSERT(EVP_EncryptUpdate(c, text, &k, ward_keytag_text, WARD_KEYTAG_SIZE) == 1);
    WARD_ASSERT(EVP_EncryptFinal_ex(c, text + k, &k) == 1);
    WARD_ASSERT(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, WARD_KEYTAG_SIZE, out) == 1);
    EVP_CIPHER_CTX_free(c);
    ward_wipe(text, sizeof(text));
}
