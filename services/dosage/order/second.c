/* The second person of a double check. */
#include "services/dosage/order/order_own.h"
#include "services/dosage/track/presence.h"

#include <string.h>

static enum ward_code refused(struct ward_err *err)
{
    return WARD_FAIL_REASON(
        err, PERMISSION_DENIED, "SECOND_PERSON_REFUSED",
        "the second person's token is invalid, lacks the role, or belongs to the caller");
}

enum ward_code second_person(struct ward_call *c, const char *token, const char *const *roles,
                             struct ward_principal *who)
{
    const struct dosage *dos = ((struct worker *)c->wrk)->dos;
    struct ward_principal second;
    struct ward_err why = {0};
    bool fit = false;

    if (dos->jwks == NULL ||
        ward_jwt_check(dos->jwks, c->mem, token, strlen(token), &second, &why) != WARD_OK)
        return why.code == WARD_RESOURCE_EXHAUSTED
                   ? WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a token")
                   : refused(c->err);
    for (; *roles != NULL; roles++)
        fit = fit || ward_principal_has(&second, *roles);
    if (!fit || rule_same_person(second.subject, c->who->subject))
        return refused(c->err);
    presence_note(c, &second);
    *who = second;
    return WARD_OK;
}
