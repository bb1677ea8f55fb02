/* audit.h - the log of every act: what its files share.
 *
 * rules.c decides whether an event may enter (pure); seal.c and vault.c make an event ready to
 * be appended; appender.c gathers what many threads bring and append.c commits it, one
 * transaction a batch; store.c and search.c hold the SQL; proof.c reads the tree; watch.c
 * follows what other replicas append; own.c writes the log's own events; api_*.c speak gRPC;
 * intake.c the bus; log.c opens and closes it all.
 *
 * Threads: struct audit is shared; whatever takes a ward_db runs on the thread that owns it.
 * Memory: results live in the arena passed in. Errors: as db.h, and DATA_LOSS where what is
 * stored contradicts its own signed head.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "common/base/arena.h"
#include "common/base/metrics.h"
#include "common/base/status.h"
#include "common/bus/bus.h"
#include "common/db/db.h"
#include "common/merkle/keys.h"
#include "common/merkle/leaf.h"
#include "services/audit/keys.h"

#define AUDIT_NAME      "audit"
#define AUDIT_EVENT_MAX 8192  /* bytes of a serialized event */
#define AUDIT_BATCH     1000  /* events of one Append */
#define AUDIT_GROUP     2048  /* events of one transaction, about */
#define AUDIT_QUEUE     16384 /* events that may wait for a transaction */

/* ---- rules.c ---- */

struct audit_pair {
    const char *key, *value;
};

/* An event as its service tells it: event.proto. Strings are never NULL. */
struct audit_event {
    const uint8_t *id;
    size_t id_len;
    int64_t occurred_at_us;
    int outcome;
    const char *service, *action, *code, *actor, *peer, *patient, *purpose, *place, *trace_id;
    const struct audit_pair *detail;
    size_t n_detail;
};

/* May it enter the log? `sender` is the name in the sender's certificate, "" where a unix
 * socket vouches for the sender alone.
 *   INVALID_ARGUMENT   a field breaks a rule of event.proto: err->field
 *   PERMISSION_DENIED  SERVICE_NOT_SENDER */
WARD_MUST enum ward_code audit_event_check(const struct audit_event *e, const char *sender,
                                           int64_t now_us, struct ward_err *err);

/* May this text stand in an event: UTF-8 without control characters, at most so many bytes? */
WARD_MUST bool audit_text_fits(const char *s, size_t most);

/* ---- config ---- */

struct audit_config {
    const char *origin;     /* the log's name: origin line and key name */
    const char *kek_file;   /* the key-encryption key */
    const char *anchor;     /* file with the newest head this process saw; "" for none */
    const char *bus_listen; /* intake; "" for none */
    int bus_threads;
    const struct ward_db_config *db;
    const struct ward_bus_tls *bus_tls;
};

/* ---- store.c ---- */

struct audit_head {
    char origin[WARD_NAME_MAX + 1];
    struct ward_frontier frontier; /* frontier.size is the log's size */
    struct ward_hash root;
    unsigned signer; /* of the next head; 0 before the first */
    uint64_t epoch;
    char note[WARD_NOTE_MAX];
    size_t note_len;
};

/* The head; `lock` holds it until the transaction ends. DATA_LOSS where its parts disagree. */
WARD_MUST enum ward_code head_read(struct ward_db *db, struct ward_arena *mem, bool lock,
                                   struct audit_head *out, struct ward_err *err);
WARD_MUST enum ward_code head_write(struct ward_db *db, struct ward_arena *mem,
                                    const struct audit_head *head, struct ward_err *err);
/* How many entries are stored, by the last index. */
WARD_MUST enum ward_code entry_count(struct ward_db *db, struct ward_arena *mem, uint64_t *out,
                                     struct ward_err *err);

/* A stored entry, opened. */
struct audit_entry {
    uint64_t index;
    struct ward_leaf leaf;
    struct ward_val leaf_bytes;
    bool erased;
    uint8_t salt[WARD_SALT_SIZE];
    const void *event; /* NULL once erased */
    size_t event_len;
};

/*   DATA_LOSS  a leaf, or a content that its leaf does not commit to */
WARD_MUST enum ward_code entry_open(const struct audit_vault *v, struct ward_arena *mem,
                                    const struct ward_val *row, struct audit_entry *out,
                                    struct ward_err *err);
