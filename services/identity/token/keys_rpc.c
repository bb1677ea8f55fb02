/* GetTokenKeys: answers from memory, on the poll thread. */
#include "services/identity/api.h"
#include "services/identity/token/token.h"

#include <string.h>

typedef Ward__Identity__V1__GetTokenKeysResponse Response;
typedef Ward__Identity__V1__TokenKey TokenKey;

static enum ward_code put(struct ward_call *c, const struct keys_public *k, TokenKey **out)
{
    TokenKey *t = ward_new(c->mem, TokenKey);
    uint8_t *pub = ward_alloc(c->mem, WARD_ED25519_PUB);

    if (t == NULL || pub == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__token_key__init(t);
    memcpy(pub, k->public_key, WARD_ED25519_PUB);
    t->public_key = (ProtobufCBinaryData){.data = pub, .len = WARD_ED25519_PUB};
    t->signs_from_us = k->signs_from_us;
    t->checks_until_us = k->checks_until_us;
    *out = t;
    return ward_call_copy(c, k->kid, &t->kid);
}

enum ward_code get_token_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    const struct identity *id = c->svc;
    struct keys_public keys[KEYS_PUBLIC_MAX];
    Response *resp = (Response *)r;
    int n = keys_public(id->keys, keys);

    (void)q;
    resp->max_age_s = TOKEN_KEYS_AGE_S;
    resp->keys = ward_alloc(c->mem, (size_t)n * sizeof(TokenKey *));
    if (resp->keys == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (int i = 0; i < n; i++)
        WARD_TRY(put(c, &keys[i], &resp->keys[i]));
    resp->n_keys = (size_t)n;
    return WARD_OK;
}
