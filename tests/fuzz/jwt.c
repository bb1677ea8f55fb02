/* Tokens. The first byte says what the rest is: a whole token, a header before sound claims, or
 * claims under a sound header and signature, so that both parsers are reached, which random
 * signatures never would. */
#include "common/auth/auth.h"
#include "common/auth/jose.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_CAP ((size_t)64 << 10)

enum shape { WHOLE, HEADER, BEARER_CLAIMS, PPID_CLAIMS, N_SHAPES };

static struct ward_sign_key *key;
static struct ward_jwks *jwks;
static uint8_t keys[1][WARD_ED25519_PUB];
static char kid[WARD_THUMBPRINT];

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void begin(void)
{
    const uint8_t seed[WARD_ED25519_SEED] = {1};
    char path[] = "/tmp/ward-fuzz-jwks-XXXXXX", *json;
    const struct ward_sign_key *list[1];
    struct ward_arena mem;
    struct ward_err err;
    int fd = mkstemp(path);
    struct ward_jwks_config cfg = {.path = path, .issuer = "i", .audience = "a"};

    ward_arena_init(&mem, ARENA_CAP);
    check(fd >= 0, "no temporary file");
    check(ward_sign_key_new(seed, &key, &err) == WARD_OK, err.msg);
    list[0] = key;
    memcpy(keys[0], ward_sign_key_public(key), sizeof(keys[0]));
    ward_jose_thumbprint(keys[0], kid);
    check(ward_jwks_print(list, 1, &mem, &json, &err) == WARD_OK, err.msg);
    check(write(fd, json, strlen(json)) == (ssize_t)strlen(json), "cannot write");
    close(fd);
    check(ward_jwks_open(&cfg, &jwks, &err) == WARD_OK, err.msg);
    unlink(path); /* reloads fail from here on and keep the keys */
    ward_arena_done(&mem);
}

/* header.claims.signature, signed by our key over whatever they are. */
static char *sign(struct ward_arena *mem, const void *header, size_t h, const void *claims,
                  size_t c)
{
    char *token = ward_alloc(mem, WARD_BASE64_SIZE(h) + WARD_BASE64_SIZE(c) + 100);
    uint8_t sig[WARD_ED25519_SIG];
    struct ward_err err;
    size_t n;

    if (token == NULL)
        return NULL;
    n = ward_base64url(header, h, token);
    token[n++] = '.';
    n += ward_base64url(claims, c, token + n);
    check(ward_sign(key, token, n, sig, &err) == WARD_OK, err.msg);
    token[n++] = '.';
    ward_base64url(sig, sizeof(sig), token + n);
    return token;
}

static char *make(struct ward_arena *mem, enum shape shape, const uint8_t *data, size_t n)
{
    static const char claims[] =
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\",\"exp\":4102444800}";
    char *header, *token;

    if (shape == HEADER)
        return sign(mem, data, n, claims, sizeof(claims) - 1);
    if (shape == BEARER_CLAIMS || shape == PPID_CLAIMS) {
        header = ward_printf(mem, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"%s\"}", kid,
                             shape == PPID_CLAIMS ? "ppid+jwt" : "JWT");
        return header == NULL ? NULL : sign(mem, header, strlen(header), data, n);
    }
    token = ward_alloc(mem, n + 1);
    return token == NULL ? NULL : memcpy(token, data, n);
}

static void judge(enum ward_code code, const struct ward_err *err, const char *prefix)
{
    if (code == WARD_OK)
        return;
    if (code == WARD_RESOURCE_EXHAUSTED)
        check(strcmp(err->reason, "ARENA_FULL") == 0, "another reason");
    else
        check(code == WARD_UNAUTHENTICATED && strncmp(err->reason, prefix, strlen(prefix)) == 0,
              "another code");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ward_principal who = {0};
    struct ward_ppid ppid = {0};
    struct ward_err err = {0};
    struct ward_arena mem;
    enum ward_code code;
    enum shape shape;
    char *token;

    if (key == NULL)
        begin();
    if (size == 0)
        return 0;
    shape = (enum shape)(data[0] % N_SHAPES);
    ward_arena_init(&mem, ARENA_CAP);
    token = make(&mem, shape, data + 1, size - 1);
    if (token != NULL) {
        code = ward_jwt_check(jwks, &mem, token, shape == WHOLE ? size - 1 : strlen(token),
                              &who, &err);
        judge(code, &err, "TOKEN_");
        check((who.subject != NULL) == (code == WARD_OK), "half a principal");
        check(code != WARD_OK ||
                  (*who.subject != '\0' && who.expires_at > 0 && who.n_roles <= WARD_MAX_ROLES),
              "an absurd principal");
        code = ward_ppid_check(keys, 1, &mem, token, &ppid, &err);
        judge(code, &err, "PPID_");
        check((ppid.patient != NULL) == (code == WARD_OK), "half a PPID");
        check(code != WARD_OK || ppid.expires_at - ppid.issued_at <= WARD_PPID_MAX_S,
              "an absurd PPID");
    }
    ward_arena_done(&mem);
    return 0;
}
