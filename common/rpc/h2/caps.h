/* caps.h - how many connections there are, in all and from each address: counted before a byte
 * is read. Inside common/rpc/h2.
 *
 * Threads: any. Memory: one entry an address that has connections. Errors: none; an address
 * that cannot be remembered is refused.
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
bool caps_came(struct caps *c, const uint8_t ip[16]); /* false: one too many, not counted */
void caps_left(struct caps *c, const uint8_t ip[16]);

#endif
