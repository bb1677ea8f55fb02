#include "services/dosage/downtime/pack.h"

#include "common/base/text.h"
#include "common/keyring/secret.h"

#include <string.h>

/* ---- keys ---- */

int pack_keys(struct dosage *dos, struct pack_key out[PACK_KEYS])
{
    int newest = 0, n = 0;

    if (!ward_keyring_secret(dos->keys, "pack", 1, 0, &newest, NULL))
        return 0;
    for (int g = newest; g > 0 && n < PACK_KEYS; g--)
        if (ward_keyring_secret(dos->keys, "pack", 1, g, NULL, out[n].seed))
            n++;
    return n;
}

static enum ward_code sign_with(const struct pack_key *seed, const char *json,
                                struct ward_arena *mem, char **out, struct ward_err *err)
{
    struct ward_sign_key *key;
    enum ward_code code;

    WARD_TRY(ward_sign_key_new(seed->seed, &key, err));
    code = ward_jws_issue(key, PACK_TYP, json, mem, out, err);
    ward_sign_key_free(key);
    return code;
}

enum ward_code pack_sign(struct dosage *dos, const Pack *pack, struct ward_arena *mem,
                         char **out, struct ward_err *err)
{
    struct ward_json_out w = {.mem = mem};
    struct pack_key keys[PACK_KEYS];
    enum ward_code code;
    const char *json;
    size_t n;

    pack_message(&w, &pack->base, mem);
    WARD_TRY(ward_json_done(&w, &json, &n, err));
    /* 512 bytes are reserved for header and signature */
    if (WARD_BASE64_SIZE(n) + 512 > PACK_BYTES)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "PACK_TOO_LARGE",
                                "the pack exceeds 6 MiB; request fewer hours");
    if (pack_keys(dos, keys) == 0)
        return WARD_FAIL(err, UNAVAILABLE, "no key for signing packs exists");
    code = sign_with(&keys[0], json, mem, out, err);
    ward_wipe(keys, sizeof(keys));
    return code;
}

/* ---- verification ---- */

static enum ward_code invalid(struct ward_err *err, const char *why)
{
    return WARD_FAIL_REASON(err, UNAUTHENTICATED, "PACK_INVALID", "the pack %s", why);
}

struct parts {
    const char *header, *payload, *sig;
    size_t header_n, payload_n, sig_n, signed_n;
};

static bool split(const char *text, struct parts *p)
{
    const char *dot = strchr(text, '.'), *dot2 = dot == NULL ? NULL : strchr(dot + 1, '.');

    if (dot2 == NULL || strchr(dot2 + 1, '.') != NULL)
        return false;
    *p = (struct parts){.header = text,
                        .payload = dot + 1,
                        .sig = dot2 + 1,
                        .header_n = (size_t)(dot - text),
                        .payload_n = (size_t)(dot2 - dot) - 1,
                        .sig_n = strlen(dot2 + 1),
                        .signed_n = (size_t)(dot2 - text)};
    return true;
}

/* Parses a JSON object in base64url. */
static bool read_json(const char *s, size_t n, struct ward_arena *mem,
                      const struct ward_json **out)
{
    char *bytes = ward_alloc(mem, n + 1);
    struct ward_err why = {0};
    size_t got;

    return bytes != NULL && n > 0 && ward_unbase64url(s, n, bytes, n, &got) &&
           ward_json_parse(bytes, got, NULL, mem, out, &why) == WARD_OK &&
           ward_json_is(*out, WARD_JSON_OBJECT);
}

static bool is(const struct ward_json *object, const char *key, const char *value)
{
    const char *s = ward_json_string(ward_json_get(object, key));

    return s != NULL && strcmp(s, value) == 0;
}

/* The key is selected by its id, and must be this service's own key. */
static bool signed_by(const struct pack_key *seed, const struct ward_json *header,
                      const char *text, const struct parts *p,
                      const uint8_t sig[WARD_ED25519_SIG])
{
    struct ward_sign_key *key;
    struct ward_err why = {0};
    char kid[WARD_PPID_KID];
    bool good;

    if (ward_sign_key_new(seed->seed, &key, &why) != WARD_OK)
        return false;
    ward_ppid_kid(ward_sign_key_public(key), kid);
    good = is(header, "kid", kid) &&
           ward_verify(ward_sign_key_public(key), text, p->signed_n, sig);
    ward_sign_key_free(key);
    return good;
}

static bool is_ours(struct dosage *dos, const struct ward_json *header, const char *text,
                    const struct parts *p)
{
    struct pack_key keys[PACK_KEYS];
    uint8_t sig[WARD_ED25519_SIG];
    bool good = false;
    size_t n;
    int held;

    if (header->count != 3 || !is(header, "alg", "EdDSA") || !is(header, "typ", PACK_TYP) ||
        !ward_unbase64url(p->sig, p->sig_n, sig, sizeof(sig), &n) || n != sizeof(sig))
        return false;
    held = pack_keys(dos, keys);
    for (int i = 0; i < held && !good; i++)
        good = signed_by(&keys[i], header, text, p, sig);
    ward_wipe(keys, sizeof(keys));
    return good;
}

static bool number(const struct ward_json *object, const char *key, int64_t *out)
{
    const char *s = ward_json_string(ward_json_get(object, key));

    return s != NULL && ward_i64(s, 0, INT64_MAX, out);
}

static bool read_pack(const struct ward_json *o, struct pack *out)
{
    const char *id = ward_json_string(ward_json_get(o, "packId"));

    out->ward = ward_json_string(ward_json_get(o, "ward"));
    out->patients = ward_json_get(o, "patients");
    return id != NULL && ward_uuid_parse(id, out->id) && out->ward != NULL &&
           number(o, "madeAtUs", &out->made_at_us) &&
           number(o, "expiresAtUs", &out->expires_at_us);
}

enum ward_code pack_open(struct dosage *dos, const char *text, struct ward_arena *mem,
                         struct pack *out, struct ward_err *err)
{
    const struct ward_json *header, *payload;
    struct pack got;
    struct parts p;

    if (strlen(text) > PACK_BYTES || !split(text, &p))
        return invalid(err, "is not a pack");
    if (p.header_n > 1024 || !read_json(p.header, p.header_n, mem, &header) ||
        !is_ours(dos, header, text, &p))
        return invalid(err, "is not signed by this service, or was changed");
    if (!read_json(p.payload, p.payload_n, mem, &payload) || !read_pack(payload, &got))
        return invalid(err, "has an unreadable payload");
    *out = got;
    return WARD_OK;
}

/* ---- the pack's patients ---- */

static const struct ward_json *patient_of(const struct pack *p, const char *patient_id)
{
    const struct ward_json *v = p->patients == NULL ? NULL : p->patients->first;

    while (v != NULL && !is(v, "patientId", patient_id))
        v = v->next;
    return v;
}

bool pack_has_patient(const struct pack *p, const char *patient_id)
{
    return patient_of(p, patient_id) != NULL;
}

bool pack_has_order(const struct pack *p, const char *patient_id, const char *order_id)
{
    const struct ward_json *orders = ward_json_get(patient_of(p, patient_id), "orders");

    for (const struct ward_json *o = orders == NULL ? NULL : orders->first; o != NULL;
         o = o->next)
        if (is(o, "orderId", order_id))
            return true;
    return false;
}
