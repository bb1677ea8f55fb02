/* check.h - whether a release's folder is what its signed list says.
 *
 * Threads: one. Memory: the check's own arena. Errors: a fault of the release is a finding;
 * a folder that cannot be read at all is an error.
 */
#ifndef WARD_CLI_RELEASE_CHECK_H
#define WARD_CLI_RELEASE_CHECK_H

#include "cli/release/folder.h"
#include "common/merkle/note.h"

#define RELEASE_FINDINGS 50  /* kept in words; the rest is counted */
#define RELEASE_BLOBS    512 /* of all images */

struct release_finding {
    const char *what; /* "FILE_CHANGED": constant, for programs */
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
    const char *blobs[RELEASE_BLOBS]; /* that signed images refer to */
};

void release_wrong(struct release_check *c, const char *what, const char *fmt, ...)
    WARD_PRINTF(3, 4);

/* The files of the list, and that the folder has no others. */
WARD_MUST enum ward_code release_check_files(struct release_check *c, struct ward_err *err);
/* The images of the list: their layout, manifests and blobs, their provenance and SBOM. */
WARD_MUST enum ward_code release_check_images(struct release_check *c, struct ward_err *err);

#endif
