#include "services/identity/face/face_models.h"

#include "services/identity/face/face_clear.h"

#include <string.h>

/* Known answers: recorded with ONNX Runtime 1.29.0, CPU, one thread, 2026-11-21. The tolerance
 * is well above the rounding differences of other engines, and well below a difference that
 * changes a decision. Origin of the weights: models/<pack>/README.md. */

/* The models for liveness, pose and eyes are equal in every pack that has them. */
static const struct face_weights liveness = {
    "face_liveness",
    "faceplugin/fr_liveness.onnx",
    "afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d",
    {.rank = 4,
     .shape = {1, 3, 128, 128},
     .input = "input",
     .output = "output",
     .lo = 0,
     .hi = 255,
     .stride = 1,
     .n = 3,
     .want = {3.973323f, -1.031635f, -2.941639f},
     .tolerance = 2e-2f}};
static const struct face_weights pose = {
    "face_pose",
    "faceplugin/fr_pose.onnx",
    "72d032ec941b7153bf8d3f2c03a4c165453cc7e63d479041ec7c6ef087e5839d",
    {.rank = 4,
     .shape = {1, 3, 224, 224},
     .input = "input",
     .output = "output",
     .lo = -2,
     .hi = 2,
     .stride = 8,
     .n = 8,
     .want = {-3.160035f, 2.971960f, -2.082534f, -0.686939f, -4.020759f, 4.364642f, 1.175258f,
              -7.043466f},
     .tolerance = 2e-2f}};
static const struct face_weights eye = {
    "face_eye",
    "faceplugin/fr_eye.onnx",
    "1afcea006abc1ccac3c517022abde0aa092bed74ff3c9fe6878483ef9e6e38de",
    {.rank = 4,
     .shape = {1, 1, 24, 24},
     .input = "input",
     .output = "output",
     .lo = 0,
     .hi = 1,
     .stride = 1,
     .n = 2,
     .want = {7.289536f, -7.104914f},
     .tolerance = 2e-2f}};

/* models of the pack "faceplugin" */
static const struct face_weights ultraface = {
    "face_detect",
    "faceplugin/fr_detect.onnx",
    "6c0256ccd3164f844736a401faf936ec2930764a87ae39442180887d0c5c8854",
    {.rank = 4,
     .shape = {1, 3, 240, 320},
     .input = "input",
     .output = "boxes",
     .lo = -1,
     .hi = 1,
     .stride = 2003,
     .n = 8,
     .want = {0.008521f, 0.194875f, 0.370720f, 0.372967f, 0.652396f, 0.711801f, 0.058034f,
              0.947907f},
     .tolerance = 2e-3f}};
static const struct face_weights marks68 = {
    "face_landmark",
    "faceplugin/fr_landmark.onnx",
    "f10b0ba1d2a8a099adefede1ebf3733e44fe370715e7303dbeb7f59c02142258",
    {.rank = 4,
     .shape = {1, 1, 64, 64},
     .input = "input",
     .output = "",
     .lo = 0,
     .hi = 1,
     .stride = 17,
     .n = 8,
     .want = {0.199408f, 0.867126f, 0.243533f, 0.193920f, 0.556062f, 0.299639f, 0.526043f,
              0.681166f},
     .tolerance = 2e-3f}};
static const struct face_weights mobilefacenet = {
    "face_feature",
    "faceplugin/fr_feature.onnx",
    "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
    {.rank = 4,
     .shape = {1, 3, 112, 112},
     .input = "input",
     .output = "",
     .lo = -1,
     .hi = 1,
     .stride = 64,
     .n = 8,
     .want = {-0.153043f, -0.018005f, -0.018437f, 0.051028f, 0.040267f, 0.012723f, 0.021402f,
              -0.093091f},
     .tolerance = 2e-3f}};

/* clear */
static const struct face_weights blazeface = {
    "face_detect",
    "clear/detect.onnx",
    "31443643482c90a3c3f6cc3fb795543e571da5bc2e1acfceb1cef722990a53cf",
    {.rank = 4,
     .shape = {1, 3, CLEAR_DETECT, CLEAR_DETECT},
     .input = "input",
     .output = "Identity_2",
     .lo = -1,
     .hi = 1,
     .stride = 977,
     .n = 8,
     .want = {1.399849f, -0.765940f, 4.022374f, 9.629715f, 2.238947f, -4.379703f, 2.093835f,
              1.319041f},
     .tolerance = 5e-2f}};
