#include "cli/release/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void release_wrong(struct release_check *c, const char *what, const char *fmt, ...)
{
    va_list args;

    if (c->n_findings < RELEASE_FINDINGS) {
        struct release_finding *f = &c->findings[c->n_findings];

        f->what = what;
        va_start(args, fmt);
        (void)vsnprintf(f->words, sizeof(f->words), fmt, args);
        va_end(args);
    }
    c->n_findings++;
}

static void one_file(struct release_check *c, const struct release_item *item)
{
    char sha256[RELEASE_HEX];
    struct ward_err err = {0};
    uint64_t size;

    if (folder_hash(c->dir, item->name, sha256, &size, &err) != WARD_OK)
        release_wrong(c, err.code == WARD_NOT_FOUND ? "FILE_MISSING" : "FILE_UNREADABLE", "%s",
                      err.msg);
    else if (size != item->size || strcmp(sha256, item->sha256) != 0)
        release_wrong(c, "FILE_CHANGED", "%s is not the file that was signed", item->name);
}

static bool listed(const struct release_check *c, const char *path)
{
    for (size_t i = 0; i < c->list.n_files; i++)
        if (strcmp(c->list.files[i].name, path) == 0)
            return true;
    return strcmp(path, RELEASE_NOTE) == 0;
}

/* Whether a file belongs to the images' layout: one of its two index files, whose content the
 * signed digests cover, or a blob of a signed image. Other blobs are rejected, because they
 * could be pushed by mistake. */
static bool of_images(const struct release_check *c, const char *path)
{
    static const char BLOBS[] = RELEASE_IMAGES "/blobs/sha256/";

    if (strcmp(path, RELEASE_IMAGES "/index.json") == 0 ||
        strcmp(path, RELEASE_IMAGES "/oci-layout") == 0)
        return true;
    if (strncmp(path, BLOBS, sizeof(BLOBS) - 1) != 0)
        return false;
    for (size_t i = 0; i < c->n_blobs; i++)
        if (strcmp(c->blobs[i], path + sizeof(BLOBS) - 1) == 0)
            return true;
    return false;
}

static enum ward_code found(void *arg, const char *path, bool regular, struct ward_err *err)
{
    struct release_check *c = arg;

    (void)err;
    if (!regular)
        release_wrong(c, "FILE_UNREADABLE", "%.100s is not a regular file", path);
    else if (!listed(c, path) && !of_images(c, path))
        release_wrong(c, "FILE_UNSIGNED", "%.100s is not part of the signed release", path);
    return WARD_OK;
}

enum ward_code release_check_files(struct release_check *c, struct ward_err *err)
{
    for (size_t i = 0; i < c->list.n_files; i++)
        one_file(c, &c->list.files[i]);
    return folder_walk(c->dir, found, c, err);
}
