/* Tests decoding in a worker process. This program also runs as the worker process. All files
 * here are synthetic. */
#include "services/diagnosis/decode/decode_testing.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/image/encode.h"
#include "common/worker/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const int16_t VALUES[] = {-3, 0, 1, 7, 2047, -2048};
static const float FLOATS[] = {-3, 0, 1, 7, 2047, -2048};

static struct ward_arena mem;
static struct ward_err err;
static struct decoding *here;
static struct made file;

/* Derives build/plugins from build/test/services/diagnosis/decode/decode_test. */
static const char *plugins(void)
{
    static char dir[4096];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 16);

    assert_true(n > 0);
    for (int up = 0; up < 5 && n > 0; up++)
        while (n > 0 && dir[--n] != '/')
            dir[n] = '\0';
    memcpy(dir + n, "/plugins", sizeof("/plugins"));
    return dir;
}

static struct decoding *opened(const char *plugins, bool isolated)
{
    struct decoding *d = NULL;

    assert_int_equal(
        diagnosis_decode_open(&(struct decode_config){.plugins = plugins,
                                                      .isolated = isolated,
                                                      .budget_bytes = (size_t)512 << 20,
                                                      .most_bytes = (size_t)1 << 30,
                                                      .run_ms = 20000,
                                                      .grace_ms = 100},
                              &d, &err),
        WARD_OK);
    return d;
}

static enum ward_code reads(struct decoding *d, const void *bytes, size_t n,
                            struct decoded *out)
{
    uint8_t sum[WARD_SHA256_SIZE];
    const struct decode_file f = {bytes, n, sum};

    ward_sha256(bytes, n, sum);
    err = (struct ward_err){0};
    return diagnosis_decode_read(d, &f, &mem, NULL, out, &err);
}

static void refused(const char *reason)
{
    struct decoded out;

    assert_int_equal(reads(here, file.at, file.n, &out), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, reason);
    assert_null(strstr(err.msg, "Synthetic"));
}

static void a_film_comes_with_its_header_and_no_name(void **state)
{
    struct decoded out;
    char *words[DECODE_PROCESSES];

    (void)state;
    made_film(&file, &(struct film_of){.is_signed = 1, .bits = 12});
    made_pixels(&file, VALUES, sizeof(VALUES));
    assert_int_equal(reads(here, file.at, file.n, &out), WARD_OK);
    assert_true(out.dicom && out.film.width == 3 && out.film.height == 2);
    assert_memory_equal(out.film.stored, FLOATS, sizeof(FLOATS));
    assert_string_equal(out.facts.modality, "DX");
    assert_string_equal(out.facts.body_part, "CHEST");
    assert_string_equal(out.facts.view, "PA");
    assert_string_equal(out.facts.transfer_syntax, "1.2.840.10008.1.2.1");
    assert_true(out.film.slope == 2 && out.film.intercept == -1024);
    assert_true(out.film.has_window && out.film.window.centre == 40 &&
                out.film.window.width == 400);
    assert_null(memmem(&out, sizeof(out), "Synthetic", 9));
    assert_int_equal(diagnosis_decode_words(&out, &mem, words), 0);
}

static void of_several_frames_the_middle_one_is_read(void **state)
{
    uint16_t pixels[18];
    char *words[DECODE_PROCESSES];
    struct decoded out;

    (void)state;
    for (int i = 0; i < 18; i++)
        pixels[i] = (uint16_t)i;
    made_film(&file, &(struct film_of){.frames = "3"});
    made_pixels(&file, pixels, sizeof(pixels));
    assert_int_equal(reads(here, file.at, file.n, &out), WARD_OK);
    assert_true(out.film.stored[0] == 6 && out.film.stored[5] == 11);
    assert_int_equal(diagnosis_decode_words(&out, &mem, words), 1);
    assert_string_equal(words[0], "frame 2 of 3");
}

static void colours_become_rgb(void **state)
{
    static const uint8_t ybr[] = {76,  85,  255, 150, 44,  21,  29,  255, 107,
                                  128, 128, 128, 0,   128, 128, 255, 128, 128};
    struct decoded out;

    (void)state;
    made_film(&file,
              &(struct film_of){.samples = 3, .photometric = "YBR_FULL", .allocated = 8});
    made_pixels(&file, ybr, sizeof(ybr));
    assert_int_equal(reads(here, file.at, file.n, &out), WARD_OK);
    assert_non_null(out.film.rgb);
    assert_true(out.film.rgb[0] >= 253 && out.film.rgb[1] <= 2 && out.film.rgb[2] <= 2);
    assert_true(out.film.rgb[4] >= 252 && out.film.rgb[8] >= 252);
    assert_true(out.film.rgb[9] == 128 && out.film.rgb[10] == 128 && out.film.rgb[11] == 128);
}

