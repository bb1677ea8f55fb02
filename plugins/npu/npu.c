/* npu - runs ONNX models on neural processors, with vendors' provider libraries for ONNX
 * Runtime.
 *
 * Options (ward_host.option):
 *   npu_providers "name=/path/lib.so,...": the libraries to register. A name that ends in
 *   ".virtual" permits the library to offer a virtual device for tests; the device's name then
 *   begins with "virtual: ".
 *   npu_options    "key=value,...": passed to the provider when a model is loaded.
 *
 * The devices are the NPUs of the named libraries, in their order. Without a library or an NPU
 * there are none. An unusable library is logged and skipped. A library runs with the process's
 * rights. It is therefore loaded only by its full path, and never from a file that everybody
 * can write. */
#include "plugins/ort/ort.h"

#include <dlfcn.h>
#include <onnxruntime_ep_device_ep_metadata_keys.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LIBRARIES 8
#define MAX_OPTIONS   16

/* ONNX Runtime registers a library once for the process, and this plugin may be open twice. */
struct library {
    char name[64], path[512];
    int users;
};
static struct {
    pthread_mutex_t lock;
    struct library of[MAX_LIBRARIES];
} registered = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct npu {
    struct ort_plugin *p;
    struct library *uses[MAX_LIBRARIES];
    int n_uses;
    /* valid while the device's library is registered */
    const OrtEpDevice *device[ORT_MAX_DEVICES];
    uint32_t n;
    const char *none; /* the reason, if there are no devices */
};

static struct library *find(const char *name)
{
    struct library *none = NULL;

    for (int i = 0; i < MAX_LIBRARIES; i++) {
        if (registered.of[i].users > 0 && strcmp(registered.of[i].name, name) == 0)
            return &registered.of[i];
        if (registered.of[i].users == 0 && none == NULL)
            none = &registered.of[i];
    }
    return none;
}

