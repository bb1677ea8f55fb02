/* audit.h - declarations shared by the files of the audit service.
 *
 * rules.c decides whether an event may enter (pure). seal.c and vault.c prepare an event.
 * appender.c collects the events of many threads, and append.c commits them, one transaction
 * for each batch. store.c and search.c contain the SQL. proof.c reads the tree. watch.c follows
 * the events that other replicas append. own.c builds the events of audit itself. The api_*.c
 * files implement gRPC, intake.c the bus. log.c opens and closes everything.
 *
 * Threads: struct audit is shared; a function with a ward_db runs on the thread that owns it.
 * Memory: results are in the given arena. Errors: those of db.h, and DATA_LOSS if stored data
 * contradicts the signed head. */
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
#define AUDIT_EVENT_MAX 8192  /* limit of a serialized event in bytes */
#define AUDIT_BATCH     1000  /* limit of events in one Append */
#define AUDIT_GROUP     2048  /* approximate limit of events in one transaction */
#define AUDIT_QUEUE     16384 /* limit of events that wait for a transaction */

/* ---- rules.c ---- */

struct audit_pair {
    const char *key, *value;
};

/* An event in the fields of event.proto. Strings are never NULL. */
struct audit_event {
    const uint8_t *id; /* 16 bytes; NULL: event_id is not a UUID in lower case */
    int64_t occurred_at_us;
    int outcome;
    const char *service, *action, *code, *actor, *peer, *patient, *purpose, *place, *trace_id;
    const struct audit_pair *detail;
    size_t n_detail;
};

/* Checks whether an event may enter the log. `sender` is the name in the sender's certificate,
 * or "" if a unix socket identifies the sender.
 *   INVALID_ARGUMENT   a field breaks a rule of event.proto: err->field
 *   PERMISSION_DENIED  SERVICE_NOT_SENDER */
WARD_MUST enum ward_code audit_event_check(const struct audit_event *e, const char *sender,
                                           int64_t now_us, struct ward_err *err);

/* Returns whether an event may contain this text: UTF-8 without control characters, within the
 * limit. */
WARD_MUST bool audit_text_fits(const char *s, size_t most);

/* ---- config ---- */

struct audit_config {
    const char *origin;     /* the log's name: origin line and key name */
    const char *kek_file;   /* the key-encryption key */
    const char *anchor;     /* file with the newest head that this process saw; "" for none */
    const char *bus_listen; /* address for receiving events over the bus; "" for none */
    int bus_threads;
    const struct ward_db_config *db;
    const struct ward_bus_tls *bus_tls;
};

/* ---- store.c ---- */

struct audit_head {
    char origin[WARD_NAME_MAX + 1];
    struct ward_frontier frontier; /* frontier.size is the number of entries in the log */
    struct ward_hash root;
    unsigned signer; /* number of the key that signs the next head; 0 before the first head */
    uint64_t epoch;
    char note[WARD_NOTE_MAX];
    size_t note_len;
};

/* Reads the head; `lock` locks it until the transaction ends. DATA_LOSS if its parts disagree.
 */
WARD_MUST enum ward_code head_read(struct ward_db *db, struct ward_arena *mem, bool lock,
                                   struct audit_head *out, struct ward_err *err);
WARD_MUST enum ward_code head_write(struct ward_db *db, struct ward_arena *mem,
                                    const struct audit_head *head, struct ward_err *err);
/* Returns the number of stored entries, by the last index. */
WARD_MUST enum ward_code entry_count(struct ward_db *db, struct ward_arena *mem, uint64_t *out,
                                     struct ward_err *err);

/* A stored entry, decrypted. */
struct audit_entry {
    uint64_t index;
    struct ward_leaf leaf;
    struct ward_val leaf_bytes;
    bool erased;
    uint8_t salt[WARD_SALT_SIZE];
    const void *event; /* NULL if the content was erased */
    size_t event_len;
};

