/* Issues PPID tokens. */
#include "services/identity/token/token.h"

enum ward_code token_issue(struct ward_call *c, struct ward_ppid *p, char **out,
                           struct ward_err *err)
{
    const struct identity *id = ((struct worker *)c->wrk)->id;
    const struct ward_sign_key *key;
    enum ward_code code;
    char kid[64];

    key = keys_signer(id->keys, kid);
    if (key == NULL)
        return WARD_FAIL(err, UNAVAILABLE, "no key for signing tokens exists");
    code = ward_ppid_issue(key, p, id->cfg.ppid_lifetime_s, c->mem, out, err);
    keys_signer_release(id->keys, key);
    return code;
}
