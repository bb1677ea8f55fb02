/* A model's manifest: any bytes give one that can be served, whose weights lie in its own
 * folder, or a refusal.
 *
 * links: diagnosis
 *
 * max_len: 16384 */
#include "services/diagnosis/model/manifest.h"
#include "services/diagnosis/rules.h"

#include <stdlib.h>
#include <string.h>

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void features(const struct manifest *m)
{
    check(m->n_features >= 1 && m->n_features <= MANIFEST_FEATURES);
    for (int i = 0; i < m->n_features; i++) {
        const struct manifest_feature *f = &m->feature[i];

        check(rule_name(f->name) && f->min <= f->max);
        check(f->n_values >= 0 && f->n_values <= MANIFEST_VALUES);
        check(!f->has_missing || (f->missing >= f->min && f->missing <= f->max));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ward_arena mem;
    struct manifest m;

    ward_arena_init(&mem, (size_t)4 << 20);
    if (manifest_parse((const char *)data, size, &mem, &m, NULL) == WARD_OK) {
        check(rule_name(m.name) && rule_name(m.version));
        check(strncmp(m.file, m.name, strlen(m.name)) == 0 && strstr(m.file, "/.") == NULL);
        check(strlen(m.sha256) == 64 && m.scale > 0);
        check(m.threshold >= 0 && m.threshold <= 1);
        check(m.known.n >= 1 && m.known.n <= 8 && m.known.stride >= 1);
        if (m.image)
            check(m.steps.width >= 1 && m.steps.width <= STEPS_SIDE_MAX &&
                  m.steps.height >= 1 && m.steps.height <= STEPS_SIDE_MAX);
        else
            features(&m);
    }
    ward_arena_done(&mem);
    return 0;
}
