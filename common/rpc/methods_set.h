/* methods_set.h - the contents of a ward_set: shared by methods.c (methods' properties) and
 * methods_files.c (look-ups of files, for reflection).
 *
 * Threads: read-only once parsed. Memory: the set's arena. Errors: as in methods.h.
 */
#ifndef WARD_RPC_METHODS_SET_H
#define WARD_RPC_METHODS_SET_H

#include "common/rpc/methods.h"

#include <google/protobuf/descriptor.pb-c.h>

struct ward_set_method {
    struct ward_method_info info;
    const char *input, *output; /* full names of the request and response messages */
};

struct ward_set_file {
    struct ward_file wire; /* without source info */
    const char *const *imports;
    size_t n_imports;
};

struct ward_set_symbol {
    const char *name; /* full name without a leading dot */
    size_t file;
};

struct ward_set_extension {
    const char *type; /* name of the extended message */
    int32_t number;
    size_t file;
};

struct ward_set {
    struct ward_set_method *methods; /* sorted by path */
    size_t n_methods;
    /* In the given order: imports before the files that import them. */
    struct ward_set_file *files;
    size_t n_files;
    struct ward_set_symbol *symbols; /* sorted by name */
    size_t n_symbols;
    struct ward_set_extension *extensions; /* sorted by type, then number */
    size_t n_extensions;
};

/* Fills files, symbols and extensions. RESOURCE_EXHAUSTED, FAILED_PRECONDITION */
WARD_MUST enum ward_code ward_set_index(const Google__Protobuf__FileDescriptorSet *proto,
                                        struct ward_set *set, struct ward_arena *mem,
                                        struct ward_err *err);

#endif
