/* export.h - declarations that the files of the bundle export share.
 *
 * export.c selects the charts and reads them page by page; export_write.c serializes them.
 *
 * Threads: call from a worker's thread. Memory: the export's arenas, which are reset after each
 * page and each resource. Memory therefore does not depend on the size of a chart. Errors:
 * those of ExportBundle in exchange.proto.
 */
#ifndef RECORDS_EXCHANGE_EXPORT_H
#define RECORDS_EXCHANGE_EXPORT_H

#include "services/records/api.h"

#define EXPORT_CHUNK ((size_t)1 << 20)

struct export_out {
    struct ward_call *call;
    uint8_t *chunk; /* EXPORT_CHUNK bytes, of which n are used */
    size_t n;
    int64_t resources;
    bool any; /* the bundle in progress has an entry */
};
WARD_MUST enum ward_code export_open(struct export_out *o, struct ward_call *c,
                                     struct ward_err *err);
WARD_MUST enum ward_code export_begin(struct export_out *o); /* begins a bundle */
/* Writes a resource as it was imported: reverses the normalization. */
WARD_MUST enum ward_code export_record(struct export_out *o, struct ward_arena *mem,
                                       Ward__Records__V1__Record *r, struct ward_err *err);
WARD_MUST enum ward_code export_end(struct export_out *o); /* ends the bundle */
/* sends the remaining bytes after the last bundle */
WARD_MUST enum ward_code export_flush(struct export_out *o);

#endif
