/* methods.h - methods' properties from the compiled descriptors. Inside common/rpc.
 *
 * Threads: read-only after parsing. Memory: an arena that lives as long as the result. Errors:
 * FAILED_PRECONDITION for a method missing from the table or the descriptors, a streaming
 * method on lane INLINE, or malformed descriptors; RESOURCE_EXHAUSTED if the arena is full.
 */
#ifndef WARD_RPC_METHODS_H
#define WARD_RPC_METHODS_H

#include "common/rpc/rpc.h"

/* A parsed FileDescriptorSet. */
struct ward_set;
WARD_MUST enum ward_code ward_set_parse(const struct ward_descriptors *d,
                                        struct ward_arena *mem, struct ward_set **out,
                                        struct ward_err *err);

/* Returns the properties of the method with this path; NULL if it does not exist. Valid as long
 * as the set. */
const struct ward_method_info *ward_set_method(const struct ward_set *set, const char *path);

/* Binds a service's table, which ends with a NULL path, to the set. infos[i] describes
 * methods[i]. If a service has one row, all its methods must have a row. Request and response
 * types must match the descriptors. */
WARD_MUST enum ward_code ward_set_bind(const struct ward_set *set,
                                       const struct ward_method *methods,
                                       const struct ward_method_info ***infos, int *n,
                                       struct ward_arena *mem, struct ward_err *err);

/* Look-ups for reflection. Each returns the wire bytes of complete FileDescriptorProtos without
 * source info: the file, then its imports, each once. */
struct ward_file {
    const char *name;
    const uint8_t *data;
    size_t len;
};
/* For all three look-ups:
 *   NOT_FOUND           the set has no such file, symbol or extension
 *   RESOURCE_EXHAUSTED  the arena is full */
WARD_MUST enum ward_code ward_set_file(const struct ward_set *set, const char *file_name,
                                       struct ward_arena *mem, struct ward_file **out,
                                       size_t *n, struct ward_err *err);
WARD_MUST enum ward_code ward_set_symbol(const struct ward_set *set, const char *symbol,
                                         struct ward_arena *mem, struct ward_file **out,
                                         size_t *n, struct ward_err *err);
WARD_MUST enum ward_code ward_set_extension(const struct ward_set *set, const char *type,
                                            int number, struct ward_arena *mem,
                                            struct ward_file **out, size_t *n,
                                            struct ward_err *err);

/* Returns the numbers of all extensions of a message, ascending; *n may be 0. */
WARD_MUST enum ward_code ward_set_extensions(const struct ward_set *set, const char *type,
                                             struct ward_arena *mem, int32_t **out, size_t *n,
                                             struct ward_err *err);

/* Handlers of grpc.reflection v1 and v1alpha, bidirectional; `c->svc` is a ward_reflection. */
struct ward_reflection {
    const struct ward_set *set;
    const char *const *services; /* full names of the services; ends with NULL */
};
enum ward_code ward_reflect_v1(struct ward_call *c, const ProtobufCMessage *req,
                               ProtobufCMessage *resp);
enum ward_code ward_reflect_v1alpha(struct ward_call *c, const ProtobufCMessage *req,
                                    ProtobufCMessage *resp);

#endif
