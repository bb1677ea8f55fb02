/* keep.h - what is kept of patients in memory. Charts, as people see them: each under the
 * patient's id and a hash of who asked. What one person may see another may not (a consent
 * denies kinds and labels, to roles and to people), so nobody is given what was read for
 * somebody else. And what runs for them, whoever asks (order/lately.h).
 *
 * At most KEEP_CHARTS of them, and KEEP_BYTES; the ones that were used longest ago go first.
 * What goes is overwritten. A patient has a generation that grows each time something of theirs
 * is forgotten: who reads a chart takes it before, and what they read is kept only if it is
 * still the same, so that no reading that began before a change outlives it.
 *
 * Threads: locks itself, by shards of patients. Memory: its own, taken as it is needed. Errors:
 * what finds no room is not kept.
 */
#ifndef DOSAGE_STORE_KEEP_H
#define DOSAGE_STORE_KEEP_H

#include "services/dosage/dosage.h"

#define KEEP_CHARTS 100000
#define KEEP_BYTES  ((size_t)256 << 20)
#define KEEP_MOST   ((size_t)64 << 10) /* of one */

struct keep;
struct keep_key {
    uint8_t id[DOSAGE_ID];
    uint8_t who[32];
};
struct kept {
    int64_t let_in_ns; /* monotonic: records' last yes to this person */
    int64_t read_ns;   /* when the facts were read */
    int64_t read_us;
    const void *facts; /* NULL: none */
    size_t n;
};

WARD_MUST enum ward_code keep_open(struct keep **out, struct ward_err *err);
void keep_close(struct keep *k); /* NULL is fine */

uint64_t keep_generation(struct keep *k, const uint8_t id[DOSAGE_ID]);
/* Copies into mem. False: there is none. */
bool keep_find(struct keep *k, const struct keep_key *key, struct ward_arena *mem,
               struct kept *out);
/* The facts of this patient that were read last, for whomever. */
bool keep_newest(struct keep *k, const uint8_t id[DOSAGE_ID], struct ward_arena *mem,
                 struct kept *out);
/* Unless something of the patient was forgotten since `generation`. what->facts NULL: only
 * let_in_ns, and facts that are there stay. */
void keep_put(struct keep *k, const struct keep_key *key, uint64_t generation,
              const struct kept *what);
enum keep_forget { KEEP_FACTS, KEEP_ALL }; /* the facts; who was let in, too */
void keep_forget(struct keep *k, const uint8_t id[DOSAGE_ID], enum keep_forget what);
void keep_forget_all(struct keep *k);
size_t keep_count(struct keep *k);

#endif
