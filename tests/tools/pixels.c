/* pixels PHOTO - a JPEG or PNG as binary PPM on standard output: for tests that make pictures.
 */
#include "common/image/image.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    static const struct ward_image_limits limits = {8 << 20, 16 << 20, 16384, 0, 0};
    static uint8_t bytes[8 << 20];
    struct ward_image im = {0};
    struct ward_err err = {0};
    struct ward_arena mem;
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t n = f == NULL ? 0 : fread(bytes, 1, sizeof(bytes), f);

    if (f != NULL)
        fclose(f);
    ward_arena_init(&mem, (size_t)128 << 20);
    if (ward_image_decode(bytes, n, &limits, &mem, &im, &err) == WARD_OK) {
        printf("P6\n%d %d\n255\n", im.width, im.height);
        fwrite(im.rgb, 3, (size_t)im.width * (size_t)im.height, stdout);
    } else {
        fprintf(stderr, "pixels: %s\n", err.msg);
    }
    ward_arena_done(&mem);
    return err.code == WARD_OK && fflush(stdout) == 0 ? 0 : 1;
}
