/* film - decodes files as the diagnosis service does, in a worker process. For each FILE it
 * prints a line of JSON, and writes the pixels to FOLDER/<number>.raw: 32-bit floats, or bytes
 * of red, green and blue. Usage: film PLUGINS FOLDER FILE... */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "services/diagnosis/decode/decode.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MOST ((size_t)64 << 20)
#define ARENA_CAP ((size_t)256 << 20)

static const struct ward_job *const jobs[] = {&diagnosis_decode_job, NULL};

static size_t slurp(const char *path, uint8_t *to)
{
    FILE *f = fopen(path, "rb");
    size_t n = f == NULL ? 0 : fread(to, 1, FILE_MOST, f);

    if (f != NULL)
        (void)fclose(f);
    return n;
}

static void put(const char *folder, int number, const struct decoded *d)
{
    const void *pixels = d->film.rgb != NULL ? (const void *)d->film.rgb : d->film.stored;
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%d.raw", folder, number);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(pixels, 1, ward_picture_bytes(&d->facts), f) == 0 || fclose(f) != 0)
        perror(path);
}

static void say(const struct decoded *d)
{
    const struct ward_picture *p = &d->facts;

    printf("{\"dicom\":%s,\"rows\":%u,\"columns\":%u,\"frames\":%u,\"frame\":%u,\"rgb\":%s,"
           "\"modality\":\"%s\",\"body_part\":\"%s\",\"view\":\"%s\",\"laterality\":\"%s\","
           "\"photometric\":\"%s\",\"syntax\":\"%s\",\"inverted\":%s,\"slope\":%.17g,"
           "\"intercept\":%.17g,\"spacing\":[%.17g,%.17g],\"window\":",
           d->dicom ? "true" : "false", p->rows, p->columns, p->frames, p->frame,
           p->rgb != 0 ? "true" : "false", p->modality, p->body_part, p->view, p->laterality,
           p->photometric, p->transfer_syntax, p->inverted != 0 ? "true" : "false", p->slope,
           p->intercept, p->spacing[0], p->spacing[1]);
    if (p->has_window != 0)
        printf("[%.17g,%.17g,%u]}\n", p->centre, p->width, p->window);
    else
        printf("null}\n");
}

static void film(struct decoding *d, struct ward_arena *mem, const char *folder,
                 const char *path, int number)
{
    static uint8_t bytes[FILE_MOST];
    uint8_t sha256[WARD_SHA256_SIZE];
    struct decode_file file = {.bytes = bytes, .n = slurp(path, bytes), .sha256 = sha256};
    struct ward_err err = {0};
    struct decoded out;

    ward_sha256(bytes, file.n, sha256);
    if (diagnosis_decode_read(d, &file, mem, NULL, &out, &err) == WARD_OK) {
        say(&out);
        put(folder, number, &out);
    } else {
        printf("{\"code\":\"%s\",\"reason\":\"%s\",\"message\":\"%s\"}\n",
               ward_code_name(err.code), err.reason, err.msg);
    }
    ward_arena_reset(mem);
}

int main(int argc, char **argv)
{
    struct decode_config cfg = {.isolated = true,
                                .budget_bytes = (size_t)1 << 30,
                                .most_bytes = (size_t)2 << 30,
                                .run_ms = 60000,
                                .grace_ms = 1000};
    struct ward_err err = {0};
    struct ward_arena mem;
    struct decoding *d;

    ward_worker_enter(argc, argv, jobs);
    if (argc < 4)
        return 2;
    cfg.plugins = argv[1];
    ward_arena_init(&mem, ARENA_CAP);
    if (diagnosis_decode_open(&cfg, &d, &err) != WARD_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    for (int i = 3; i < argc; i++)
        film(d, &mem, argv[2], argv[i], i - 3);
    diagnosis_decode_close(d);
    ward_arena_done(&mem);
    return 0;
}