static int add(struct npu *u, const char *name, const char *path, struct ward_plugin_err *err)
{
    struct library *l = find(name);
    int rc = 0;

    if (l == NULL || u->n_uses == MAX_LIBRARIES)
        return ort_fail(err, 8, "at most %d provider libraries", MAX_LIBRARIES);
    if (l->users > 0 && strcmp(l->path, path) != 0)
        return ort_fail(err, 6, "another library has this name");
    for (int i = 0; i < u->n_uses; i++)
        if (u->uses[i] == l)
            return ort_fail(err, 6, "named twice");
    if (l->users == 0)
        rc = ort_check(u->p, u->p->api->RegisterExecutionProviderLibrary(u->p->env, name, path),
                       err);
    if (rc != 0)
        return rc;
    /* The library is not unloaded when it is unregistered, because a vendor's threads may still
     * run in its code. */
    (void)dlopen(path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (l->users++ == 0) {
        snprintf(l->name, sizeof(l->name), "%s", name);
        snprintf(l->path, sizeof(l->path), "%s", path);
    }
    u->uses[u->n_uses++] = l;
    return 0;
}

static int check_library(const char *name, const char *path, struct ward_plugin_err *err)
{
    struct stat st;

    if (strlen(name) >= sizeof(registered.of[0].name) ||
        strlen(path) >= sizeof(registered.of[0].path) || path[0] != '/')
        return ort_fail(err, 3, "a provider library is a short name and a full path");
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return ort_fail(err, 5, "no such file");
    if ((st.st_mode & S_IWOTH) != 0)
        return ort_fail(err, 9, "anyone may write the file");
    return 0;
}

/* An unusable library must not exclude the others. */
static int use(void *arg, const char *name, const char *path, struct ward_plugin_err *err)
{
    struct npu *u = arg;
    int rc = check_library(name, path, err);

    if (rc == 0) {
        pthread_mutex_lock(&registered.lock);
        rc = add(u, name, path, err);
        pthread_mutex_unlock(&registered.lock);
    }
    if (rc != 0)
        ort_log(u->p, 1, "npu: provider library %s is not used: %s", name, err->msg);
    return 0;
}

static int is_ours(const struct npu *u, const OrtEpDevice *d)
{
    const OrtApi *api = u->p->api;
    const OrtKeyValuePairs *about = api->EpDevice_EpMetadata(d);
    const char *path =
        about == NULL ? NULL : api->GetKeyValue(about, kOrtEpDevice_EpMetadataKey_LibraryPath);

    for (int i = 0; path != NULL && i < u->n_uses; i++)
        if (strcmp(u->uses[i]->path, path) == 0)
            return 1;
    return 0;
}

static int find_devices(struct npu *u, struct ward_plugin_err *err)
{
    const OrtEpDevice *const *d = NULL;
    const OrtApi *api = u->p->api;
    size_t n = 0;
    int rc = ort_check(u->p, api->GetEpDevices(u->p->env, &d, &n), err);

    for (size_t i = 0; rc == 0 && i < n && u->n < ORT_MAX_DEVICES; i++)
        if (api->HardwareDevice_Type(api->EpDevice_Device(d[i])) == OrtHardwareDeviceType_NPU &&
            is_ours(u, d[i]))
            u->device[u->n++] = d[i];
    return rc;
}

static void close_npu(struct ort_plugin *p)
{
    struct npu *u = p->own;
    struct ward_plugin_err err;

    pthread_mutex_lock(&registered.lock);
    for (int i = 0; i < u->n_uses; i++)
        if (--u->uses[i]->users == 0 &&
            ort_check(p, p->api->UnregisterExecutionProviderLibrary(p->env, u->uses[i]->name),
                      &err) != 0)
            ort_log(p, 1, "npu: %s", err.msg);
    pthread_mutex_unlock(&registered.lock);
    free(u);
}

static int open_npu(struct ort_plugin *p, struct ward_plugin_err *err)
{
    const char *libraries = ort_option(p, "npu_providers");
    struct npu *u = calloc(1, sizeof(*u));
    int rc;

    if (u == NULL)
        return ort_fail(err, 8, "no memory");
    u->p = p;
    p->own = u;
    rc = ort_each_pair(libraries, use, u, err);
    if (rc == 0)
        rc = find_devices(u, err);
    if (rc != 0) {
        close_npu(p);
        return rc;
    }
    u->none = libraries == NULL || *libraries == '\0' ? "no provider library is named"
                                                      : "no provider offers an NPU";
    if (u->n == 0)
        ort_log(p, 2, "npu: %s", u->none);
    return 0;
}

static int devices(struct ort_plugin *p, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *err)
{
    const struct npu *u = p->own;
    const OrtApi *api = p->api;

    if (cap < u->n)
        return ort_fail(err, 3, "no room for %u devices", u->n);
    for (uint32_t i = 0; i < u->n; i++) {
        const OrtHardwareDevice *hw = api->EpDevice_Device(u->device[i]);
        const OrtKeyValuePairs *about = api->HardwareDevice_Metadata(hw);
        const char *invented =
            about == NULL ? NULL
                          : api->GetKeyValue(about, kOrtHardwareDevice_MetadataKey_IsVirtual);

        out[i] = (struct ward_device){.kind = WARD_NPU, .ordinal = (int32_t)i, .ready = 1};
        snprintf(out[i].name, sizeof(out[i].name), "%s%.24s by %.24s",
                 invented != NULL && strcmp(invented, "1") == 0 ? "virtual: " : "",
                 api->EpDevice_EpName(u->device[i]), api->HardwareDevice_Vendor(hw));
    }
    if (u->n == 0)
        ort_fail(err, 0, "%s", u->none);
    *n = u->n;
    return 0;
}

struct pairs {
    char text[MAX_OPTIONS][2][256];
    const char *key[MAX_OPTIONS], *value[MAX_OPTIONS];
    size_t n;
};

static int keep(void *arg, const char *key, const char *value, struct ward_plugin_err *err)
{
    struct pairs *o = arg;

    if (o->n == MAX_OPTIONS || strlen(key) >= sizeof(o->text[0][0]) ||
        strlen(value) >= sizeof(o->text[0][0]))
        return ort_fail(err, 3, "npu_options: too many or too long");
    snprintf(o->text[o->n][0], sizeof(o->text[0][0]), "%s", key);
    snprintf(o->text[o->n][1], sizeof(o->text[0][1]), "%s", value);
    o->key[o->n] = o->text[o->n][0];
    o->value[o->n] = o->text[o->n][1];
    o->n++;
    return 0;
}

static int choose(struct ort_plugin *p, OrtSessionOptions *options, int32_t device,
                  struct ward_plugin_err *err)
{
    const struct npu *u = p->own;
    struct pairs *o;
    int rc;

    if (device < 0 || (uint32_t)device >= u->n)
        return ort_fail(err, 12, "there is no NPU %d", (int)device);
    o = calloc(1, sizeof(*o));
    if (o == NULL)
        return ort_fail(err, 8, "no memory");
    rc = ort_each_pair(ort_option(p, "npu_options"), keep, o, err);
    if (rc == 0)
        rc = ort_check(p,
                       p->api->SessionOptionsAppendExecutionProvider_V2(
                           options, p->env, &u->device[device], 1, o->key, o->value, o->n),
                       err);
    free(o);
    return rc;
}

static int open_plugin(const struct ward_host *host, void **plugin, struct ward_plugin_err *err)
{
    static const struct ort_provider provider = {.open = open_npu,
                                                 .close = close_npu,
                                                 .devices = devices,
                                                 .choose = choose,
                                                 .placed = "npu_nodes_placed",
                                                 .cancelled = "npu_runs_cancelled"};

    return ort_open(&provider, host, plugin, err);
}

const struct ward_plugin *ward_plugin_entry(void)
{
    static const struct ward_plugin self = {
        .size = sizeof(self),
        .major = WARD_PLUGIN_MAJOR,
        .minor = WARD_PLUGIN_MINOR,
        .name = "npu",
        .version = "1.0.0",
        .open = open_plugin,
        .close = ort_close,
        .devices = ort_devices,
        .model_load = ort_model_load,
        .model_info = ort_model_info,
        .model_free = ort_model_free,
        .instance_new = ort_instance_new,
        .run = ort_run,
        .instance_free = ort_instance_free,
        .model_io = ort_model_io,
        .interrupt = ort_interrupt,
        .placement = ort_placement,
    };
    return &self;
}
