/* list.h - the list of a release's files and images, which the release key signs.
 *
 *   ward-release/1
 *   version 1.2.0
 *   commit 4f0c...          40 hexadecimal digits
 *   file SHA256 BYTES PATH  for each file, by its path
 *   image SHA256 NAME       for each image, by its name: the digest of its manifest
 *
 * The text and its signatures form a C2SP signed note, release.note. The images are an OCI
 * layout in the folder images/: a manifest names its blobs by their digests.
 *
 * Threads: pure functions. Memory: the caller's arena. Errors: INVALID_ARGUMENT with the line.
 */
#ifndef WARD_CLI_RELEASE_LIST_H
#define WARD_CLI_RELEASE_LIST_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define RELEASE_NOTE   "release.note"
#define RELEASE_IMAGES "images"
#define RELEASE_MOST   64  /* files, and images */
#define RELEASE_PATH   128 /* bytes of a path, NUL included */
#define RELEASE_HEX    65  /* bytes of a SHA-256 in hexadecimal, NUL included */

struct release_item {
    char sha256[RELEASE_HEX];
    uint64_t size; /* of a file */
    char name[RELEASE_PATH];
};

struct release {
    char version[RELEASE_PATH], commit[41];
    size_t n_files, n_images;
    struct release_item files[RELEASE_MOST], images[RELEASE_MOST];
};

/* A relative path of letters, digits, '.', '_', '-' and '/', without "." or ".." as a part. */
WARD_MUST bool release_path_fits(const char *path);
/* Lower-case letters, digits and '-'. */
WARD_MUST bool release_name_fits(const char *name);

/* `text` is the note's text, `len` its length. Names must be in order and unique. */
WARD_MUST enum ward_code release_parse(const char *text, size_t len, struct release *out,
                                       struct ward_err *err);
/* The text, its items in order.  INVALID_ARGUMENT  a name or version that cannot be printed */
WARD_MUST enum ward_code release_print(struct release *r, struct ward_arena *mem, char **out,
                                       struct ward_err *err);

#endif
