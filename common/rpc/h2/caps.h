/* caps.h - limits the number of connections, in total and from each address. Connections are
 * counted before a byte is read. Inside common/rpc/h2.
 *
 * Threads: any. Memory: one entry for each address with connections. Errors: none; without
 * memory for an entry, the connection is rejected.
 */
#ifndef WARD_RPC_H2_CAPS_H
#define WARD_RPC_H2_CAPS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CAPS_BUCKETS 1024

struct caps {
    pthread_mutex_t lock;
    struct caps_entry *buckets[CAPS_BUCKETS];
    int n, most, most_each;
};
void caps_init(struct caps *c, int most, int most_each);
void caps_done(struct caps *c);
/* false: the limit is reached; the connection is not counted. */
bool caps_came(struct caps *c, const uint8_t ip[16]);
void caps_left(struct caps *c, const uint8_t ip[16]);

#endif
