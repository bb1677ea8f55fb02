/* The second person of one bedside action, who confirms with a new token for this action
 * alone. */
#include "services/dosage/give/bedside.h"
#include "services/dosage/order/order_own.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"

#include <string.h>

static const char *const ROLES[] = {"nurse", "physician", "pharmacist", NULL};

/* Hashes the signed part of a token. A token with another form of the signature has an equal
 * hash. */
static void token_of(const struct ward_principal *who, uint8_t out[WARD_SHA256_SIZE])
{
    const char *end = strrchr(who->token, '.');

    ward_sha256(who->token, end == NULL ? strlen(who->token) : (size_t)(end - who->token), out);
}

/* Hashes the action of a call. A repeated call has an equal hash. */
static void act_of(const struct ward_idem *i, uint8_t out[WARD_SHA256_SIZE])
{
    const struct ward_bytes parts[] = {{i->caller, strlen(i->caller) + 1},
                                       {i->method, strlen(i->method) + 1},
                                       {i->key, strlen(i->key) + 1},
                                       {i->request_sha256, sizeof(i->request_sha256)}};

    ward_sha256_parts(parts, WARD_COUNT(parts), out);
}

static enum ward_code is_unused(struct ward_call *c, struct ward_db *db,
                                const struct ward_idem *idem, const struct ward_principal *who,
                                struct ward_err *err)
{
    static const char SQL[] = "SELECT used_by FROM second_person_used WHERE token = ?";
    uint8_t token[WARD_SHA256_SIZE], event[WARD_SHA256_SIZE];
    struct ward_rows rows;

    token_of(who, token);
    act_of(idem, event);
    WARD_TRY(
        ward_db_run(db, c->mem, SQL, WARD_PARAMS(ward_blob(token, sizeof(token))), &rows, err));
    if (rows.n == 1 && (rows.at[0][0].n != sizeof(event) ||
                        memcmp(rows.at[0][0].p, event, sizeof(event)) != 0))
        return WARD_FAIL_REASON(
            err, PERMISSION_DENIED, "SECOND_PERSON_USED",
            "the second person's token was already used for another action");
    return WARD_OK;
}

static bool is_here(const struct ward_call *c, const struct ward_principal *who,
                    const char *ward)
{
    return rule_ward(who->roles, who->n_roles, who->ward, ward) ||
           rule_ward(who->roles, who->n_roles, who->ward, c->who->ward);
}

static enum ward_code fits(struct ward_call *c, const struct ward_principal *who,
                           const char *ward)
{
    if (strcmp(who->purpose, "TREAT") != 0 || !is_here(c, who, ward))
        return WARD_FAIL_REASON(
            c->err, PERMISSION_DENIED, "SECOND_PERSON_REFUSED",
            "the second person's token needs the purpose TREAT, and the ward of the patient or "
            "of the caller");
    if (!rule_fresh_token(who->issued_at, ward_wall_us()))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "SECOND_PERSON_OLD",
                                "the second person's token was issued more than 5 minutes ago");
    return WARD_OK;
}

enum ward_code witness(struct ward_call *c, const struct ward_idem *idem, const char *token,
                       const char *ward, struct ward_principal *who)
{
    struct ward_principal second;

    WARD_TRY(second_person(c, token, ROLES, &second));
    WARD_TRY(fits(c, &second, ward));
    WARD_TRY(is_unused(c, ((struct worker *)c->wrk)->event_ctx.db, idem, &second, c->err));
    *who = second;
    return WARD_OK;
}

enum ward_code witness_use(struct ward_call *c, const struct ward_idem *idem,
                           const struct ward_principal *who, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT IGNORE INTO second_person_used (token, used_by, at_us) VALUES (?, ?, ?)";
    struct ward_db *db = ((struct worker *)c->wrk)->event_ctx.db;
    uint8_t token[WARD_SHA256_SIZE], event[WARD_SHA256_SIZE];

    token_of(who, token);
    act_of(idem, event);
    WARD_TRY(ward_db_run(db, c->mem, SQL,
                         WARD_PARAMS(ward_blob(token, sizeof(token)),
                                     ward_blob(event, sizeof(event)),
                                     ward_int(c->mem, ward_wall_us())),
                         NULL, err));
    return is_unused(c, db, idem, who, err);
}