/* The file has only a header of a few hundred bytes. A decoder that trusted the header would
 * allocate 7 GB. */
static void limits_hold_before_pixels_are_decoded(void **state)
{
    (void)state;
    made_film(&file, &(struct film_of){.rows = 60000, .columns = 60000});
    made_pixels(&file, "", 0);
    refused("DICOM_TOO_LARGE");
    made_film(&file, &(struct film_of){.frames = "100000"});
    made_pixels(&file, "", 0);
    refused("DICOM_TOO_LARGE");
    made_film(&file, &(struct film_of){.frames = "-1"});
    made_pixels(&file, "", 0);
    refused("DICOM_FORMAT");
}

static void pixels_that_are_missing_are_named(void **state)
{
    (void)state;
    made_film(&file, &(struct film_of){.frames = "2"});
    made_pixels(&file, VALUES, sizeof(VALUES));
    refused("DICOM_BROKEN");
    made_film(&file, &(struct film_of){0});
    made_head(&file, 0x7fe00010, "OW", sizeof(VALUES));
    made_bytes(&file, VALUES, sizeof(VALUES) - 1);
    refused("DICOM_BROKEN");
}

static void what_no_model_can_read_is_refused_by_name(void **state)
{
    (void)state;
    made_begin(&file, NULL);
    refused("DICOM_SYNTAX");
    /* transfer syntax MPEG-2, which is not supported */
    made_begin(&file, "1.2.840.10008.1.2.4.100");
    refused("DICOM_SYNTAX");
    made_film(&file, &(struct film_of){.modality = "SR"});
    refused("DICOM_NO_PIXELS");
    made_film(&file, &(struct film_of){.allocated = 32});
    made_pixels(&file, "", 0);
    refused("DICOM_BITS");
    made_film(&file, &(struct film_of){.allocated = 16, .bits = 17});
    made_pixels(&file, "", 0);
    refused("DICOM_BITS");
    made_film(&file, &(struct film_of){.photometric = "HSV", .samples = 3, .allocated = 8});
    made_pixels(&file, "", 0);
    refused("DICOM_COLOUR");
    made_film(&file, &(struct film_of){0});
    made_head(&file, 0x00283000, "SQ", 8); /* a modality LUT, which is not supported */
    made_head(&file, 0xfffee000, "", 0);
    made_pixels(&file, VALUES, sizeof(VALUES));
    refused("DICOM_TABLE");
    made_text(&file, 0x00080005, "CS", "ISO_IR 100");
    memmove(file.at, file.at + file.n - 18, 18); /* a data set without the preamble */
    memset(file.at + 18, 0, sizeof(file.at) - 18);
    refused("DICOM_FORMAT");
}

/* Cuts a file at each byte. The result must be the film, or an error with a reason. */
static void a_file_cut_at_any_byte_is_named(void **state)
{
    struct made whole;
    struct decoded out;

    (void)state;
    made_film(&whole, &(struct film_of){0});
    made_head(&whole, 0x52009229, "SQ", 0xffffffff);
    made_head(&whole, 0xfffee000, "", 0xffffffff);
    made_text(&whole, 0x00281053, "DS", "1");
    made_head(&whole, 0xfffee00d, "", 0);
    made_head(&whole, 0xfffee0dd, "", 0);
    made_pixels(&whole, VALUES, sizeof(VALUES));
    for (size_t n = 133; n <= whole.n; n++) {
        enum ward_code code = reads(here, whole.at, n, &out);

        assert_int_equal(code, n == whole.n ? WARD_OK : WARD_INVALID_ARGUMENT);
        assert_true(code == WARD_OK || strncmp(err.reason, "DICOM_", 6) == 0);
        ward_arena_reset(&mem);
    }
    assert_true(reads(here, whole.at, whole.n, &out) == WARD_OK && out.film.slope == 1);
}

