/* The anchor: a file outside the database with the newest head that this process saw. A
 * database administrator can restore an old log with its old, signed head, but not the file. */
#include "services/audit/append.h"
#include "services/audit/watch.h"

#include "common/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum ward_code read_anchor(struct audit *a, unsigned newest, struct ward_checkpoint *out,
                                  bool *any, struct ward_err *err)
{
    const struct audit_signer_row *row;
    char text[WARD_NOTE_MAX];
    struct ward_note note;
    FILE *f = fopen(audit_cfg(a)->anchor, "re");
    size_t n;

    *any = f != NULL;
    if (f == NULL && errno == ENOENT)
        return WARD_OK;
    if (f == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the anchor file cannot be read");
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    if (ward_note_parse(text, n, &note, NULL) != WARD_OK ||
        ward_checkpoint_parse(&note, out, NULL) != WARD_OK ||
        (row = audit_signer_of(a, newest, out->size)) == NULL ||
        ward_note_check(&note, &row->signer.vkey, NULL) != WARD_OK)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the anchor file is not a head of this log");
    return WARD_OK;
}

enum ward_code anchor_check(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                            const struct audit_head *head, struct ward_err *err)
{
    struct audit_reader r = {db, mem};
    const struct ward_tree tree = audit_tree(&r);
    struct ward_hash proof[WARD_PROOF_MAX];
    struct ward_checkpoint cp;
    uint64_t to = head->frontier.size;
    bool any = false;
    size_t n = 0;

    if (*audit_cfg(a)->anchor == '\0')
        return WARD_OK;
    WARD_TRY(read_anchor(a, head->signer, &cp, &any, err));
    if (!any || cp.size == 0)
        return WARD_OK;
    if (cp.size > to)
        return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED",
                                "the stored log is shorter than the anchor file's head");
    WARD_TRY(ward_prove_consistency(&tree, cp.size, to, proof, &n, err));
    if (!ward_check_consistency(cp.size, &cp.root, to, &head->root, proof, n))
        return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED",
                                "the stored log does not extend the anchor file's head");
    return WARD_OK;
}

/* The file is synced before the rename. After a crash of the machine, the older anchor remains,
 * which is still valid. An empty file would prevent the next start. */
void anchor_write(const struct audit *a, const struct audit_head *head)
{
    const char *path = audit_cfg(a)->anchor;
    char tmp[4096], host[65] = "";
    FILE *f;
    bool ok;

    /* Replicas may share the folder, and in containers all of them are process 1. */
    (void)!gethostname(host, sizeof(host) - 1);
    snprintf(tmp, sizeof(tmp), "%s.%s.%d", path, host, (int)getpid());
    f = fopen(tmp, "we");
    ok = f != NULL && fwrite(head->note, 1, head->note_len, f) == head->note_len &&
         fflush(f) == 0 && fdatasync(fileno(f)) == 0;
    ok = f != NULL && fclose(f) == 0 && ok;
    if (!ok || rename(tmp, path) != 0) {
        unlink(tmp);
        WARD_LOG(WARN, "the anchor file cannot be written", WARD_KN("errno", errno));
    }
}
