/* keep.h - cache of patients' data in memory. Charts are cached under the patient's id and a
 * hash of the reader's attributes. A consent may hide data from one reader and not from
 * another, so no reader gets data that was read for another person. Active orders are cached
 * for all readers (order/lately.h).
 *
 * The cache has at most KEEP_CHARTS charts and KEEP_BYTES. The least recently used entries are
 * evicted, and evicted data is overwritten. A patient has a generation that increases with each
 * eviction of the patient's data. A reader takes the generation before reading, and the result
 * is cached only if the generation is unchanged. Data that was read before a change is
 * therefore never cached after the change.
 *
 * Threads: has its own locks, by shards of patients. Memory: its own, allocated as needed.
 * Errors: an entry without room is not cached.
 */
#ifndef DOSAGE_STORE_KEEP_H
#define DOSAGE_STORE_KEEP_H

#include "services/dosage/dosage.h"

#define KEEP_CHARTS 100000
#define KEEP_BYTES  ((size_t)256 << 20)
#define KEEP_MOST   ((size_t)64 << 10) /* maximum bytes of one entry */

struct keep;
struct keep_key {
    uint8_t id[DOSAGE_ID];
    uint8_t who[32];
};
struct kept {
    int64_t let_in_ns; /* monotonic: time of the last permission from records for this person */
    int64_t read_ns;   /* time when the facts were read */
    int64_t read_us;
    const void *facts; /* NULL: no facts */
    size_t n;
};

WARD_MUST enum ward_code keep_open(struct keep **out, struct ward_err *err);
void keep_close(struct keep *k); /* NULL is fine */

uint64_t keep_generation(struct keep *k, const uint8_t id[DOSAGE_ID]);
/* Copies a cached entry into mem. False: not cached. */
bool keep_find(struct keep *k, const struct keep_key *key, struct ward_arena *mem,
               struct kept *out);
/* As keep_find, for the most recently read facts of this patient, read for any reader. */
bool keep_newest(struct keep *k, const uint8_t id[DOSAGE_ID], struct ward_arena *mem,
                 struct kept *out);
/* Caches an entry, unless data of the patient was evicted since `generation`. what->facts NULL:
 * only updates let_in_ns; existing facts remain. */
void keep_put(struct keep *k, const struct keep_key *key, uint64_t generation,
              const struct kept *what);
enum keep_forget { KEEP_FACTS, KEEP_ALL }; /* only the facts; facts and permissions */
void keep_forget(struct keep *k, const uint8_t id[DOSAGE_ID], enum keep_forget what);
void keep_forget_all(struct keep *k);
size_t keep_count(struct keep *k);

#endif