static const struct face_weights mesh = {
    "face_landmark",
    "clear/landmark.onnx",
    "dc13a83b65b0c07e5f82cbd86e2907875f11093b30d72dc1388510ac853010f8",
    {.rank = 4,
     .shape = {1, 3, CLEAR_MESH, CLEAR_MESH},
     .input = "input",
     .output = "output_mesh",
     .lo = 0,
     .hi = 1,
     .stride = 151,
     .n = 8,
     .want = {113.064865f, 98.399895f, -9.613045f, 112.890236f, 148.646637f, 42.839951f,
              119.958115f, 96.655220f},
     .tolerance = 5e-2f}};
static const struct face_weights dlib = {
    "face_feature",
    "clear/feature.onnx",
    "fbe09f532de97216137cc9c9e5d99db47adb48875c45d05f4c2dfc025e4723f0",
    {.rank = 4,
     .shape = {1, 3, CLEAR_CHIP, CLEAR_CHIP},
     .input = "input",
     .output = "output",
     .lo = -0.5f,
     .hi = 0.5f,
     .stride = 16,
     .n = 8,
     .want = {-0.071006f, -0.127821f, -0.250711f, 0.140621f, 0.194552f, -0.104554f, -0.088019f,
              0.172605f},
     .tolerance = 2e-3f}};

static struct face_crop upright_first(const struct face_box *b)
{
    return (struct face_crop){face_first_crop(b), 0};
}

static struct face_crop upright_second(const double marks[FACE_MARKS][2])
{
    return (struct face_crop){face_second_crop(marks), 0};
}

static bool fill_upright(const struct pixels *im, const struct face_crop *crop, float *out,
                         struct ward_arena *mem)
{
    return face_fill_marks(im, crop->at, out, mem);
}

static void place_upright(const float *out, const struct face_crop *crop,
                          double marks[FACE_MARKS][2])
{
    face_place_marks(out, crop->at, marks);
}

static bool ultraface_boxes(const float *const *out, struct rect around, struct face_box *found,
                            int cap, int *n, struct ward_arena *mem)
{
    return face_boxes(out[0], out[1], FACE_ANCHORS, around, found, cap, n, mem);
}

static bool align_five(const double marks[FACE_MARKS][2], struct similarity *out)
{
    struct face_points five = face_five(marks);

    return face_align(&five, out);
}

static const struct face_recipe recipes[] = {
    {
        .name = "faceplugin",
        .dim = 512,
        .chip = FACE_CHIP,
        .model = {[FACE_DETECT] = &ultraface,
                  [FACE_LANDMARK] = &marks68,
                  [FACE_FEATURE] = &mobilefacenet,
                  [FACE_LIVENESS] = &liveness,
                  [FACE_POSE] = &pose,
                  [FACE_EYE] = &eye},
        .around = face_letterbox,
        .fill_detect = face_fill_detect,
        .output = {"scores", "boxes"},
        .n_output = {FACE_ANCHORS * 2, FACE_ANCHORS * 4},
        .boxes = ultraface_boxes,
        .first_crop = upright_first,
        .second_crop = upright_second,
        .fill_marks = fill_upright,
        .marks_output = "",
        .n_marks_output = FACE_MARKS * 2,
        .place_marks = place_upright,
        .align = align_five,
        .fill_feature = face_fill_feature,
    },
    {
        .name = "clear",
        .dim = 128,
        .chip = CLEAR_CHIP,
        .model = {[FACE_DETECT] = &blazeface,
                  [FACE_LANDMARK] = &mesh,
                  /* no models for liveness, pose and eyes, because those have no clear
                   * licence */
                  [FACE_FEATURE] = &dlib},
        .around = clear_around,
        .fill_detect = clear_fill_detect,
        .output = {"Identity", "Identity_1", "Identity_2", "Identity_3"},
        .n_output = {512, 384, 512 * 16, 384 * 16},
        .boxes = clear_boxes,
        .first_crop = clear_first_crop,
        .second_crop = clear_second_crop,
        .fill_marks = clear_fill_marks,
        .marks_output = "output_mesh",
        .n_marks_output = CLEAR_POINTS * 3,
        .place_marks = clear_place_marks,
        .align = clear_align,
        .fill_feature = clear_fill_feature,
        .flip = true,
    },
};

const struct face_recipe *face_recipe(const char *name)
{
    for (size_t i = 0; i < WARD_COUNT(recipes); i++)
        if (strcmp(recipes[i].name, name) == 0)
            return &recipes[i];
    return NULL;
}
