/* Maps the issuer's claim names and role names to Ward's. */
#include "common/auth/claims.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT_MAX 128 /* audit's limit for an actor, in bytes */
#define WARD_MAX    128 /* audit's limit for a place, in bytes */
#define PURPOSE_MAX 64  /* audit's limit for a purpose, in bytes */
#define ROLE_MAX    64
#define NAMES_MAX   256

struct ward_claims {
    char *subject, *roles, *ward, *purpose, *purpose_absent;
    char *list; /* copy of role_names; `names` points into this copy */
    int n_names;
    struct {
        const char *theirs, *ours;
    } names[NAMES_MAX];
};

/* ---- configuration ---- */

static char *copy(const char *given, const char *otherwise)
{
    return strdup(given == NULL || *given == '\0' ? otherwise : given);
}

/* Returns `s` without surrounding blanks; modifies `s`. */
static char *trim(char *s)
{
    size_t n;

    s += strspn(s, " \t");
    for (n = strlen(s); n > 0 && strchr(" \t", s[n - 1]) != NULL; n--)
        s[n - 1] = '\0';
    return s;
}

/* Roles in the .proto files consist of lower-case letters, digits and hyphens. */
static bool is_role(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n <= ROLE_MAX && s[n] == '\0';
}

/* Parses "nurse" or "their name=nurse"; splits at the last '='. */
static bool name_add(struct ward_claims *c, char *entry)
{
    char *equals = strrchr(entry, '='), *theirs, *ours;

    if (equals != NULL)
        *equals = '\0';
    theirs = trim(entry);
    ours = equals == NULL ? theirs : trim(equals + 1);
    if (*theirs == '\0' || !is_role(ours) || c->n_names == NAMES_MAX)
        return false;
    c->names[c->n_names].theirs = theirs;
    c->names[c->n_names++].ours = ours;
    return true;
}

static enum ward_code names_read(struct ward_claims *c, struct ward_err *err)
{
    int at = 0;

    for (char *entry = c->list, *next; entry != NULL; entry = next) {
        next = strchr(entry, ',');
        if (next != NULL)
            *next++ = '\0';
        at++;
        if (at == 1 && next == NULL && *trim(entry) == '\0')
            return WARD_OK; /* without a list, every role is accepted under its own name */
        if (!name_add(c, entry))
            return WARD_FAIL(err, FAILED_PRECONDITION,
                             "role names: entry %d must be ROLE or THEIR-NAME=ROLE, at most %d "
                             "entries",
                             at, NAMES_MAX);
    }
    return WARD_OK;
}

enum ward_code ward_claims_new(const struct ward_claim_names *names, struct ward_claims **out,
                               struct ward_err *err)
{
    struct ward_claims *c = calloc(1, sizeof(*c));
    enum ward_code code;

    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the names of claims");
    c->subject = copy(names->subject, "sub");
    c->roles = copy(names->roles, "roles");
    c->ward = copy(names->ward, "ward");
    c->purpose = copy(names->purpose, "purpose");
    c->purpose_absent = copy(names->purpose_absent, "");
    c->list = copy(names->role_names, "");
    if (c->subject == NULL || c->roles == NULL || c->ward == NULL || c->purpose == NULL ||
        c->purpose_absent == NULL || c->list == NULL)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the names of claims");
    else
        code = names_read(c, err);
    if (code != WARD_OK) {
        ward_claims_free(c);
        return code;
    }
    *out = c;
    return WARD_OK;
}

void ward_claims_free(struct ward_claims *c)
{
    if (c == NULL)
        return;
    free(c->subject);
    free(c->roles);
    free(c->ward);
    free(c->purpose);
    free(c->purpose_absent);
    free(c->list);
    free(c);
}

/* ---- a token's claims ---- */

/* Returns the member with this whole name, otherwise the member at the end of the dotted path.
 * Returns NULL if the claim is absent. */
static const struct ward_json *find(const struct ward_json *v, const char *name)
{
    const struct ward_json *found = ward_json_get(v, name);
    char step[128];

    for (const char *dot; found == NULL && (dot = strchr(name, '.')) != NULL; name = dot + 1) {
        size_t n = (size_t)(dot - name);

        if (n >= sizeof(step))
            return NULL;
        memcpy(step, name, n);
        step[n] = '\0';
        v = ward_json_get(v, step);
        found = v == NULL ? NULL : ward_json_get(v, dot + 1);
        if (v == NULL)
            return NULL;
    }
    return found;
}

