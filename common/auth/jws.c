/* Signed documents that are not tokens. */
#include "common/auth/jose.h"

#include <string.h>

enum ward_code ward_jws_issue(const struct ward_sign_key *key, const char *typ,
                              const char *json, struct ward_arena *mem, char **out,
                              struct ward_err *err)
{
    struct ward_json_out w = {.mem = mem};
    const struct ward_json *v = NULL;
    const char *compact;

    if (ward_json_parse(json, strlen(json), NULL, mem, &v, err) != WARD_OK ||
        v->kind != WARD_JSON_OBJECT)
        return mem->full
                   ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the signed document")
                   : WARD_FAIL(err, INTERNAL, "the document to sign is not a JSON object");
    ward_json_value(&w, v);
    WARD_TRY(ward_json_done(&w, &compact, NULL, err));
    return ward_jose_sign(key, typ, compact, mem, out, err);
}
