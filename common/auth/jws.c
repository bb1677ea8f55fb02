/* Signed documents of other kinds than tokens. */
#include "common/auth/jose.h"

enum ward_code ward_jws_issue(const struct ward_sign_key *key, const char *typ,
                              const char *json, struct ward_arena *mem, char **out,
                              struct ward_err *err)
{
    json_t *claims = json_loads(json, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(claims)) {
        json_decref(claims);
        return WARD_FAIL(err, INTERNAL, "what is to be signed is not a JSON object");
    }
    return ward_jose_sign(key, typ, claims, mem, out, err);
}
