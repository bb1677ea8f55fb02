/* The dose check over snapshots as bytes: whatever is one is decided or refused with a reason,
 * the same way twice, and what is told is whole.
 *
 * links: dosage
 * max_len: 16384 */
#include "common/base/crypto.h"
#include "common/rpc/wire.h"
#include "services/dosage/check/check_text.h"

#include <stdio.h>
#include <stdlib.h>

#define CALL_CAP ((size_t)64 << 20)

static struct ward_arena set_mem;
static struct prepared *set;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void begin(void)
{
    ward_arena_init(&set_mem, CALL_CAP);
    must(prepare_set(pb(&set_mem, &ward__dosage__v1__rule_set__descriptor, WORLD), &set_mem,
                     &set, NULL) == WARD_OK,
         "the small set");
}

static void look(const Ward__Dosage__V1__Decision *d)
{
    must(strlen(d->sha256) == 64, "no sha256");
    must((d->outcome == WARD__DOSAGE__V1__OUTCOME__OUTCOME_PASS) ==
             (d->n_findings == 0 ||
              d->findings[0]->severity <= WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO),
         "the outcome is not that of the worst");
    for (size_t i = 0; i < d->n_findings; i++) {
        const Ward__Dosage__V1__Finding *f = d->findings[i];

        must(*f->rule_id != '\0' && f->text != NULL && *f->text->en != '\0' &&
                 *f->text->zh != '\0',
             "a finding without words");
        must(i == 0 || d->findings[i - 1]->severity >= f->severity, "not worst first");
        for (size_t k = 0; k < f->n_compared; k++)
            must(f->compared[k]->actual != NULL && f->compared[k]->limit != NULL,
                 "a comparison without numbers");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Ward__Dosage__V1__Decision d = WARD__DOSAGE__V1__DECISION__INIT, again = d;
    struct ward_arena mem;
    struct ward_err err = {0};
    ProtobufCMessage *m;

    if (set == NULL)
        begin();
    ward_arena_init(&mem, CALL_CAP);
    if (ward_wire_decode(&ward__dosage__v1__snapshot__descriptor, data, n, &mem, &m, &err) ==
        WARD_OK) {
        if (check_with(set, (Ward__Dosage__V1__Snapshot *)m, &mem, &d, &err) == WARD_OK) {
            look(&d);
            must(check_with(set, (Ward__Dosage__V1__Snapshot *)m, &mem, &again, &err) ==
                         WARD_OK &&
                     strcmp(d.sha256, again.sha256) == 0,
                 "two answers to one question");
        } else {
            must(err.code == WARD_INVALID_ARGUMENT || err.code == WARD_RESOURCE_EXHAUSTED,
                 "a failure that is not its caller's");
        }
    }
    ward_arena_done(&mem);
    return 0;
}
