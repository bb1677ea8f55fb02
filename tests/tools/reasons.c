/* reasons - prints docs/errors.md from the one table of reasons, or with --tsv its names and
 * codes for tools/check-reasons. */
#include "common/base/reason.h"

#include <stdio.h>
#include <string.h>

static const char HEAD[] =
    "# Errors\n\n"
    "<!-- Printed by `make docs` from common/base/reason.c: change that, not this. -->\n\n"
    "A call that fails ends with a gRPC status: a code, and a sentence in English for a "
    "developer.\n"
    "`grpc-status-details-bin` holds a `google.rpc.Status` with\n\n"
    "- `ErrorInfo`: `domain` is `ward`, `reason` is one of the names below, or the code's own "
    "name where nothing more is to be said,\n"
    "- `BadRequest` where a field of the request is at fault,\n"
    "- `RetryInfo` where waiting helps.\n\n"
    "Programs decide by code and reason, never by the sentence. No message holds patient "
    "data.\n\n"
    "## Without ErrorInfo\n\n"
    "A message above the service's limit never reaches Ward. gRPC's core refuses it by its "
    "length: RESOURCE_EXHAUSTED, the sentence\n"
    "`Received message larger than max (9437211 vs. 8388608)`, and no details. The limit is "
    "8 MiB for records and dosage, 24 MiB and 64 KiB\n"
    "for identity, and `WARD_MAX_MESSAGE_KIB` (1,280 KiB) for audit. The same call fails "
    "again: send less in one message. Every\n"
    "RESOURCE_EXHAUSTED of Ward's own has a reason.\n\n"
    "A client also makes statuses itself, without details: UNAVAILABLE where no connection "
    "can be made, DEADLINE_EXCEEDED, CANCELLED.\n\n"
    "## Codes\n\n"
    "| code | number | may the same call be repeated as it is? |\n|---|---|---|\n";

static void codes(void)
{
    for (int i = 1; i < WARD_N_CODES; i++)
        printf("| `%s` | %d | %s |\n", ward_code_name((enum ward_code)i), i,
               ward_code_retry((enum ward_code)i) ? "yes, after a moment" : "no");
    printf("\nRESOURCE_EXHAUSTED with RetryInfo may be repeated after that time. After\n"
           "DEADLINE_EXCEEDED or a lost connection it is not known whether a write was done: "
           "repeat it\n"
           "with the same idempotency key where the method takes one, otherwise look first.\n");
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
            printf("\n## Reasons: %s\n\n| reason | code | what is wrong | what to do |\n"
                   "|---|---|---|---|\n",
                   r->from);
        from = r->from;
        printf("| `%s` | %s | %s | %s |\n", r->name, ward_code_name(r->code), r->meaning,
               r->next);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