/* Those of up to AUDIT_ASKED event ids that the log holds. */
#define AUDIT_ASKED 64
WARD_MUST enum ward_code entry_known(const struct audit_vault *v, struct ward_db *db,
                                     struct ward_arena *mem, const uint8_t *const *ids,
                                     size_t n, struct audit_entry **out, size_t *n_out,
                                     struct ward_err *err);
/* Entries first .. first+n-1, in order. DATA_LOSS where one is missing. */
WARD_MUST enum ward_code entry_range(const struct audit_vault *v, struct ward_db *db,
                                     struct ward_arena *mem, uint64_t first, uint64_t n,
                                     struct audit_entry *out, struct ward_err *err);
/* The same for an export, which shows the log as it is stored and leaves judging it to whoever
 * checks it: *n_out of the n may be there, leaves are as they are, and content that does not
 * open is left out without being marked erased. */
WARD_MUST enum ward_code entry_range_as_is(const struct audit_vault *v, struct ward_db *db,
                                           struct ward_arena *mem, uint64_t first, uint64_t n,
                                           struct audit_entry *out, size_t *n_out,
                                           struct ward_err *err);
/* The stored head's note and size, whatever they are. */
WARD_MUST enum ward_code head_as_is(struct ward_db *db, struct ward_arena *mem, char **note,
                                    uint64_t *size, struct ward_err *err);
/*   NOT_FOUND */
WARD_MUST enum ward_code entry_find(const struct audit_vault *v, struct ward_db *db,
                                    struct ward_arena *mem, const uint8_t event_id[16],
                                    struct audit_entry *out, struct ward_err *err);

/* ---- proof.c ---- */

struct audit_reader {
    struct ward_db *db;
    struct ward_arena *mem;
};
/* The stored tree, for ward_prove_*; `r` lives as long as the result is used. */
struct ward_tree audit_tree(struct audit_reader *r);

/* ---- search.c ---- */

struct audit_filter {
    const char *patient, *actor, *action, *service; /* "" leaves one out */
    int outcome;                                    /* 0 leaves it out */
    int64_t from_us, to_us;                         /* to_us exclusive; INT64_MAX for none */
    int64_t before_us;                              /* keyset: strictly older than this ... */
    uint64_t before_index;
    size_t most;
};
WARD_MUST enum ward_code search(const struct audit_vault *v, struct ward_db *db,
                                struct ward_arena *mem, const struct audit_filter *f,
                                struct audit_entry **out, int64_t **occurred_at_us, size_t *n,
                                struct ward_err *err);

/* ---- log.c, watch.c ---- */

struct audit;
struct audit_appender;

/* Opens the log, makes it where there is none, and checks what can be checked at once. */
WARD_MUST enum ward_code audit_open(const struct audit_config *cfg, struct ward_arena *keep,
                                    struct audit **out, struct ward_err *err);
void audit_close(struct audit *a); /* NULL is fine */

struct audit_vault *audit_vault(struct audit *a);
struct audit_signers *audit_signers(struct audit *a);
struct audit_appender *audit_appender(struct audit *a);
const struct audit_config *audit_cfg(const struct audit *a);

/* The log as this process last saw it. Sizes only grow: a stored head smaller than one seen
 * before, or another one of the same size, is DATA_LOSS. */
struct audit_seen {
    bool any;
    uint64_t size;
    struct ward_hash root;
};
struct audit_seen audit_seen(struct audit *a);
void audit_saw(struct audit *a, uint64_t size, const struct ward_hash *root);
/* Takes a head, just read, for what follows on what was seen before it was read: loads signing
 * keys it names, moves the content epoch on, checks its signature where it is news.
 *   DATA_LOSS  it does not follow, or is not signed */
WARD_MUST enum ward_code audit_head_take(struct audit *a, struct ward_db *db,
                                         struct ward_arena *mem,
                                         const struct audit_seen *before,
                                         const struct audit_head *head, struct ward_err *err);
/* The key that signs the head of this size. */
const struct audit_signer_row *audit_signer_of(struct audit *a, unsigned newest, uint64_t size);
/* Waits until the log is larger than `size`, or for at most ms; returns its size. */
uint64_t audit_wait(struct audit *a, uint64_t size, int64_t ms);
/* From the first DATA_LOSS on, for good: this process appends no more. */
void audit_broke(struct audit *a, const struct ward_err *err);
WARD_MUST enum ward_code audit_sound(struct audit *a, struct ward_err *err);

#endif
