#include "common/rpc/server.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT transport_h2

/* The process's transport, not a server's. A client also needs to know the transport, because
 * the client's way of waiting depends on the threads that read (client_channel.c). */
static const struct transport *_Atomic chosen;

static const struct transport *named(const char *name)
{
    static const struct transport *const all[] = {&transport_core, &transport_h2};

    for (size_t i = 0; name != NULL && i < WARD_COUNT(all); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

enum ward_code ward_rpc_use(const char *transport, struct ward_err *err)
{
    const struct transport *t = named(transport);

    if (t == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "WARD_TRANSPORT must be h2 or core, not %s",
                         transport);
    atomic_store(&chosen, t);
    return WARD_OK;
}

const struct transport *transport_chosen(void)
{
    const struct transport *t = atomic_load(&chosen);

    if (t == NULL)
        t = named(getenv("WARD_TRANSPORT"));
    return t == NULL ? &DEFAULT : t;
}

static bool is_local(const char *listen)
{
    static const char *const local[] = {"unix:", "localhost:", "[::1]:"};

    for (size_t i = 0; i < WARD_COUNT(local); i++)
        if (strncmp(listen, local[i], strlen(local[i])) == 0)
            return true;
    /* Only digits: 127.example.org is a name, possibly of another machine. */
    return strncmp(listen, "127.", 4) == 0 && listen[strspn(listen, "0123456789.")] == ':';
}

static bool given(const char *path)
{
    return path != NULL && *path != '\0';
}

enum ward_code transport_secure(const struct ward_rpc_config *cfg, bool *secure,
                                struct ward_err *err)
{
    const struct ward_tls *tls = &cfg->tls;
    int n = given(tls->cert) + given(tls->key) + given(tls->ca);

    *secure = n == 3;
    if (*secure)
        return WARD_OK;
    if (n != 0)
        return WARD_FAIL(
            err, FAILED_PRECONDITION,
            "certificate, key and CA must be set together: set all three or none of them");
    if (!is_local(cfg->listen))
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "a server without certificates must listen on a loopback address or a "
                         "unix socket, not on %s",
                         cfg->listen);
    return WARD_OK;
}
