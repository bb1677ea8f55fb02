/* A note: any bytes give findings that lie in the note in order, each with a cue and a scope
 * that hold what they must, or a refusal. The first byte chooses the language, the second how
 * much memory there is.
 * links: text
 * max_len: 4096 */
#include "services/records/text/text.h"

#include <stdlib.h>
#include <string.h>

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* A span begins and ends where a code point does, and counts them rightly. */
static void check_span(const char *note, size_t n, const struct text_span *s)
{
    uint32_t cp = 0;

    check(s->start < s->end && s->end <= n);
    check(((uint8_t)note[s->start] & 0xC0) != 0x80);
    check(s->end == n || ((uint8_t)note[s->end] & 0xC0) != 0x80);
    for (uint32_t i = s->start; i < s->end; i++)
        cp += ((uint8_t)note[i] & 0xC0) != 0x80;
    check(s->cp_end - s->cp_start == cp);
}

static void check_why(const char *note, size_t n, const struct text_finding *f,
                      const struct text_why *why)
{
    if (why->id == NULL)
        return;
    check_span(note, n, &why->cue);
    check_span(note, n, &why->scope);
    check(why->scope.start <= f->span.start && f->span.end <= why->scope.end);
    check(why->cue.end <= f->span.start || f->span.end <= why->cue.start);
}

static void check_finding(const char *note, size_t n, const struct text_finding *f)
{
    check_span(note, n, &f->span);
    check(f->kind < TEXT_N_KINDS && f->name != NULL && *f->name != '\0');
    check((*f->code == '\0') == (*f->system == '\0'));
    check((f->kind == TEXT_MEASUREMENT) == (f->quantity != NULL));
    check(f->maker != NULL && f->quantity == NULL ? true : *f->quantity->value != '\0');
    check(f->why_assertion.id != NULL || f->assertion == TEXT_AFFIRMED);
    check(f->why_temporality.id != NULL || f->temporality == TEXT_CURRENT);
    check(f->why_experiencer.id != NULL || f->experiencer == TEXT_PATIENT);
    check_why(note, n, f, &f->why_assertion);
    check_why(note, n, f, &f->why_temporality);
    check_why(note, n, f, &f->why_experiencer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text_engine *engine;
    struct text_findings found = {0};
    struct ward_arena mem;
    enum ward_code code;
    const char *note = (const char *)data + 2;
    size_t n = size - 2;

    if (size < 2)
        return 0;
    if (engine == NULL)
        check(text_open(&(struct text_config){.data_dir = "services/records/text/data"},
                        &engine, NULL) == WARD_OK);
    ward_arena_init(&mem, data[1] == 'm' ? (size_t)8 << 20 : (size_t)data[1] << 10);
    code = text_extract(engine, &mem, note, n, (enum text_language)(data[0] % 3), &found, NULL);
    check(code == WARD_OK || code == WARD_INVALID_ARGUMENT || code == WARD_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i < found.n; i++) {
        check_finding(note, n, &found.at[i]);
        check(i == 0 || found.at[i - 1].span.end <= found.at[i].span.start);
    }
    ward_arena_done(&mem);
    return 0;
}