static void a_compressed_frame_must_have_the_headers_size(void **state)
{
    static const uint8_t start[] = {0xff, 0xd8, 0xff, 0xc0, 0, 11,   8, 0xff,
                                    0xff, 0xff, 0xff, 1,    1, 0x11, 0};

    (void)state;
    made_film(&file, &(struct film_of){.syntax = "1.2.840.10008.1.2.4.50", .allocated = 8});
    made_head(&file, 0x7fe00010, "OB", 0xffffffff);
    made_head(&file, 0xfffee000, "", 0);
    made_head(&file, 0xfffee000, "", sizeof(start));
    made_bytes(&file, start, sizeof(start));
    made_head(&file, 0xfffee0dd, "", 0);
    refused("DICOM_BROKEN");
    file.n -= 8; /* remove the delimiter after the fragments */
    refused("DICOM_BROKEN");
}

static void a_png_goes_the_same_way(void **state)
{
    uint8_t rgb[] = {1, 2, 3, 4, 5, 6};
    struct ward_image im = {2, 1, rgb, 1};
    struct decoded out;
    uint8_t *png;
    size_t n;

    (void)state;
    assert_int_equal(ward_image_encode_png(&im, &mem, &png, &n, &err), WARD_OK);
    assert_int_equal(reads(here, png, n, &out), WARD_OK);
    assert_true(!out.dicom && out.film.width == 2 && memcmp(out.film.rgb, rgb, 6) == 0);
    assert_int_equal(reads(here, "GIF89a", 6, &out), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "IMAGE_FORMAT");
    assert_int_equal(reads(here, "", 0, &out), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "IMAGE_EMPTY");
}

static void without_a_decoder_dicom_is_refused_and_png_is_read(void **state)
{
    const struct {
        const char *plugins;
        bool isolated;
    } ways[] = {{"build/no-plugins", true}, {plugins(), false}};
    struct decoded out;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ways); i++) {
        struct decoding *d = opened(ways[i].plugins, ways[i].isolated);

        made_film(&file, &(struct film_of){0});
        made_pixels(&file, VALUES, sizeof(VALUES));
        assert_int_equal(reads(d, file.at, file.n, &out), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "DICOM_NO_DECODER");
        assert_int_equal(reads(d, "GIF89a", 6, &out), WARD_INVALID_ARGUMENT);
        diagnosis_decode_close(d);
    }
}

static void a_call_past_its_deadline_is_not_decoded(void **state)
{
    const struct ward_stop late = {.deadline_ns = 1};
    uint8_t sum[WARD_SHA256_SIZE] = {0};
    const struct decode_file f = {"x", 1, sum};
    struct decoded out;

    (void)state;
    assert_int_equal(diagnosis_decode_read(here, &f, &mem, &late, &out, &err),
                     WARD_DEADLINE_EXCEEDED);
}

/* ---- faults ---- */

struct caller {
    struct decoding *d;
    _Atomic bool *over;
    int number, answered, lost, wrong;
};

static bool same(const float *stored)
{
    for (size_t i = 0; i < WARD_COUNT(FLOATS); i++)
        if (stored[i] != FLOATS[i])
            return false;
    return true;
}

/* Each call decodes a different file, because a file that is being decoded when the process is
 * killed counts as the cause. */
static void *calls(void *arg)
{
    struct caller *c = arg;
    uint8_t sum[WARD_SHA256_SIZE];
    struct ward_arena own;
    struct made film;

    ward_arena_init(&own, (size_t)16 << 20);
    for (unsigned k = 0; !atomic_load(c->over); k++) {
        struct decode_file f = {film.at, 0, sum};
        struct ward_err why = {0};
        struct decoded out;
        enum ward_code code;

        made_film(&film, &(struct film_of){.is_signed = 1});
        memcpy(memmem(film.at, film.n, "Nobody", 6), &k, sizeof(k));
        memcpy(memmem(film.at, film.n, "Synthetic", 9), &c->number, sizeof(c->number));
        made_pixels(&film, VALUES, sizeof(VALUES));
        f.n = film.n;
        ward_sha256(film.at, film.n, sum);
        code = diagnosis_decode_read(c->d, &f, &own, NULL, &out, &why);
        c->answered += code == WARD_OK && out.film.stored[4] == 2047;
        c->lost += code == WARD_UNAVAILABLE;
        c->wrong += code != WARD_UNAVAILABLE && (code != WARD_OK || !same(out.film.stored));
        ward_arena_reset(&own);
        if (code != WARD_OK)
            nanosleep(&(struct timespec){.tv_nsec = WARD_NS_PER_MS}, NULL);
    }
    ward_arena_done(&own);
    return NULL;
}

/* Kills the process at random moments after it has answered. Every caller must return; none may
 * hang. */
