/* list.h - the list of a release's files and images, which the release key signs.
 *
 *   ward-release/1
 *   version 1.2.0
 *   commit 4f0c...          40 hexadecimal digits
 *   file SHA256 BYTES PATH  for each file, by its path
 *   image SHA256 NAME       for each image, by its name: the digest of its manifest
 *
 * The text and its signatures form a C2SP signed note, release.note. The images are an OCI
 * layout in the folder images/. A manifest refers to blobs by their digests.
 *
 * Threads: pure functions. Memory: the caller's arena. Errors: INVALID_ARGUMENT with the number
 * of the faulty line. */
#ifndef WARD_CLI_RELEASE_LIST_H
#define WARD_CLI_RELEASE_LIST_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define RELEASE_NOTE   "release.note"
#define RELEASE_IMAGES "images"
#define RELEASE_MOST   64  /* maximum number of files, and of images */
#define RELEASE_PATH   128 /* size of a path in bytes, with its NUL */
#define RELEASE_HEX    65  /* size of a SHA-256 in hexadecimal, with its NUL */

struct release_item {
    char sha256[RELEASE_HEX];
    uint64_t size; /* size of the file in bytes */
    char name[RELEASE_PATH];
};

struct release {
    char version[RELEASE_PATH], commit[41];
    size_t n_files, n_images;
    struct release_item files[RELEASE_MOST], images[RELEASE_MOST];
};

/* Whether a path is relative, consists of letters, digits, '.', '_', '-' and '/', and has no
 * part "." or "..". */
WARD_MUST bool release_path_fits(const char *path);
/* Whether a name consists of lower-case letters, digits and '-'. */
WARD_MUST bool release_name_fits(const char *name);

/* Parses a list. `text` is the note's text, `len` its length. Names must be sorted and
 * unique. */
WARD_MUST enum ward_code release_parse(const char *text, size_t len, struct release *out,
                                       struct ward_err *err);
/* Prints a list, with its items sorted.  INVALID_ARGUMENT  a name or version that cannot be
 * printed */
WARD_MUST enum ward_code release_print(struct release *r, struct ward_arena *mem, char **out,
                                       struct ward_err *err);

#endif
