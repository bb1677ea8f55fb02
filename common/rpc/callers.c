/* Maps names in certificates to callers of the .proto files. A vendor's system or a device has
 * a name of its own, so that the audit log identifies it. The configuration gives such a name
 * the rights of `gateway`, `devices` or `inference`, and of no other service. */
#include "common/rpc/server.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 256

struct callers {
    char *list; /* split into the texts below */
    int n;
    struct {
        const char *name, *as;
        size_t prefix; /* number of bytes before a final '*'; 0: the whole name must match */
    } names[NAMES_MAX];
};

static bool may_be_given(const char *as)
{
    return strcmp(as, "gateway") == 0 || strcmp(as, "devices") == 0 ||
           strcmp(as, "inference") == 0;
}

/* Adds an entry: "lab-x=gateway", "pump-*=devices". */
static bool add(struct callers *c, char *entry)
{
    char *equals, *star;
    size_t n;

    while (*entry == ' ')
        entry++;
    equals = strchr(entry, '=');
    if (equals == NULL || c->n == NAMES_MAX)
        return false;
    *equals = '\0';
    n = (size_t)(equals - entry);
    star = strchr(entry, '*');
    if (n == 0 || n >= RPC_PEER || strchr(entry, ' ') != NULL || !may_be_given(equals + 1) ||
        (star != NULL && (star == entry || star[1] != '\0')))
        return false;
    c->names[c->n].name = entry;
    c->names[c->n].as = equals + 1;
    c->names[c->n++].prefix = star == NULL ? 0 : n - 1;
    return true;
}

static enum ward_code read_list(struct callers *c, struct ward_err *err)
{
    int at = 0;

    for (char *entry = c->list, *next; entry != NULL && *c->list != '\0'; entry = next) {
        next = strchr(entry, ',');
        if (next != NULL)
            *next++ = '\0';
        at++;
        if (!add(c, entry))
            return WARD_FAIL(err, FAILED_PRECONDITION,
                             "callers: entry %d must be NAME=gateway, NAME=devices or "
                             "NAME=inference, at most %d entries",
                             at, NAMES_MAX);
    }
    return WARD_OK;
}

enum ward_code callers_new(const char *list, struct callers **out, struct ward_err *err)
{
    struct callers *c = calloc(1, sizeof(*c));
    enum ward_code code;

    WARD_ASSERT(c != NULL);
    c->list = strdup(list == NULL ? "" : list);
    WARD_ASSERT(c->list != NULL);
    code = read_list(c, err);
    if (code != WARD_OK) {
        callers_free(c);
        return code;
    }
    *out = c;
    return WARD_OK;
}

void callers_free(struct callers *c)
{
    if (c == NULL)
        return;
    free(c->list);
    free(c);
}

const char *callers_as(const struct callers *c, const char *peer)
{
    for (int i = 0; i < c->n; i++) {
        size_t prefix = c->names[i].prefix;

        if (prefix == 0 ? strcmp(c->names[i].name, peer) == 0
                        : strncmp(c->names[i].name, peer, prefix) == 0 && peer[prefix] != '\0')
            return c->names[i].as;
    }
    return peer;
}