static void a_decoder_killed_fifty_times_gives_no_wrong_answer(void **state)
{
    _Atomic bool over = false;
    struct decoding *d = opened(plugins(), true);
    struct caller c[2] = {{.d = d, .over = &over, .number = 1},
                          {.d = d, .over = &over, .number = 2}};
    pthread_t t[2];
    unsigned seed = 16;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, calls, &c[i]), 0);
    for (int killed = 0, last = 0; killed < 50;) {
        const int pid = diagnosis_decode_pid(d);

        nanosleep(&(struct timespec){.tv_nsec = rand_r(&seed) % 8000000}, NULL);
        if (pid <= 0 || pid == last || kill(pid, SIGKILL) != 0)
            continue;
        last = pid;
        killed++;
    }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    print_message("50 kills: %d answers, %d calls without one\n", c[0].answered + c[1].answered,
                  c[0].lost + c[1].lost);
    assert_int_equal(c[0].wrong + c[1].wrong, 0);
    assert_true(c[0].answered + c[1].answered > 0 && c[0].lost + c[1].lost > 0);
    diagnosis_decode_close(d);
}

/* Stops the process, and returns when no thread of it can run. */
static void stop_process(int pid)
{
    char path[64], state = '?';

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    while (state != 'T') {
        FILE *f = fopen(path, "re");

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
        assert_int_equal(fclose(f), 0);
    }
}

/* Decodes a file while the process is stopped, so that the file seems to hang the process. */
static enum ward_code hangs(struct decoding *d, const struct decode_file *f)
{
    struct ward_stop soon = {.deadline_ns = 0};
    struct decoded out;

    /* wait until the new process answers */
    while (reads(d, "GIF89a", 6, &out) != WARD_INVALID_ARGUMENT)
        assert_int_equal(err.code, WARD_UNAVAILABLE);
    stop_process(diagnosis_decode_pid(d));
    soon.deadline_ns = ward_mono_ns() + 500 * WARD_NS_PER_MS;
    return diagnosis_decode_read(d, f, &mem, &soon, &out, &err);
}

static void a_file_that_ended_two_processes_is_refused_and_others_are_read(void **state)
{
    struct decoding *d = opened(plugins(), true);
    uint8_t sum[WARD_SHA256_SIZE];
    struct decode_file f = {file.at, 0, sum};
    struct decoded out;

    (void)state;
    made_film(&file, &(struct film_of){.modality = "CR"});
    made_pixels(&file, VALUES, sizeof(VALUES));
    f.n = file.n;
    ward_sha256(file.at, file.n, sum);
    for (int i = 0; i < 2; i++)
        assert_int_equal(hangs(d, &f), WARD_DEADLINE_EXCEEDED);
    err = (struct ward_err){0};
    assert_int_equal(diagnosis_decode_read(d, &f, &mem, NULL, &out, &err),
                     WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "POISONED_INPUT");
    made_film(&file, &(struct film_of){.modality = "DX"});
    made_pixels(&file, VALUES, sizeof(VALUES));
    while (reads(d, file.at, file.n, &out) != WARD_OK)
        assert_int_equal(err.code, WARD_UNAVAILABLE);
    diagnosis_decode_close(d);
}

static int open_all(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)64 << 20);
    here = opened(plugins(), true);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    diagnosis_decode_close(here);
    ward_arena_done(&mem);
    return 0;
}

static const struct ward_job *const jobs[] = {&diagnosis_decode_job, NULL};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_film_comes_with_its_header_and_no_name),
        cmocka_unit_test(of_several_frames_the_middle_one_is_read),
        cmocka_unit_test(colours_become_rgb),
        cmocka_unit_test(limits_hold_before_pixels_are_decoded),
        cmocka_unit_test(pixels_that_are_missing_are_named),
        cmocka_unit_test(what_no_model_can_read_is_refused_by_name),
        cmocka_unit_test(a_file_cut_at_any_byte_is_named),
        cmocka_unit_test(a_compressed_frame_must_have_the_headers_size),
        cmocka_unit_test(a_png_goes_the_same_way),
        cmocka_unit_test(without_a_decoder_dicom_is_refused_and_png_is_read),
        cmocka_unit_test(a_call_past_its_deadline_is_not_decoded),
        cmocka_unit_test(a_file_that_ended_two_processes_is_refused_and_others_are_read),
        cmocka_unit_test(a_decoder_killed_fifty_times_gives_no_wrong_answer),
    };

    ward_worker_enter(argc, argv, jobs);
    return cmocka_run_group_tests(tests, open_all, close_all);
}
