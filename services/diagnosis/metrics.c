#include "services/diagnosis/metrics.h"

static struct ward_family inferences = {
    .name = "ward_diagnosis_inferences_total",
    .help = "Number of inputs for a model, by the model's answer: present, absent, or the "
            "cause of an abstention (far, near, value).",
    .type = WARD_COUNTER,
    .label = {"model", "outcome"},
};
static struct ward_family reviews = {
    .name = "ward_diagnosis_reviews_total",
    .help = "Number of a model's reports that clinicians confirmed, amended or rejected. The "
            "share of confirmed reports shows how often clinicians agree with the model.",
    .type = WARD_COUNTER,
    .label = {"model", "review"},
};
static struct ward_family serving = {
    .name = "ward_diagnosis_model_serving",
    .help = "1 while the model passes its known-answer check.",
    .type = WARD_GAUGE,
    .label = {"model"},
};
static struct ward_family shadows = {
    .name = "ward_diagnosis_shadow_total",
    .help = "Number of inputs on which a shadow ran, by result: agreed, differed, failed, or "
            "dropped (the shadow was too slow).",
    .type = WARD_COUNTER,
    .label = {"model", "outcome"},
};
struct ward_family *const diagnosis_metrics[] = {&inferences, &reviews, &serving, &shadows,
                                                 NULL};

#define PRESENT (ABSTAIN_VALUE + 1)
static const char *const ANSWERS[] = {
    [ABSTAIN_NO] = "absent",   [ABSTAIN_FAR] = "far", [ABSTAIN_NEAR] = "near",
    [ABSTAIN_VALUE] = "value", [PRESENT] = "present",
};
static const char *const RESULTS[] = {
    [SHADOW_AGREED] = "agreed",
    [SHADOW_DIFFERED] = "differed",
    [SHADOW_FAILED] = "failed",
    [SHADOW_DROPPED] = "dropped",
};

void diagnosis_metrics_of(const char *name, const char *label)
{
    for (size_t i = 0; i < WARD_COUNT(ANSWERS); i++)
        ward_series_of(&inferences, label, ANSWERS[i], NULL);
    for (size_t i = 0; i < WARD_COUNT(RESULTS); i++)
        ward_series_of(&shadows, label, RESULTS[i], NULL);
    for (int how = TALLY_CONFIRMED; how <= TALLY_REJECTED; how++)
        ward_series_of(&reviews, name, diagnosis_review_word((enum tally)how), NULL);
}

const char *diagnosis_review_word(enum tally how)
{
    return how == TALLY_CONFIRMED ? "confirmed" : how == TALLY_AMENDED ? "amended" : "rejected";
}

void diagnosis_count_answer(const char *label, enum abstain why, bool present)
{
    const char *outcome = ANSWERS[why == ABSTAIN_NO && present ? PRESENT : (int)why];

    ward_metric_add(ward_series_of(&inferences, label, outcome, NULL), 1);
}

void diagnosis_count_review(const char *name, enum tally how)
{
    ward_metric_add(ward_series_of(&reviews, name, diagnosis_review_word(how), NULL), 1);
}

void diagnosis_count_shadow(const char *label, enum shadow_result result)
{
    ward_metric_add(ward_series_of(&shadows, label, RESULTS[result], NULL), 1);
}

void diagnosis_set_serving(const char *label, bool serves)
{
    ward_metric_set(ward_series_of(&serving, label, NULL, NULL), serves);
}
