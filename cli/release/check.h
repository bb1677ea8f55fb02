/* check.h - checks a release's folder against its signed list.
 *
 * Threads: one. Memory: the check's own arena. Errors: a fault of the release is a finding; an
 * unreadable folder is an error. */
#ifndef WARD_CLI_RELEASE_CHECK_H
#define WARD_CLI_RELEASE_CHECK_H

#include "cli/release/folder.h"
#include "common/merkle/note.h"

/* maximum number of findings with text; further findings are counted */
#define RELEASE_FINDINGS 50
#define RELEASE_BLOBS    512 /* maximum number of blobs of all images */

struct release_finding {
    const char *what; /* kind of finding for programs, a constant such as "FILE_CHANGED" */
    char words[240];
};

struct release_check {
    const char *dir;
    struct ward_arena mem;
    struct ward_vkey key;
    struct release list;
    size_t n_findings; /* all */
    struct release_finding findings[RELEASE_FINDINGS];
    size_t n_blobs;
    const char *blobs[RELEASE_BLOBS]; /* digests of blobs to which signed images refer */
};

void release_wrong(struct release_check *c, const char *what, const char *fmt, ...)
    WARD_PRINTF(3, 4);

/* Checks the files of the list, and that the folder has no other files. */
WARD_MUST enum ward_code release_check_files(struct release_check *c, struct ward_err *err);
/* Checks the images of the list: layout, manifests, blobs, provenance and SBOM. */
WARD_MUST enum ward_code release_check_images(struct release_check *c, struct ward_err *err);

#endif
