#include "common/image/encode.h"
#include "services/diagnosis/model/run.h"
#include "services/diagnosis/steps/steps.h"

#include <math.h>

/* Resizes the heat map to the model's input, w x h, and divides it by its maximum: values are
 * 0..1. */
static bool spread(const struct ward_tensor *heat, int w, int h, struct ward_arena *mem,
                   float **out)
{
    int sw = (int)heat->shape[3], sh = (int)heat->shape[2];
    float *tmp = ward_alloc(mem, (size_t)w * (size_t)sh * sizeof(float)), most = 0;
    float *to = ward_alloc(mem, (size_t)w * (size_t)h * sizeof(float));

    if (tmp == NULL || to == NULL)
        return false;
    steps_area(heat->data, sw, sh, to, w, h, tmp);
    for (int i = 0; i < w * h; i++) {
        to[i] = isfinite(to[i]) ? fmaxf(to[i], 0) : 0;
        most = fmaxf(most, to[i]);
    }
    for (int i = 0; i < w * h && most > 0; i++)
        to[i] /= most;
    *out = to;
    return true;
}

/* Mixes red into a grey pixel, in proportion to the heat. */
static void pixel(float grey, float heat, uint8_t *rgb)
{
    float g = fminf(fmaxf(grey, 0), 255), a = 0.6f * heat;

    rgb[0] = (uint8_t)lrintf(g + a * (255 - g));
    rgb[1] = rgb[2] = (uint8_t)lrintf(g * (1 - a));
}

enum ward_code heat_png(const struct manifest *m, const struct said *said, int times,
                        struct ward_arena *mem, uint8_t **png, size_t *png_n,
                        struct ward_err *err)
{
    const int w = m->steps.width, h = m->steps.height;
    struct ward_image im = {w * times, h * times, NULL, 1};
    float *at = NULL;

    im.rgb = ward_alloc(mem, 3 * (size_t)im.width * (size_t)im.height);
    if (im.rgb == NULL || !spread(said->heat, w, h, mem, &at))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a heat map");
    for (int y = 0; y < im.height; y++)
        for (int x = 0; x < im.width; x++) {
            size_t from = (size_t)(y / times) * (size_t)w + (size_t)(x / times);

            pixel(said->shown[from], at[from],
                  im.rgb + 3 * ((size_t)y * (size_t)im.width + (size_t)x));
        }
    return ward_image_encode_png(&im, mem, png, png_n, err);
}
