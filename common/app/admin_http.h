/* admin_http.h - one bounded HTTP/1 request for the admin port.
 *
 * http_parser (Debian's libhttp-parser) reads the bytes, as it did in Node.js for ten years;
 * this keeps what we need of them and says no to the rest. One request a connection: probes
 * and scrapers are rare, and it leaves no pipelining or keep-alive to get wrong.
 *
 * Threads: an object belongs to one. Memory: within the object. Errors: an HTTP status.
 */
#ifndef WARD_APP_ADMIN_HTTP_H
#define WARD_APP_ADMIN_HTTP_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>

#define WARD_ADMIN_MAX_BYTES ((size_t)8192) /* of a whole request */

struct ward_admin_request {
    const char *method; /* "GET"; static */
    char path[128];     /* without the query, which nothing here takes */
    char body[64];
    size_t n_path, n_body;
    bool query;
    bool ours; /* set by who reads the request: the client may change what this process does */

    http_parser parser;
    size_t n;   /* bytes seen */
    int status; /* why it is refused; 0 so far so good */
    bool complete;
};

void ward_admin_request_init(struct ward_admin_request *r);
/* 0: more bytes are needed; 200: complete; else the status to refuse it with (400, 413, 414,
 * 431, 505). Once not 0 it says the same again. */
int ward_admin_request_feed(struct ward_admin_request *r, const char *bytes, size_t n);

const char *ward_admin_status_text(int status);

#endif
