/* Checks images. index.json maps an image's name to the digest of a manifest, and the manifest
 * contains the digests of the configuration and the layers. The signed list contains the first
 * digest, and therefore protects all of them. */
#include "cli/release/check.h"

#include <string.h>

/* Checks that a blob exists and has its digest and size. `size` -1: any size. */
static bool blob(struct release_check *c, const char *image, const char *hex, int64_t size)
{
    const char *path = folder_blob(&c->mem, hex);
    char sha256[RELEASE_HEX];
    struct ward_err err = {0};
    uint64_t n;

    for (size_t i = 0; i < c->n_blobs; i++)
        if (strcmp(c->blobs[i], hex) == 0) /* already checked for another image */
            return true;
    if (c->n_blobs == RELEASE_BLOBS || path == NULL) {
        release_wrong(c, "IMAGE_CHANGED", "%s has more layers than a release may have", image);
        return false;
    }
    c->blobs[c->n_blobs++] = hex;
    if (folder_hash(c->dir, path, sha256, &n, &err) != WARD_OK) {
        release_wrong(c, "IMAGE_MISSING", "image %s: %s", image, err.msg);
        return false;
    }
    if (strcmp(sha256, hex) != 0 || (size >= 0 && n != (uint64_t)size)) {
        release_wrong(c, "IMAGE_CHANGED", "image %s: the blob sha256:%s was changed", image,
                      hex);
        return false;
    }
    return true;
}

static bool descriptor(struct release_check *c, const char *image, const struct ward_json *d)
{
    const char *hex = folder_digest(ward_json_get(d, "digest"));
    int64_t size;

    if (hex == NULL || !ward_json_i64(ward_json_get(d, "size"), &size) || size < 0) {
        release_wrong(c, "IMAGE_CHANGED", "image %s: its manifest is not usable", image);
        return false;
    }
    return blob(c, image, hex, size);
}

static void blobs(struct release_check *c, const struct release_item *item)
{
    const struct ward_json *manifest, *layers;
    struct ward_err err = {0};

    if (!blob(c, item->name, item->sha256, -1))
        return;
    if (folder_json(c->dir, folder_blob(&c->mem, item->sha256), &c->mem, &manifest, &err) !=
        WARD_OK) {
        release_wrong(c, "IMAGE_CHANGED", "image %s: %s", item->name, err.msg);
        return;
    }
    layers = ward_json_get(manifest, "layers");
    if (!ward_json_is(layers, WARD_JSON_ARRAY) ||
        !descriptor(c, item->name, ward_json_get(manifest, "config")))
        return;
    for (const struct ward_json *l = layers->first; l != NULL; l = l->next)
        if (!descriptor(c, item->name, l))
            return;
}

static const char *in_index(const struct ward_json *index, const char *name)
{
    const struct ward_json *list = ward_json_get(index, "manifests");
    const char *found = NULL;

    if (!ward_json_is(list, WARD_JSON_ARRAY))
        return NULL;
    for (const struct ward_json *m = list->first; m != NULL; m = m->next) {
        const char *ref = ward_json_string(ward_json_get(ward_json_get(m, "annotations"),
                                                         "org.opencontainers.image.ref.name"));

        if (ref == NULL || strcmp(ref, name) != 0)
            continue;
        if (found != NULL)
            return NULL; /* ambiguous: tools may use either digest */
        found = folder_digest(ward_json_get(m, "digest"));
    }
    return found;
}

/* Checks that a provenance statement or an SBOM is about this image, and not about another
 * one. */
static void about(struct release_check *c, const struct release_item *item, const char *folder,
                  const char *suffix, const char *what)
{
    const char *path = ward_printf(&c->mem, "%s/%s.%s", folder, item->name, suffix),
               *digest = NULL;
    const struct ward_json *v;
    struct ward_err err = {0};
    bool listed = false;

    for (size_t i = 0; i < c->list.n_files && path != NULL; i++)
        listed = listed || strcmp(c->list.files[i].name, path) == 0;
    if (!listed || folder_json(c->dir, path, &c->mem, &v, &err) != WARD_OK) {
        release_wrong(c, what, "image %s has no usable %s", item->name, folder);
        return;
    }
    if (strcmp(folder, "provenance") == 0)
        digest = ward_json_string(ward_json_get(
            ward_json_get(ward_json_at(ward_json_get(v, "subject"), 0), "digest"), "sha256"));
    else
        digest = ward_json_string(ward_json_get(
            ward_json_at(
                ward_json_get(ward_json_at(ward_json_get(v, "packages"), 0), "checksums"), 0),
            "checksumValue"));
    if (digest == NULL || strcmp(digest, item->sha256) != 0)
        release_wrong(c, what, "%s describes another image than %s", path, item->name);
}

enum ward_code release_check_images(struct release_check *c, struct ward_err *err)
{
    const struct ward_json *index = NULL;

    if (c->list.n_images == 0)
        return WARD_OK;
    if (folder_json(c->dir, RELEASE_IMAGES "/index.json", &c->mem, &index, err) != WARD_OK)
        release_wrong(c, "IMAGE_MISSING", "%s", err->msg);
    for (size_t i = 0; i < c->list.n_images; i++) {
        const struct release_item *item = &c->list.images[i];
        const char *digest = in_index(index, item->name);

        if (digest == NULL)
            release_wrong(c, "IMAGE_MISSING", "images/index.json has no image %s", item->name);
        else if (strcmp(digest, item->sha256) != 0)
            release_wrong(c, "IMAGE_CHANGED",
                          "images/index.json has another digest for the image %s", item->name);
        blobs(c, item);
        about(c, item, "provenance", "intoto.json", "PROVENANCE");
        about(c, item, "sbom", "spdx.json", "SBOM");
    }
    return WARD_OK;
}
