/* audit_check.h - verifies a log against its signed head, offline, with files and one trusted
 * key.
 *
 * Threads: one. Memory: the check's own arena. Errors: a fault of the log is a finding; an
 * unreadable file is an error.
 */
#ifndef WARD_CLI_AUDIT_CHECK_H
#define WARD_CLI_AUDIT_CHECK_H

#include "cli/audit/audit_file.h"
#include "cli/core/cli.h"

#define CHECK_SHOWN 50 /* findings with text; further ones are only counted */

struct check_finding {
    const char *what; /* "CONTENT": constant, for programs */
    int64_t index;    /* index of the entry; -1 for none */
    char words[240];
};

struct check_id {
    uint8_t id[16];
    uint64_t index;
};

struct check {
    const struct cli *cli;
    struct ward_arena mem;  /* for the whole check */
    struct ward_arena line; /* for one line */
    struct ward_log_keys keys;
    struct ward_checkpoint head;
    bool have_head;
    uint64_t entries, contents, erased;
    size_t n_findings; /* all */
    struct check_finding findings[CHECK_SHOWN];
    struct check_id *ids;
    size_t ids_cap;
};

void check_begin(struct check *c, const struct cli *cli);
void check_done(struct check *c);

void check_wrong(struct check *c, const char *what, int64_t index, const char *fmt, ...)
    WARD_PRINTF(4, 5);

/* Verifies a signed head with the keys known so far and these rotations. If it is invalid,
 * returns false and adds a finding; `name` is the head's name in findings ("the head", "the
 * receipt's head"). */
bool check_head(struct check *c, const char *name, const char *note,
                const struct file_notes *handovers, struct ward_checkpoint *out);

/* The fields of an entry: leaf, content, commitment. */
void check_entry(struct check *c, const struct file_entry *e, struct ward_leaf *leaf, bool *ok);

/* Sizes of the log whose root is known from elsewhere: older heads, rotations. */
struct check_mark {
    const char *name;
    uint64_t size;
    struct ward_hash root;
};
/* Receipts whose leaf must be at their index. */
struct check_leaf {
    const char *name;
    uint64_t index;
    struct ward_hash leaf;
};
#define CHECK_MARKS 160
struct check_against {
    struct check_mark marks[CHECK_MARKS];
    size_t n_marks;
    struct check_leaf leaves[16];
    size_t n_leaves;
};

/* Reads an export's entries after its header, to the end. */
void check_entries(struct check *c, FILE *f, uint64_t size, const struct check_against *known);

#endif
