/* import_feed.h - an import from its first byte to its last.
 *
 * Threads: a worker's own. Memory: the struct's own arenas and a JSON stream; about 0.5 GiB at
 * the most, which only a bundle of 10,000 large resources that goes in at once comes near.
 * Errors: as exchange.proto's ImportBundle; sticky: after one, only import_done.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_FEED_H
#define RECORDS_EXCHANGE_IMPORT_FEED_H

#include "services/records/exchange/import.h"

struct held;

struct import {
    struct ward_call *call;
    struct ward_event event;
    struct stage stage;
    struct import_count count;
    const char *source;
    bool refuse; /* on_problem is REFUSE */
    struct bundle_split split;
    struct ward_json_stream *stream; /* of the bundle in progress */
    struct ward_arena waiting;       /* entries whose patient or encounter comes later */
    struct held *held, **last_held;
    size_t n_held;
    enum ward_code tally_code; /* of counting what is not modelled */
    struct ward_err tally_err;
};

/* For an import of any format: open; begin with who, what and how; then entries are staged and
 * flushed; end tells the last of it; done lets go, after any failure too. */
void import_open(struct import *im, struct ward_call *c);
void import_done(struct import *im);
/*   FAILED_PRECONDITION  IMPORT_DIFFERS */
WARD_MUST enum ward_code import_begin(struct import *im,
                                      const Ward__Records__V1__ImportStart *start);
/* What is staged goes in, and is counted. */
WARD_MUST enum ward_code import_flush(struct import *im, struct ward_err *err);
WARD_MUST enum ward_code import_end(struct import *im);

/* ---- bundles ---- */

WARD_MUST enum ward_code import_feed(struct import *im, const void *bytes, size_t n,
                                     struct ward_err *err);
/* After the last byte. */
WARD_MUST enum ward_code import_feed_end(struct import *im, struct ward_err *err);

#endif