/* Returns whether an audit event may contain this text. If audit rejected the event of an
 * action, the action would have no record. Tokens with an unsuitable text are therefore
 * rejected. Control characters in UTF-8 are C0, DEL, and C1, which has two bytes. */
static bool recordable(const char *s, size_t most)
{
    const unsigned char *p = (const unsigned char *)s;

    for (size_t i = 0; p[i] != '\0'; i++)
        if (i >= most || p[i] < ' ' || p[i] == 0x7f ||
            (p[i] == 0xc2 && p[i + 1] >= 0x80 && p[i + 1] <= 0x9f))
            return false;
    return true;
}

static enum ward_token malformed(struct ward_jose *t, const char *claim, const char *fault)
{
    t->claim = claim;
    t->fault = fault;
    return WARD_TOKEN_MALFORMED;
}

/* Reads a text of at most `most` bytes; an absent or empty claim is read as `absent`. *out is
 * NULL if the arena is full. */
static enum ward_token text(struct ward_jose *t, const char *claim, size_t most,
                            const char *absent, struct ward_arena *mem, const char **out)
{
    const struct ward_json *v = find(t->claims, claim);

    if (v != NULL && v->kind != WARD_JSON_STRING)
        return malformed(t, claim, "must be one string");
    if (v != NULL && !recordable(v->text, most))
        return malformed(t, claim, "is too long or contains control characters");
    *out = ward_strdup(mem, v == NULL || *v->text == '\0' ? absent : v->text);
    return WARD_TOKEN_FINE;
}

/* Returns Ward's name of the role; NULL for a role that Ward does not use. */
static const char *ours(const struct ward_claims *c, const char *theirs)
{
    if (c->n_names == 0)
        return theirs;
    for (int i = 0; i < c->n_names; i++)
        if (strcmp(c->names[i].theirs, theirs) == 0)
            return c->names[i].ours;
    return NULL;
}

static enum ward_token roles(const struct ward_claims *c, struct ward_jose *t,
                             struct ward_arena *mem, struct ward_principal *who)
{
    const struct ward_json *list = find(t->claims, c->roles);

    if (list == NULL)
        return WARD_TOKEN_FINE;
    if (list->kind != WARD_JSON_ARRAY)
        return malformed(t, c->roles, "must be an array of strings");
    for (const struct ward_json *item = list->first; item != NULL; item = item->next) {
        const char *role;

        if (item->kind != WARD_JSON_STRING)
            return malformed(t, c->roles, "must be an array of strings");
        role = ours(c, item->text);
        if (role == NULL || (c->n_names > 0 && ward_principal_has(who, role)))
            continue;
        if (who->n_roles == WARD_MAX_ROLES)
            return malformed(t, c->roles,
                             "must have at most 16 roles; WARD_ROLE_NAMES selects roles");
        who->roles[who->n_roles] = ward_strdup(mem, role);
        if (who->roles[who->n_roles++] == NULL)
            return WARD_TOKEN_NO_MEMORY;
    }
    return WARD_TOKEN_FINE;
}

enum ward_token ward_claims_read(const struct ward_claims *c, struct ward_jose *t,
                                 struct ward_arena *mem, struct ward_principal *who)
{
    const struct ward_json *sub = find(t->claims, c->subject);
    enum ward_token bad;

    if (!ward_json_is(sub, WARD_JSON_STRING) || *sub->text == '\0' ||
        !recordable(sub->text, SUBJECT_MAX))
        return WARD_TOKEN_SUBJECT;
    who->subject = ward_strdup(mem, sub->text);
    bad = text(t, c->ward, WARD_MAX, "", mem, &who->ward);
    if (bad == WARD_TOKEN_FINE)
        bad = text(t, c->purpose, PURPOSE_MAX, c->purpose_absent, mem, &who->purpose);
    if (bad == WARD_TOKEN_FINE)
        bad = roles(c, t, mem, who);
    return bad;
}
