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

/* maximum number of findings with text; further findings are only counted */
#define CHECK_SHOWN 50

struct check_finding {
    const char *what; /* kind of finding for programs, a constant such as "CONTENT" */
    int64_t index;    /* index of the entry; -1: the finding concerns no entry */
    char words[240];
};

struct check_id {
    uint8_t id[16];
    uint64_t index;
};

struct check {
    const struct cli *cli;
    struct ward_arena mem;  /* memory for the whole check */
    struct ward_arena line; /* memory for one line */
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

/* Verifies a signed head with the keys known so far and the key rotations in `handovers`. If
 * the head is invalid, returns false and adds a finding. `name` is the head's name in findings,
 * such as "the receipt's head". */
bool check_head(struct check *c, const char *name, const char *note,
                const struct file_notes *handovers, struct ward_checkpoint *out);

/* Checks the leaf of an entry, and its content if present. *ok is false after a finding. */
void check_entry(struct check *c, const struct file_entry *e, struct ward_leaf *leaf, bool *ok);

/* A size of the log for which another file gives the root: an older head, or a rotation. */
struct check_mark {
    const char *name;
    uint64_t size;
    struct ward_hash root;
};
/* A receipt, whose leaf must be at its index in the log. */
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

/* Reads and checks the entries of an export, which follow the header. */
void check_entries(struct check *c, FILE *f, uint64_t size, const struct check_against *known);

#endif
