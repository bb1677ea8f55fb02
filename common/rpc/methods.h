/* methods.h - what the compiled descriptors say of methods. Inside common/rpc.
 *
 * Threads: read-only once made. Memory: an arena that lives as long as the result. Errors:
 * FAILED_PRECONDITION naming the method that is in one table and not in the other, has a
 * streaming method on lane INLINE, or descriptors that cannot be read; RESOURCE_EXHAUSTED when
 * the arena is full.
 */
#ifndef WARD_RPC_METHODS_H
#define WARD_RPC_METHODS_H

#include "common/rpc/rpc.h"

/* A parsed FileDescriptorSet. */
struct ward_set;
WARD_MUST enum ward_code ward_set_parse(const struct ward_descriptors *d,
                                        struct ward_arena *mem, struct ward_set **out,
                                        struct ward_err *err);

/* What is said of one path; NULL when there is no such method. Lives as long as the set. */
const struct ward_method_info *ward_set_method(const struct ward_set *set, const char *path);

/* Binds a service's table (ends with a NULL path) to the set: infos[i] is methods[i]'s. Every
 * method of a service that has one row must have a row, and request and response types must be
 * the descriptors'. */
WARD_MUST enum ward_code ward_set_bind(const struct ward_set *set,
                                       const struct ward_method *methods,
                                       const struct ward_method_info ***infos, int *n,
                                       struct ward_arena *mem, struct ward_err *err);

/* Reflection's look-ups. Each yields the wire bytes of whole FileDescriptorProtos (the file,
 * then its imports, each once), with source info stripped. */
struct ward_file {
    const char *name;
    const uint8_t *data;
    size_t len;
};
/*   NOT_FOUND  for all;  RESOURCE_EXHAUSTED  the arena is full */
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

/* The numbers of all extensions of a message, ascending; none is not a failure. */
WARD_MUST enum ward_code ward_set_extensions(const struct ward_set *set, const char *type,
                                             struct ward_arena *mem, int32_t **out, size_t *n,
                                             struct ward_err *err);

/* grpc.reflection v1 and v1alpha, as bidirectional handlers; `c->svc` is a ward_reflection. */
struct ward_reflection {
    const struct ward_set *set;
    const char *const *services; /* full names served, NULL at the end */
};
enum ward_code ward_reflect_v1(struct ward_call *c, const ProtobufCMessage *req,
                               ProtobufCMessage *resp);
enum ward_code ward_reflect_v1alpha(struct ward_call *c, const ProtobufCMessage *req,
                                    ProtobufCMessage *resp);

#endif
