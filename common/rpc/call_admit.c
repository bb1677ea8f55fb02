#include "common/rpc/server.h"

#include <string.h>

#define PEER_PREFIX "spiffe://ward/"
#define BEARER      "bearer "

const char *call_meta(const struct served *s, const char *key, size_t *len)
{
    const char *value;

    return s->rpc->transport->meta(s, key, &value, len) == 1 ? value : NULL;
}

void admit_uri(const char *uri, size_t len, char peer[RPC_PEER])
{
    const size_t prefix = strlen(PEER_PREFIX);
    size_t n = len - prefix;

    *peer = '\0';
    if (len <= prefix || memcmp(uri, PEER_PREFIX, prefix) != 0 || n >= RPC_PEER ||
        memchr(uri + prefix, '\0', n) != NULL)
        return;
    memcpy(peer, uri + prefix, n);
    peer[n] = '\0';
}

enum ward_code admit_caller(const struct served *s, struct ward_err *err)
{
    const struct ward_method_info *m = s->method->info;
    bool named = *s->peer != '\0' || !s->rpc->secure;
    const char *as = callers_as(s->rpc->callers, s->peer);

    if (s->method->system) /* an orchestrator's probe may use any certificate of the CA */
        return WARD_OK;
    for (int i = 0; named && i < m->n_callers; i++)
        if (strcmp(m->callers[i], "*") == 0 ||
            (*s->peer != '\0' &&
             (strcmp(m->callers[i], s->peer) == 0 || strcmp(m->callers[i], as) == 0)))
            return WARD_OK;
    return WARD_FAIL_REASON(err, PERMISSION_DENIED, "CALLER_NOT_ALLOWED",
                            "this service may not call this method");
}

/* Returns the token after "Bearer ". Returns NULL if there is no authorization header or *odd
 * is set: several headers, or another scheme. */
static const char *bearer(const struct served *s, size_t *len, bool *odd)
{
    const char *v = NULL;
    size_t n = 0;
    int seen = s->rpc->transport->meta(s, "authorization", &v, &n);

    if (seen == 0)
        return NULL;
    *odd = seen > 1 || n <= strlen(BEARER) || strncasecmp(v, BEARER, strlen(BEARER)) != 0;
    if (*odd)
        return NULL;
    *len = n - strlen(BEARER);
    return v + strlen(BEARER);
}

static bool has_any(const struct ward_principal *who, const struct ward_method_info *m)
{
    for (int i = 0; i < m->n_roles; i++)
        if (ward_principal_has(who, m->roles[i]))
            return true;
    return false;
}

static bool needs_person(const struct served *s)
{
    const struct ward_method_info *m = s->method->info;
    const char *as = callers_as(s->rpc->callers, s->peer);

    for (int i = 0; *s->peer != '\0' && i < m->n_services; i++)
        if (strcmp(m->services[i], s->peer) == 0 || strcmp(m->services[i], as) == 0)
            return false;
    return m->n_roles > 0;
}

enum ward_code admit_person(struct served *s, struct ward_arena *mem,
                            const struct ward_principal **who, struct ward_err *err)
{
    const struct ward_method_info *m = s->method->info;
    struct ward_principal *p;
    const char *token;
    size_t len = 0;
    bool odd = false;

    if (s->method->system)
        return WARD_OK;
    token = bearer(s, &len, &odd);
    if (odd)
        return WARD_FAIL_REASON(
            err, UNAUTHENTICATED, "TOKEN_MALFORMED",
            "the metadata `authorization` must contain exactly one bearer token");
    if (token == NULL && !needs_person(s))
        return WARD_OK;
    if (token == NULL)
        return WARD_FAIL_REASON(err, UNAUTHENTICATED, "TOKEN_MISSING",
                                "a person's bearer token is needed");
    if (s->rpc->cfg.jwks == NULL)
        return WARD_FAIL_REASON(err, UNAUTHENTICATED, "TOKEN_UNKNOWN_KEY",
                                "this method accepts no bearer token of a person");
    p = ward_new(mem, struct ward_principal);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED,
                         "the call needs more memory than a call may use");
    WARD_TRY(tokens_check(s->rpc->tokens, s->rpc->cfg.jwks, mem, token, len, p, err));
    *who = p; /* set even if the role is missing, so that the audit event names the person */
    if (needs_person(s) && !has_any(p, m))
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "ROLE_MISSING",
                                "none of the person's roles may call this method");
    return WARD_OK;
}
