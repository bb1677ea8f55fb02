/* The admin port's requests: any bytes, however cut, give a request within its bounds or a
 * status. max_len: 9000 */
#include "common/app/admin_http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_request(const struct ward_admin_request *r, int status)
{
    check(status == 0 || status == 200 || status == 400 || status == 413 || status == 414 ||
          status == 431 || status == 505);
    check(status == 0 || strcmp(ward_admin_status_text(status), "Unknown") != 0);
    check(memchr(r->path, '\0', sizeof(r->path)) != NULL);
    check(r->n_path < sizeof(r->path) && r->n_body < sizeof(r->body));
    check(strchr(r->path, '?') == NULL && strchr(r->path, '\n') == NULL);
    check(status != 200 || (r->method != NULL && *r->method != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ward_admin_request whole, cut;
    size_t step = size == 0 ? 1 : 1 + data[0] % 7;
    int status, last = 0;

    ward_admin_request_init(&whole);
    status = ward_admin_request_feed(&whole, (const char *)data, size);
    check_request(&whole, status);
    ward_admin_request_init(&cut);
    for (size_t at = 0; at < size && last == 0; at += step)
        last = ward_admin_request_feed(&cut, (const char *)data + at,
                                       size - at < step ? size - at : step);
    check_request(&cut, last);
    /* Cutting changes nothing but which of several faults is met first. */
    check(size > WARD_ADMIN_MAX_BYTES || status == last || (status >= 400 && last >= 400));
    check(status != 200 || last != 200 || strcmp(whole.path, cut.path) == 0);
    return 0;
}
