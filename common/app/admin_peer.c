/* Finds the owner of the other end of a local connection. Linux lists each TCP socket with its
 * user in /proc/net/tcp and tcp6; identd (RFC 1413) uses the same source. */
#include "common/app/admin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Writes an address in the format of /proc/net/tcp: 32-bit words in the machine's byte order,
 * then the port. */
static void word_for_word(const struct sockaddr_storage *a, bool mapped, char out[48])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
    uint32_t w[4];

    if (a->ss_family == AF_INET) {
        snprintf(out, 48, "%08X:%04X", (unsigned)v4->sin_addr.s_addr, ntohs(v4->sin_port));
        return;
    }
    memcpy(w, &v6->sin6_addr, sizeof(w));
    if (mapped) /* an IPv4 client of a listener on [::] */
        snprintf(out, 48, "%08X:%04X", (unsigned)w[3], ntohs(v6->sin6_port));
    else
        snprintf(out, 48, "%08X%08X%08X%08X:%04X", (unsigned)w[0], (unsigned)w[1],
                 (unsigned)w[2], (unsigned)w[3], ntohs(v6->sin6_port));
}

/* Finds the owner of the socket with the addresses `pair` (the socket's own, then the peer's).
 * Returns false if the table does not list the socket. */
static bool owner(const char *table, const char *pair, unsigned *uid)
{
    char line[256];
    const char *at;
    bool found = false;
    FILE *f = fopen(table, "re");

    if (f == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), f) != NULL)
        found = (at = strstr(line, pair)) != NULL &&
                sscanf(at + strlen(pair), " %*x %*x:%*x %*x:%*x %*x %u", uid) == 1;
    fclose(f);
    return found;
}

bool ward_admin_peer_is_ours(const struct sockaddr_storage *peer,
                             const struct sockaddr_storage *self)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)peer;
    bool mapped = peer->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    char from[48], to[48], pair[100];
    unsigned uid = 0;

    word_for_word(peer, mapped, from);
    word_for_word(self, mapped, to);
    snprintf(pair, sizeof(pair), " %s %s ", from, to);
    if (!owner(peer->ss_family == AF_INET || mapped ? "/proc/net/tcp" : "/proc/net/tcp6", pair,
               &uid))
        return false;
    return uid == 0 || uid == geteuid();
}
