/* import_feed.h - runs an import from the first byte to the last.
 *
 * Threads: call from a worker's thread. Memory: the struct's arenas and a JSON stream, at most
 * about 0.7 GiB; only an atomic bundle of 10,000 large resources needs that much. Errors: those
 * of ImportBundle in exchange.proto. After an error, call only import_done.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_FEED_H
#define RECORDS_EXCHANGE_IMPORT_FEED_H

#include "services/records/exchange/import.h"

#include <pthread.h>

/* An entry's text; the entry waits for its patient or encounter. */
struct held {
    struct held *next;
    const char *text;
    size_t n;
    int number;
};

/* The batch that a thread writes while the next batch is read. From records_import_hand_over to
 * records_import_wait, only that thread uses the worker's connection. */
struct behind {
    struct stage stage;
    /* The batch that is read and the batch that is written each have an arena: this one and the
     * stage's own. `spare` is the arena of the next batch. */
    struct ward_arena mem, *spare;
    pthread_t thread;
    bool busy;
    enum ward_code code;
    struct ward_err err;
};

struct import {
    struct ward_call *call;
    struct ward_event event;
    struct stage stage;
    struct import_count count;
    const char *source;
    bool refuse;         /* on_problem is REFUSE */
    int64_t total_bytes; /* of all chunks; 0: unknown */
    int bundle;          /* the number of the bundle in progress, from 1 */
    struct behind behind;
    struct bundle_split split;
    struct ward_json_stream *stream; /* the stream of the bundle in progress */
    struct ward_arena waiting;       /* entries whose patient or encounter comes later */
    struct held *held, **last_held;
    size_t n_held;
    enum ward_code tally_code; /* result of counting unmodelled elements */
    struct ward_err tally_err;
};

/* Order of calls for an import of any format: open, begin, stage and flush entries, end, done.
 * end reports the result. done frees everything, also after a failure. */
void import_open(struct import *im, struct ward_call *c);
void import_done(struct import *im);
/*   FAILED_PRECONDITION  IMPORT_DIFFERS */
WARD_MUST enum ward_code import_begin(struct import *im,
                                      const Ward__Records__V1__ImportStart *start);
/* Writes the staged entries in a thread. Waits first for the batch before, and so reports that
 * batch's errors. A dry run writes at once, because a batch needs the result of the batch
 * before. import_batch.c */
WARD_MUST enum ward_code records_import_hand_over(struct import *im, struct ward_err *err);
/* Waits for the batch that was handed over, and counts its entries. */
WARD_MUST enum ward_code records_import_wait(struct import *im, struct ward_err *err);
/* Writes and counts all staged entries. */
WARD_MUST enum ward_code import_flush(struct import *im, struct ward_err *err);
/* ABORTED IMPORT_INCOMPLETE if the stream ended before or after total_bytes. */
WARD_MUST enum ward_code records_import_complete(struct import *im);
WARD_MUST enum ward_code import_end(struct import *im);

/* ---- bundles ---- */

WARD_MUST enum ward_code import_feed(struct import *im, const void *bytes, size_t n,
                                     struct ward_err *err);
/* Called after the last byte. */
WARD_MUST enum ward_code import_feed_end(struct import *im, struct ward_err *err);

#endif
