/* folder.h - the files of a release's folder, and the images in its OCI layout.
 *
 * Threads: one. Memory: the caller's arena. Errors: NOT_FOUND if a file is missing;
 * FAILED_PRECONDITION if a file is not a regular file or cannot be read; INVALID_ARGUMENT for
 * unusable JSON. Symbolic links are never followed. */
#ifndef WARD_CLI_RELEASE_FOLDER_H
#define WARD_CLI_RELEASE_FOLDER_H

#include "cli/release/list.h"
#include "common/json/json.h"

/* Computes the SHA-256 in hexadecimal, and the size, of DIR/PATH. */
WARD_MUST enum ward_code folder_hash(const char *dir, const char *path,
                                     char sha256[RELEASE_HEX], uint64_t *size,
                                     struct ward_err *err);
/* Reads DIR/PATH as JSON of at most 8 MiB. */
WARD_MUST enum ward_code folder_json(const char *dir, const char *path, struct ward_arena *mem,
                                     const struct ward_json **out, struct ward_err *err);

/* Calls fn for each path under DIR that is not a folder, in any order. Stops if fn fails.
 * `regular` is false for links, sockets and other special files. */
typedef enum ward_code folder_fn(void *arg, const char *path, bool regular,
                                 struct ward_err *err);
WARD_MUST enum ward_code folder_walk(const char *dir, folder_fn *fn, void *arg,
                                     struct ward_err *err);

/* Returns the digits of a JSON string "sha256:HEX"; NULL for any other text. */
const char *folder_digest(const struct ward_json *v);
/* Returns "images/blobs/sha256/HEX". */
const char *folder_blob(struct ward_arena *mem, const char *hex);

#endif
