/* reasons - prints docs/errors.md from the table of reasons. With --tsv, it prints the names
 * and codes for tools/check-reasons. */
#include "common/base/reason.h"

#include <stdio.h>
#include <string.h>

static const char HEAD[] =
    "# Errors\n\n"
    "<!-- Printed by `make docs` from common/reasons.txt and services/*/reasons.txt: change "
    "those files. -->\n\n"
    "A failed call ends with a gRPC status: a code, and an English sentence for a developer.\n"
    "`grpc-status-details-bin` contains a `google.rpc.Status` with these details:\n\n"
    "- `ErrorInfo`: `domain` is `ward`. `reason` is one of the names below, or the name of the "
    "code if no reason applies.\n"
    "- `BadRequest`, if a field of the request is wrong.\n"
    "- `RetryInfo`, if the caller should repeat the call after a delay.\n\n"
    "Programs must use the code and the reason, never the sentence. No message contains "
    "patient "
    "data.\n\n"
    "## Errors without ErrorInfo\n\n"
    "With `WARD_TRANSPORT=core`, gRPC's C core rejects a message above the service's limit "
    "before Ward sees the message. The status is\n"
    "RESOURCE_EXHAUSTED with the sentence `Received message larger than max (9437211 vs. "
    "8388608)` and without details. With the default\n"
    "transport, the reason is MESSAGE_TOO_LARGE. The limit is 8 MiB for records and dosage, "
    "24 MiB and 64 KiB for identity, and\n"
    "`WARD_MAX_MESSAGE_KIB` (1,280 KiB) for audit.\n\n"
    "A client also creates statuses without details: UNAVAILABLE if it cannot connect, "
    "DEADLINE_EXCEEDED, and CANCELLED.\n\n"
    "## Codes\n\n"
    "| code | number | may the caller repeat the call? |\n|---|---|---|\n";

static const char *repeat(enum ward_code code)
{
    if (ward_code_retry(code))
        return "yes, after a moment; a write with the same idempotency key";
    if (code == WARD_DEADLINE_EXCEEDED || code == WARD_CANCELLED)
        return "a write with the same idempotency key: it may or may not have happened";
    if (code == WARD_ABORTED)
        return "reason ABORTED: the same call; VERSION_CONFLICT: after reading the current "
               "version, with a new key";
    if (code == WARD_RESOURCE_EXHAUSTED)
        return "after the time in RetryInfo; without RetryInfo, no";
    return "no";
}

static void codes(void)
{
    for (int i = 1; i < WARD_N_CODES; i++)
        printf("| `%s` | %d | %s |\n", ward_code_name((enum ward_code)i), i,
               repeat((enum ward_code)i));
    printf("\nAfter DEADLINE_EXCEEDED, CANCELLED or a lost connection, a write may or may not "
           "have "
           "been committed. Repeat the call\n"
           "with the same idempotency key if the method has one. Otherwise, read the current "
           "state first.\n");
}

int main(int argc, char **argv)
{
    const char *from = "";
    bool tsv = argc > 1 && strcmp(argv[1], "--tsv") == 0;

    if (!tsv) {
        fputs(HEAD, stdout);
        codes();
    }
    for (const struct ward_reason *r = ward_reasons; r->name != NULL; r++) {
        if (tsv) {
            printf("%s\t%s\n", r->name, ward_code_name(r->code));
            continue;
        }
        if (strcmp(from, r->from) != 0)
            printf("\n## Reasons: %s\n\n| reason | code | meaning | next step |\n"
                   "|---|---|---|---|\n",
                   r->from);
        from = r->from;
        printf("| `%s` | %s | %s | %s |\n", r->name, ward_code_name(r->code), r->meaning,
               r->next);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
