/* embed_faces - the embeddings of a folder of photographs, through identity's own pipeline, for
 * eval_groups.mjs and calibrate_face.mjs.
 *
 *   embed_faces PACK DIR MODELS_DIR PLUGINS_DIR OUT
 *
 * DIR holds pairs.tsv (LFW) or people.tsv, and images/. OUT takes float32 rows, OUT.tsv a line
 * a row: picture, found, usable. An image is usable if the service would compare it: it passes
 * the gates of size and quality. The subject is the large, central face.
 */
#include "tests/bench/faces/lfw.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct lfw l = {.every_gate = true};
    char list[4096];

    if (argc != 6) {
        fprintf(stderr, "usage: embed_faces PACK DIR MODELS_DIR PLUGINS_DIR OUT\n");
        return 2;
    }
    snprintf(list, sizeof(list), "%s/people.tsv", argv[2]);
    if (access(list, R_OK) == 0)
        lfw_read_people(&l, argv[2]);
    else
        lfw_read(&l, argv[2]);
    lfw_embed(&l, argv[2],
              &(struct face_pack_config){.plugins = argv[4],
                                         .models = argv[3],
                                         .pack = argv[1],
                                         .order = "cpu",
                                         .fallback = "deny"});
    lfw_dump(&l, argv[5]);
    lfw_free(&l);
    return 0;
}
