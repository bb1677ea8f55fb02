#include "common/host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Functions for a complete table. No test calls them. */
static void nothing(void *p)
{
    (void)p;
}

static int devices(void *p, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err)
{
    (void)p, (void)out, (void)cap, (void)n, (void)err;
    return 13;
}

static int load(void *p, const struct ward_model_spec *spec, void **model,
                struct ward_plugin_err *err)
{
    (void)p, (void)spec, (void)model, (void)err;
    return 13;
}

static int info(void *model, struct ward_model_info *out)
{
    (void)model, (void)out;
    return 13;
}

static int instance(void *model, int32_t device, void **out, struct ward_plugin_err *err)
{
    (void)model, (void)device, (void)out, (void)err;
    return 13;
}

static int run(void *i, struct ward_run *r, struct ward_plugin_err *err)
{
    (void)i, (void)r, (void)err;
    return 13;
}

static struct ward_plugin table(void)
{
    return (struct ward_plugin){.size = sizeof(struct ward_plugin),
                                .major = WARD_PLUGIN_MAJOR,
                                .minor = WARD_PLUGIN_MINOR,
                                .name = "table",
                                .version = "1",
                                .devices = devices,
                                .model_load = load,
                                .model_info = info,
                                .model_free = nothing,
                                .instance_new = instance,
                                .run = run,
                                .instance_free = nothing};
}

static void a_table_is_refused_with_what_is_wrong_with_it(void **state)
{
    struct ward_plugin p = table();

    (void)state;
    assert_string_equal(ward_plugin_unfit(NULL), "entry returned NULL");
    assert_null(ward_plugin_unfit(&p));
    p.major++;
    assert_string_equal(ward_plugin_unfit(&p), "built for another major version");
    p = table(), p.minor++;
    assert_string_equal(ward_plugin_unfit(&p), "built for a newer host");
    p = table(), p.size = offsetof(struct ward_plugin, instance_free);
    assert_string_equal(ward_plugin_unfit(&p), "table is too short");
    p = table(), p.size = offsetof(struct ward_plugin, model_io); /* the size in 1.0 */
    assert_null(ward_plugin_unfit(&p));
    p = table(), p.size += 64; /* fields of a later minor version */
    assert_null(ward_plugin_unfit(&p));
    p = table(), p.version = "";
    assert_string_equal(ward_plugin_unfit(&p), "no name or version");
    p = table(), p.run = NULL;
    assert_string_equal(ward_plugin_unfit(&p), "a required function is missing");
    p = table(), p.devices = NULL;
    assert_string_equal(ward_plugin_unfit(&p), "a required function is missing");
    p = table(), p.close = nothing;
    assert_string_equal(ward_plugin_unfit(&p), "open and close must be set together");
}

/* build/test/common/host/host_test -> build/plugins */
static const char *plugins(void)
{
    static char dir[4096];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 32);

    assert_true(n > 0);
    dir[n] = '\0';
    for (int i = 0; i < 4; i++)
        *strrchr(dir, '/') = '\0';
    memcpy(dir + strlen(dir), "/plugins", sizeof("/plugins"));
    return dir;
}

static void a_library_comes_from_the_one_folder_or_not_at_all(void **state)
{
    static const char *const bad[] = {"", "../mean", "mean.so", "a/b", "MEAN", "mean "};
    char dir[] = "/tmp/ward-host-XXXXXX", path[128], target[4200];
    struct ward_backend *b = NULL;
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_int_equal(ward_backend_open(plugins(), bad[i], &b, &err), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_backend_open(plugins(), "none", &b, &err), WARD_NOT_FOUND);
    assert_int_equal(ward_backend_open("/no/such/folder", "mean", &b, &err), WARD_NOT_FOUND);

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/mean.so", dir);
    snprintf(target, sizeof(target), "%s/mean.so", plugins());
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(ward_backend_open(dir, "mean", &b, &err), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "plugin mean is outside its folder");
    unlink(path);
    fclose(fopen(path, "w"));
    /* the file is not ELF */
    assert_int_equal(ward_backend_open(dir, "mean", &b, &err), WARD_NOT_FOUND);
    chmod(path, 0666);
    assert_int_equal(ward_backend_open(dir, "mean", &b, &err), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "every user can write plugin mean or its folder");
    unlink(path);
    rmdir(dir);
    assert_null(b);
}

static void a_real_library_is_loaded_and_run(void **state)
{
    struct ward_backend *b = NULL;
    struct ward_model *m = NULL;
    struct ward_engine *e = NULL;
    struct ward_device d[2];
    static _Alignas(64) float image[4] = {1, 2, 3, 4};
    struct ward_tensor in = {.name = "image",
                             .dtype = WARD_F32,
                             .rank = 4,
                             .shape = {1, 1, 2, 2},
                             .data = image,
                             .nbytes = sizeof(image)};
    struct ward_tensor out[1];
    struct ward_arena mem;
    struct ward_err err = {0};
    uint32_t n = 2;

    (void)state;
    ward_arena_init(&mem, 1 << 16);
    assert_int_equal(ward_backend_open(plugins(), "mean", &b, &err), WARD_OK);
    assert_string_equal(ward_backend_name(b), "mean");
    assert_int_equal(ward_backend_devices(b, d, &n, &err), WARD_OK);
    assert_int_equal(n, 1);
    assert_int_equal(d[0].kind, WARD_CPU);
    assert_int_equal(ward_model_load(b, &(struct ward_model_config){.name = "mean"}, &m, &err),
                     WARD_OK);
    assert_string_equal(ward_model_sha256(m), "");
    assert_int_equal(ward_engine_new(m, 0, &e, &err), WARD_UNIMPLEMENTED);
    assert_int_equal(ward_engine_new(m, -1, &e, &err), WARD_OK);
    n = 1;
    assert_int_equal(ward_engine_run(e, &mem, NULL, &in, 1, out, &n, &err), WARD_OK);
    assert_int_equal(n, 1);
    assert_true(((float *)out[0].data)[0] == 2.5f);
    assert_ptr_equal(ward_tensor_named(out, n, "mean"), &out[0]);
    assert_null(ward_tensor_named(out, n, "sum"));
    ward_engine_free(e);
    ward_model_unload(m);
    ward_backend_close(b);
    ward_backend_close(NULL);
    ward_arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_refused_with_what_is_wrong_with_it),
        cmocka_unit_test(a_library_comes_from_the_one_folder_or_not_at_all),
        cmocka_unit_test(a_real_library_is_loaded_and_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
