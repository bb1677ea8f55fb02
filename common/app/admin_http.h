/* admin_http.h - one bounded HTTP/1 request for the admin port.
 *
 * http_parser (Debian's libhttp-parser, formerly used by Node.js) parses the bytes. This code
 * stores the few values that the admin port needs and rejects larger or other requests. A
 * connection serves one request. Probes and scrapers are rare, and pipelining and keep-alive
 * would only add risk.
 *
 * Threads: a request object belongs to one thread. Memory: within the object. Errors: an HTTP
 * status.
 */
#ifndef WARD_APP_ADMIN_HTTP_H
#define WARD_APP_ADMIN_HTTP_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>

#define WARD_ADMIN_MAX_BYTES ((size_t)8192) /* maximum size of a request in bytes */

struct ward_admin_request {
    const char *method; /* such as "GET"; a static string */
    char path[128];     /* path of the target, without the query */
    char body[64];
    size_t n_path, n_body;
    bool query;
    bool ours; /* set by the server: the client may change the state of this process */

    http_parser parser;
    size_t n;   /* number of bytes parsed */
    int status; /* HTTP status of a rejection; 0 while nothing was rejected */
    bool complete;
};

void ward_admin_request_init(struct ward_admin_request *r);
/* Returns 0 if more bytes are needed, 200 for a complete request, or the status of a rejection
 * (400, 413, 414, 431, 505). Later calls repeat a status that is not 0. */
int ward_admin_request_feed(struct ward_admin_request *r, const char *bytes, size_t n);

const char *ward_admin_status_text(int status);

#endif