/*   DATA_LOSS  a malformed leaf, or content that does not match its leaf */
WARD_MUST enum ward_code entry_open(const struct audit_vault *v, struct ward_arena *mem,
                                    const struct ward_val *row, struct audit_entry *out,
                                    struct ward_err *err);
/* Reads the entries with these event ids, at most AUDIT_ASKED ids. Unknown ids are omitted. */
#define AUDIT_ASKED 64
WARD_MUST enum ward_code entry_known(const struct audit_vault *v, struct ward_db *db,
                                     struct ward_arena *mem, const uint8_t *const *ids,
                                     size_t n, struct audit_entry **out, size_t *n_out,
                                     struct ward_err *err);
/* Reads entries first .. first+n-1, in order. DATA_LOSS if one is missing. */
WARD_MUST enum ward_code entry_range(const struct audit_vault *v, struct ward_db *db,
                                     struct ward_arena *mem, uint64_t first, uint64_t n,
                                     struct audit_entry *out, struct ward_err *err);
/* Reads entries for an export, which contains the log as it is stored; the reader of the export
 * verifies it. Some of the n entries may be missing: *n_out is the number that exist. Leaves
 * are unchanged. Content that cannot be decrypted is omitted, without being marked as
 * erased. */
WARD_MUST enum ward_code entry_range_as_is(const struct audit_vault *v, struct ward_db *db,
                                           struct ward_arena *mem, uint64_t first, uint64_t n,
                                           struct audit_entry *out, size_t *n_out,
                                           struct ward_err *err);
/* Reads the stored head's note and size without verifying them. */
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
/* The stored tree as an argument for ward_prove_*. `r` must live as long as the result. */
struct ward_tree audit_tree(struct audit_reader *r);

/* ---- search.c ---- */

struct audit_filter {
    const char *patient, *actor, *action, *service; /* "" for any */
    int outcome;                                    /* 0 for any */
    int64_t from_us, to_us; /* to_us is exclusive; INT64_MAX means no limit */
    /* only entries before this time, or at this time with an index below before_index */
    int64_t before_us;
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

/* Opens the log, or creates it. Checks the head, the stored tree and the anchor. */
WARD_MUST enum ward_code audit_open(const struct audit_config *cfg, struct ward_arena *keep,
                                    struct audit **out, struct ward_err *err);
void audit_close(struct audit *a); /* NULL is allowed */

struct audit_vault *audit_vault(struct audit *a);
struct audit_signers *audit_signers(struct audit *a);
struct audit_appender *audit_appender(struct audit *a);
const struct audit_config *audit_cfg(const struct audit *a);

/* The log as this process last saw it. Sizes only grow. If a stored head is smaller than an
 * earlier head, or differs from a head of the same size, the result is DATA_LOSS. */
struct audit_seen {
    bool any;
    uint64_t size;
    struct ward_hash root;
};
struct audit_seen audit_seen(struct audit *a);
void audit_saw(struct audit *a, uint64_t size, const struct ward_hash *root);
/* Accepts a head that was just read, if the head extends the last known head. Loads the head's
 * signing keys, advances the content epoch, and verifies the signature of a new head.
 *   DATA_LOSS  the head does not extend the known head, or is not signed */
WARD_MUST enum ward_code audit_head_take(struct audit *a, struct ward_db *db,
                                         struct ward_arena *mem,
                                         const struct audit_seen *before,
                                         const struct audit_head *head, struct ward_err *err);
/* Returns the key that signed the head of this size. */
const struct audit_signer_row *audit_signer_of(struct audit *a, unsigned newest, uint64_t size);
/* Waits until the log is larger than `size`, or for at most ms; returns its size. */
uint64_t audit_wait(struct audit *a, uint64_t size, int64_t ms);
/* After the first DATA_LOSS, this process never appends again. */
void audit_broke(struct audit *a, const struct ward_err *err);
WARD_MUST enum ward_code audit_sound(struct audit *a, struct ward_err *err);

#endif
