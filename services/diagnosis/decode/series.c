#include "services/diagnosis/decode/series.h"

#include <stdio.h>
#include <string.h>

/* ---- the manifest ---- */

static bool is_code(const char *s)
{
    const size_t n = s == NULL ? 0 : strlen(s);

    return n >= 1 && n <= 16 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ") == n;
}

static bool values(const struct ward_json *v, const char *key, struct series_values *out)
{
    const struct ward_json *list = ward_json_get(v, key);

    if (list == NULL)
        return true;
    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count < 1 || list->count > SERIES_VALUES)
        return false;
    for (const struct ward_json *at = list->first; at != NULL; at = at->next) {
        const char *s = ward_json_string(at);

        if (!is_code(s))
            return false;
        out->value[out->n++] = s;
    }
    return true;
}

static bool side(const struct ward_json *v, const char *key, int *out)
{
    const struct ward_json *n = ward_json_get(v, key);
    int64_t pixels = 0;

    if (n == NULL)
        return true;
    if (!ward_json_i64(n, &pixels) || pixels < 1 || pixels > DECODE_SIDE)
        return false;
    *out = (int)pixels;
    return true;
}

enum ward_code diagnosis_series_parse(const struct ward_json *v, struct series *out,
                                      struct ward_err *err)
{
    struct series s = {.min_width = 0};
    const char *wrong = NULL;

    if (v != NULL && !ward_json_is(v, WARD_JSON_OBJECT))
        wrong = "series";
    else if (!values(v, "modality", &s.modality))
        wrong = "modality";
    else if (!values(v, "body_part", &s.body_part))
        wrong = "body_part";
    else if (!values(v, "view", &s.view))
        wrong = "view";
    else if (!side(v, "min_width", &s.min_width))
        wrong = "min_width";
    else if (!side(v, "min_height", &s.min_height))
        wrong = "min_height";
    if (wrong != NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_MANIFEST",
                                "the manifest's series has an invalid %s", wrong);
    *out = s;
    return WARD_OK;
}

/* ---- a file ---- */

/* Values of a file that an error message may contain. Sources: DICOM PS3.3 2024b, C.7.3.1.1.1
 * (modalities), PS3.16, annex L (body parts, those of films), PS3.3 C.8.7.1.1.1 and CID 4010
 * (views); checked 2026-11. */
static const char *const TERMS[] = {
    "CR",    "CT",    "DX",      "ECG",    "ES",        "GM",         "IO",     "IVUS",
    "KO",    "MG",    "MR",      "NM",     "OCT",       "OP",         "OT",     "PT",
    "PX",    "REG",   "RF",      "RG",     "RTDOSE",    "RTIMAGE",    "RTPLAN", "RTSTRUCT",
    "SC",    "SEG",   "SM",      "SR",     "US",        "XA",         "XC",     "ABDOMEN",
    "ANKLE", "ARM",   "BREAST",  "CHEST",  "CLAVICLE",  "CSPINE",     "ELBOW",  "EXTREMITY",
    "FEMUR", "FOOT",  "FOREARM", "HAND",   "HEAD",      "HEART",      "HIP",    "HUMERUS",
    "JAW",   "KNEE",  "LEG",     "LSPINE", "NECK",      "PANCREAS",   "PELVIS", "SHOULDER",
    "SKULL", "SPINE", "THORAX",  "TSPINE", "WHOLEBODY", "WHOLE BODY", "WRIST",  "AP",
    "PA",    "LL",    "RL",      "LLD",    "RLD",       "LLO",        "RLO",    "CC",
    "MLO",   "ML",    "LM",      "XCCL",   "XCCM",
};

static const char *term(const char *s)
{
    if (*s == '\0')
        return "absent";
    for (size_t i = 0; i < WARD_COUNT(TERMS); i++)
        if (strcmp(TERMS[i], s) == 0)
            return s;
    return "another value";
}

static enum ward_code one(const struct series_values *v, const char *attribute, const char *has,
                          struct ward_err *err)
{
    char list[SERIES_VALUES * 19] = "";
    size_t used = 0;

    for (int i = 0; i < v->n; i++) {
        if (strcmp(v->value[i], has) == 0)
            return WARD_OK;
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
                                 v->value[i]);
    }
    return v->n == 0 ? WARD_OK
                     : WARD_FAIL_REASON(err, INVALID_ARGUMENT, "INPUT_SERIES_UNFIT",
                                        "the model reads %s %.60s; the file's %s is %s",
                                        attribute, list, attribute, term(has));
}

enum ward_code diagnosis_series_check(const struct series *s, const struct decoded *d,
                                      struct ward_err *err)
{
    if (d->dicom) {
        WARD_TRY(one(&s->modality, "Modality", d->facts.modality, err));
        WARD_TRY(one(&s->body_part, "Body Part Examined", d->facts.body_part, err));
        WARD_TRY(one(&s->view, "View Position", d->facts.view, err));
    }
    if (d->film.width < s->min_width || d->film.height < s->min_height)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "INPUT_SERIES_UNFIT",
                                "the model reads at least %d x %d pixels; the file has %d x %d",
                                s->min_width, s->min_height, d->film.width, d->film.height);
    return WARD_OK;
}
