/* A manifest's preprocess list: any bytes give a list that runs on any picture and fills
 * exactly the tensor that it promised, or a refusal. The first byte makes the picture.
 *
 * links: diagnosis
 *
 * max_len: 4096 */
#include "services/diagnosis/steps/steps.h"

#include <stdlib.h>
#include <string.h>

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* Small, so that many fit in a second: odd sizes, negative values, no numbers. */
static void run(const struct steps *s, uint8_t seed, struct ward_arena *mem)
{
    const int w = 1 + seed % 7, h = 1 + seed / 7 % 9;
    struct film film = {.width = w,
                        .height = h,
                        .slope = seed % 3,
                        .intercept = -5,
                        .has_window = seed % 2 == 0,
                        .window = {(enum window_fn)(seed % 3), seed, seed % 5},
                        .inverted = seed % 4 == 0};
    const size_t n = (size_t)s->channels * (size_t)s->width * (size_t)s->height;
    float stored[7 * 9], *out = malloc((n + 1) * sizeof(*out));
    uint8_t rgb[3 * 7 * 9];
    struct ward_err err = {0};

    check(out != NULL);
    for (int i = 0; i < w * h; i++)
        stored[i] =
            seed % 11 == 0 ? 0.0f / (float)(i % 3) : (float)((i * 37 + seed) % 512 - 99);
    memset(rgb, seed, sizeof(rgb));
    out[n] = 7;
    if (seed & 1)
        film.rgb = rgb;
    else
        film.stored = stored;
    if (steps_image(s, &film, mem, NULL, out, NULL, &err) != WARD_OK)
        check(err.code == WARD_INVALID_ARGUMENT || err.code == WARD_RESOURCE_EXHAUSTED);
    check(out[n] == 7);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ward_json *v;
    struct ward_arena mem;
    struct steps s;

    if (size < 1)
        return 0;
    ward_arena_init(&mem, (size_t)16 << 20);
    if (ward_json_parse((const char *)data + 1, size - 1, NULL, &mem, &v, NULL) == WARD_OK) {
        int features = data[0] % 5 == 0 ? 3 : 0;

        if (steps_parse(v, features, &mem, &s, NULL) == WARD_OK) {
            check(s.n >= 1 && s.n <= STEPS_MAX);
            for (int i = 0; i < s.n; i++)
                check(step_words(&s.at[i], &mem) != NULL);
            if (features > 0) {
                float row[3] = {1, 2, 3};

                steps_values(&s, row, 3);
            } else {
                check(s.channels == 1 || s.channels == 3);
                check(s.width >= 1 && s.width <= STEPS_SIDE_MAX && s.height >= 1 &&
                      s.height <= STEPS_SIDE_MAX);
                run(&s, data[0], &mem);
            }
        }
    }
    ward_arena_done(&mem);
    return 0;
}
