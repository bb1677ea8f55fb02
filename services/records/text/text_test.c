/* Sentences in both languages, and their expected findings. The sentences are invented. */
#include "services/records/text/text_testing.h"

struct row {
    const char *note, *words; /* `words` are the words of the tested finding */
    const char *kind, *name, *code;
    const char *assertion, *when, *who;
    /* the cue of the assertion, otherwise of the time, otherwise of the person; "": no cue */
    const char *cue;
};

static const struct row rows[] = {
    /* ---- Chinese: negation ---- */
    {"无发热、咳嗽、咳痰。", "发热", "SYMPTOM", "发热", "R50", "NEGATED", "CURRENT", "PATIENT",
     "无"},
    {"无发热、咳嗽、咳痰。", "咳嗽", "SYMPTOM", "咳嗽", "R05", "NEGATED", "CURRENT", "PATIENT",
     "无"},
    {"无发热、咳嗽、咳痰。", "咳痰", "SYMPTOM", "咳痰", "R09", "NEGATED", "CURRENT", "PATIENT",
     "无"},
    {"无发热，咳嗽3天。", "发热", "SYMPTOM", "发热", "R50", "NEGATED", "CURRENT", "PATIENT",
     "无"},
    {"无发热，咳嗽3天。", "咳嗽", "SYMPTOM", "咳嗽", "R05", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"否认高血压、糖尿病、冠心病病史。", "冠心病", "DISEASE", "冠心病", "I25", "NEGATED",
     "HISTORICAL", "PATIENT", "否认"},
    {"否认胸痛，但有心悸。", "心悸", "SYMPTOM", "心悸", "R00", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"双肺未见肺大泡。", "肺大泡", "DISEASE", "肺大疱", "J98", "NEGATED", "CURRENT", "PATIENT",
     "未见"},
    {"没有头痛。头晕明显。", "头晕", "SYMPTOM", "头晕", "R42", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"不伴恶心、呕吐。", "呕吐", "SYMPTOM", "呕吐", "R11", "NEGATED", "CURRENT", "PATIENT",
     "不伴"},
    {"宝宝不咳嗽。", "咳嗽", "SYMPTOM", "咳嗽", "R05", "NEGATED", "CURRENT", "PATIENT", "不"},
    {"肺结核可能性不大。", "肺结核", "DISEASE", "肺结核", "A16", "NEGATED", "CURRENT",
     "PATIENT", "可能性不大"},
    /* phrases that contain a cue but are not a cue */
    {"无明显诱因出现腹痛。", "腹痛", "SYMPTOM", "腹痛", "R10", "AFFIRMED", "CURRENT", "PATIENT",
     "出现"},
    {"四肢无力伴头晕。", "头晕", "SYMPTOM", "头晕", "R42", "AFFIRMED", "CURRENT", "PATIENT",
     "伴"},
    {"行无痛胃镜示胃溃疡。", "胃溃疡", "DISEASE", "胃溃疡", "K25", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"不仅咳嗽，还气促。", "咳嗽", "SYMPTOM", "咳嗽", "R05", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"血糖控制不佳，糖尿病。", "糖尿病", "DISEASE", "糖尿病", "E14", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"右侧肢体活动不全伴头痛。", "头痛", "SYMPTOM", "头痛", "R51", "AFFIRMED", "CURRENT",
     "PATIENT", "伴"},
    /* ---- Chinese: doubt ---- */
    {"考虑肺炎。", "肺炎", "DISEASE", "肺炎", "J18", "UNCERTAIN", "CURRENT", "PATIENT", "考虑"},
    {"不排除心肌炎。", "心肌炎", "DISEASE", "心肌炎", "I40", "UNCERTAIN", "CURRENT", "PATIENT",
     "不排除"},
    {"肺炎？", "肺炎", "DISEASE", "肺炎", "J18", "UNCERTAIN", "CURRENT", "PATIENT", "？"},
    {"阑尾炎待排。", "阑尾炎", "DISEASE", "阑尾炎", "K37", "UNCERTAIN", "CURRENT", "PATIENT",
     "待排"},
    {"有没有发热", "发热", "SYMPTOM", "发热", "R50", "UNCERTAIN", "CURRENT", "PATIENT",
     "有没有"},
    {"已排除肺结核。", "肺结核", "DISEASE", "肺结核", "A16", "NEGATED", "CURRENT", "PATIENT",
     "已排除"},
    {"肺部感染不除外。", "肺部感染", "DISEASE", "肺部感染", "J18", "UNCERTAIN", "CURRENT",
     "PATIENT", "不除外"},
    {"没有发烧没有咳嗽就是头疼", "头疼", "SYMPTOM", "头痛", "R51", "AFFIRMED", "CURRENT",
     "PATIENT", "就是"},
    {"没有去过外地后来头疼", "头疼", "SYMPTOM", "头痛", "R51", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"无腹痛，恶心、呕吐等不适。", "呕吐", "SYMPTOM", "呕吐", "R11", "NEGATED", "CURRENT",
     "PATIENT", "无"},
    {"咳嗽好转，发热消失。", "发热", "SYMPTOM", "发热", "R50", "NEGATED", "CURRENT", "PATIENT",
     "消失"},
    /* ---- Chinese: the past, relatives ---- */
    {"患者5年前因胃溃疡住院，现无腹痛。", "胃溃疡", "DISEASE", "胃溃疡", "K25", "AFFIRMED",
     "HISTORICAL", "PATIENT", "年前"},
    {"无高血压家族史。", "高血压", "DISEASE", "高血压", "I10", "NEGATED", "CURRENT", "FAMILY",
     "无"},
    {"既往有哮喘。", "哮喘", "DISEASE", "支气管哮喘", "J45", "AFFIRMED", "HISTORICAL",
     "PATIENT", "既往有"},
    {"既往史：高血压10年。\n主诉：头痛。", "高血压", "DISEASE", "高血压", "I10", "AFFIRMED",
     "HISTORICAL", "PATIENT", "既往史："},
    {"既往史：高血压10年。\n主诉：头痛。", "头痛", "SYMPTOM", "头痛", "R51", "AFFIRMED",
     "CURRENT", "PATIENT", ""},
    {"父亲患糖尿病。", "糖尿病", "DISEASE", "糖尿病", "E14", "AFFIRMED", "CURRENT", "FAMILY",
     "父亲"},
    {"家族史：高血压。", "高血压", "DISEASE", "高血压", "I10", "AFFIRMED", "CURRENT", "FAMILY",
     "家族史："},
    {"母亲诉咳嗽2天。", "咳嗽", "SYMPTOM", "咳嗽", "R05", "AFFIRMED", "CURRENT", "PATIENT", ""},
    {"口服阿司匹林治疗。", "阿司匹林", "DRUG", "aspirin", "", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"予四环素口服。", "四环素", "DRUG", "tetracycline", "", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"改用甲硫咪唑。", "甲硫咪唑", "DRUG", "methimazole", "", "AFFIRMED", "CURRENT", "PATIENT",
     ""},
    {"便血2次。", "便血", "SYMPTOM", "便血", "K92", "AFFIRMED", "CURRENT", "PATIENT", ""},
    {"飞蚊症1年。", "飞蚊症", "SYMPTOM", "飞蚊症", "H43", "AFFIRMED", "CURRENT", "PATIENT", ""},
    /* traditional characters */
    {"無發熱、咳嗽。", "發熱", "SYMPTOM", "发热", "R50", "NEGATED", "CURRENT", "PATIENT", "無"},
    {"無明顯誘因出現腹瀉，沒有嘔吐。", "嘔吐", "SYMPTOM", "呕吐", "R11", "NEGATED", "CURRENT",
     "PATIENT", "沒有"},
    {"臺灣病歷：心臟衰竭？", "心臟衰竭", "DISEASE", "心力衰竭", "I50", "UNCERTAIN", "CURRENT",
     "PATIENT", "？"},
    /* full-width letters and digits */
    {"ＣＯＰＤ急性加重。", "ＣＯＰＤ", "DISEASE", "chronic obstructive pulmonary disease",
     "J44.9", "AFFIRMED", "CURRENT", "PATIENT", ""},
    /* ---- English: negation ---- */
    {"Patient denies fever, chills, or cough.", "cough", "SYMPTOM", "cough", "R05.9", "NEGATED",
     "CURRENT", "PATIENT", "denies"},
    {"She denies nausea but reports chest pain.", "chest pain", "SYMPTOM", "chest pain",
     "R07.9", "AFFIRMED", "CURRENT", "PATIENT", "reports"},
    {"No evidence of pneumonia.", "pneumonia", "DISEASE", "pneumonia", "J18.9", "NEGATED",
     "CURRENT", "PATIENT", "No evidence of"},
    {"Chest pain: none.", "Chest pain", "SYMPTOM", "chest pain", "R07.9", "NEGATED", "CURRENT",
     "PATIENT", ": none"},
    {"Pulmonary embolism has been ruled out.", "Pulmonary embolism", "DISEASE",
     "pulmonary embolism", "I26.99", "NEGATED", "CURRENT", "PATIENT", "has been ruled out"},
    {"No increase in cough.", "cough", "SYMPTOM", "cough", "R05.9", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"He has no increase in cough.", "cough", "SYMPTOM", "cough", "R05.9", "AFFIRMED",
     "CURRENT", "PATIENT", ""},
    {"Not only asthma.", "asthma", "DISEASE", "asthma", "J45.909", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"No fever. Cough for 3 days.", "Cough", "SYMPTOM", "cough", "R05.9", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"Seen by Dr. No; cough today.", "cough", "SYMPTOM", "cough", "R05.9", "AFFIRMED",
     "CURRENT", "PATIENT", ""},
    {"No shortness of\nbreath.", "shortness of\nbreath", "SYMPTOM", "shortness of breath",
     "R06.02", "NEGATED", "CURRENT", "PATIENT", "No"},
    {"No fevers.", "fevers", "SYMPTOM", "fever", "R50.9", "NEGATED", "CURRENT", "PATIENT",
     "No"},
    {"He was negative for hepatitis C.", "hepatitis C", "DISEASE", "hepatitis c", "B19.20",
     "NEGATED", "CURRENT", "PATIENT", "was negative for"},
    {"No longer has headaches.", "headaches", "SYMPTOM", "headache", "R51.9", "NEGATED",
     "CURRENT", "PATIENT", "No longer has"},
    {"Fever: denies. Cough: yes.", "Fever", "SYMPTOM", "fever", "R50.9", "NEGATED", "CURRENT",
     "PATIENT", ": denies."},
    {"GENERAL: No fever, chills.", "chills", "SYMPTOM", "chills", "R68.83", "NEGATED",
     "CURRENT", "PATIENT", "No"},
    {"Fever - no, cough - yes.", "cough", "SYMPTOM", "cough", "R05.9", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"ROS: (-) fever, (+) cough", "fever", "SYMPTOM", "fever", "R50.9", "NEGATED", "CURRENT",
     "PATIENT", "(-)"},
    {"ROS: (-) fever, (+) cough", "cough", "SYMPTOM", "cough", "R05.9", "AFFIRMED", "CURRENT",
     "PATIENT", "(+)"},
    {"Neither fever nor cough.", "cough", "SYMPTOM", "cough", "R05.9", "NEGATED", "CURRENT",
     "PATIENT", "nor"},
    {"Patient is not diabetic.", "diabetic", "DISEASE", "diabetes mellitus", "E11.9", "NEGATED",
     "CURRENT", "PATIENT", "is not"},
    {"Denies any history of stroke.", "stroke", "DISEASE", "stroke", "I63.9", "NEGATED",
     "HISTORICAL", "PATIENT", "Denies any"},
    /* ---- English: doubt ---- */
    {"Possible appendicitis.", "appendicitis", "DISEASE", "appendicitis", "K35.80", "UNCERTAIN",
     "CURRENT", "PATIENT", "Possible"},
    {"Cannot rule out pneumonia.", "pneumonia", "DISEASE", "pneumonia", "J18.9", "UNCERTAIN",
     "CURRENT", "PATIENT", "Cannot rule out"},
    {"?gout", "gout", "DISEASE", "gout", "M10.9", "UNCERTAIN", "CURRENT", "PATIENT", "?"},
    {"Imp: gout?", "gout", "DISEASE", "gout", "M10.9", "UNCERTAIN", "CURRENT", "PATIENT", "?"},
    /* ---- English: the past, relatives ---- */
    {"History of asthma.", "asthma", "DISEASE", "asthma", "J45.909", "AFFIRMED", "HISTORICAL",
     "PATIENT", "History of"},
    {"A 3-day history of cough.", "cough", "SYMPTOM", "cough", "R05.9", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"PMH: asthma, gout\nImp: pneumonia", "gout", "DISEASE", "gout", "M10.9", "AFFIRMED",
     "HISTORICAL", "PATIENT", "PMH:"},
    {"PMH: asthma, gout\nImp: pneumonia", "pneumonia", "DISEASE", "pneumonia", "J18.9",
     "AFFIRMED", "CURRENT", "PATIENT", ""},
    {"Family History:\nasthma\ngout\n\nExam: fever", "gout", "DISEASE", "gout", "M10.9",
     "AFFIRMED", "CURRENT", "FAMILY", "Family History:"},
    {"Family History:\nasthma\ngout\n\nfever", "fever", "SYMPTOM", "fever", "R50.9", "AFFIRMED",
     "CURRENT", "PATIENT", ""},
    {"Her mother had breast cancer.", "breast cancer", "DISEASE", "breast cancer", "C50.9",
     "AFFIRMED", "CURRENT", "FAMILY", "mother"},
    {"Mother reports fever.", "fever", "SYMPTOM", "fever", "R50.9", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"Regular paracetamol.", "paracetamol", "DRUG", "acetaminophen", "", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
    {"Takes Lipitor nightly.", "Lipitor", "DRUG", "atorvastatin", "", "AFFIRMED", "CURRENT",
     "PATIENT", ""},
};

static const struct text_why *decided(const struct text_finding *f)
{
    return f->why_assertion.id     ? &f->why_assertion
           : f->why_temporality.id ? &f->why_temporality
                                   : &f->why_experiencer;
}

static void check(const struct row *r)
{
    struct text_findings found = text_of(r->note);
    const struct text_finding *f = text_at(&found, r->note, r->words);
    const struct text_why *why = decided(f);
    char got[256], want[256];

    snprintf(got, sizeof(got), "%s %s %s %s %s %s", text_kind_name(f->kind), f->name, f->code,
             text_assertion_name(f->assertion), text_temporality_name(f->temporality),
             text_experiencer_name(f->experiencer));
    snprintf(want, sizeof(want), "%s %s %s %s %s %s", r->kind, r->name, r->code, r->assertion,
             r->when, r->who);
    if (strcmp(got, want) != 0)
        fail_msg("'%s' in '%s'\n   got %s\n  want %s", r->words, r->note, got, want);
    if (why->id == NULL && *r->cue == '\0')
        return;
    if (why->id == NULL || why->cue.end - why->cue.start != strlen(r->cue) ||
        memcmp(r->note + why->cue.start, r->cue, strlen(r->cue)) != 0)
        fail_msg("'%s': decided by %s '%.*s', not '%s'", r->note, why->id ? why->id : "-",
                 why->id ? (int)(why->cue.end - why->cue.start) : 0, r->note + why->cue.start,
                 r->cue);
    assert_true(why->scope.start <= f->span.start && f->span.end <= why->scope.end);
}

static void each_sentence_is_read_as_a_clinician_would(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        check(&rows[i]);
}

/* ---- spans ---- */

static void spans_count_bytes_and_code_points(void **state)
{
    const char *note = "因：发热"; /* 3 bytes each */
    struct text_findings found = text_of(note);

    (void)state;
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].span.start, 6);
    assert_int_equal(found.at[0].span.end, 12);
    assert_int_equal(found.at[0].span.cp_start, 2);
    assert_int_equal(found.at[0].span.cp_end, 4);
}

static void the_scope_of_a_list_ends_with_the_list(void **state)
{
    const char *note = "无发热、咳嗽，头痛3天。";
    struct text_findings found = text_of(note);
    const struct text_finding *f = text_at(&found, note, "咳嗽");

    (void)state;
    assert_int_equal(f->why_assertion.scope.start, strlen("无"));
    assert_int_equal(f->why_assertion.scope.end, strlen("无发热、咳嗽"));
    assert_string_equal(f->why_assertion.id, "zh.neg_near.无");
}

static void words_inside_other_words_are_not_found(void **state)
{
    (void)state;
    assert_int_equal(text_of("He is stoughcough and coughx.").n, 0);
    assert_int_equal(text_of("感染科门诊").n, 0); /* the department of infectious diseases */
}

/* "不适" is malaise. At the end of a list, or for other complaints, the word names no symptom.
 */
static void what_stands_for_the_rest_of_a_list_is_no_finding(void **state)
{
    static const char *const whole[] = {"无特殊不适。", "未诉其他不适。", "术后无明显不适。"};
    const char *note = "无腹痛，恶心、呕吐等不适。", *own = "全身不适，胸部不适，感不适。";
    struct text_findings found = text_of(note);

    (void)state;
    assert_int_equal(found.n, 3);
    assert_int_equal(text_at(&found, note, "呕吐")->assertion, TEXT_NEGATED);
    for (size_t i = 0; i < WARD_COUNT(whole); i++)
        assert_int_equal(text_of(whole[i]).n, 0);
    assert_int_equal(text_of(own).n, 3);
}

static void accents_and_invisible_characters_do_not_hide_a_word(void **state)
{
    const char *note = "No fe\xCC\x81ver, d\xC3\xBCspnea; diar\xE2\x80\x8Brhea.";
    struct text_findings found = text_of(note);

    (void)state;
    assert_int_equal(found.n, 2); /* "duspnea" is not a term */
    text_at(&found, note, "fe\xCC\x81ver");
    text_at(&found, note, "diar\xE2\x80\x8Brhea");
}

static void forced_cues_are_those_of_the_language_asked_for(void **state)
{
    const char *note = "无 fever";
    struct text_findings found = {0};

    (void)state;
    ward_arena_reset(&text_fix.mem);
    assert_int_equal(
        text_extract(text_fix.engine, &text_fix.mem, note, strlen(note), TEXT_EN, &found, NULL),
        WARD_OK);
    assert_int_equal(found.at[0].assertion, TEXT_AFFIRMED);
    assert_int_equal(
        text_extract(text_fix.engine, &text_fix.mem, note, strlen(note), TEXT_ZH, &found, NULL),
        WARD_OK);
    assert_int_equal(found.at[0].assertion, TEXT_NEGATED);
}

static void every_finding_names_its_maker_and_its_source(void **state)
{
    struct text_findings found = text_of("头痛");

    (void)state;
    assert_string_equal(found.at[0].maker->name, "rules");
    assert_string_equal(found.at[0].source, "ward");
    assert_int_equal(strlen(found.at[0].maker->sha256), 64);
}

static void an_empty_note_has_no_findings(void **state)
{
    (void)state;
    assert_int_equal(text_of("").n, 0);
    assert_int_equal(text_of(" \n\t").n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sentence_is_read_as_a_clinician_would),
        cmocka_unit_test(spans_count_bytes_and_code_points),
        cmocka_unit_test(the_scope_of_a_list_ends_with_the_list),
        cmocka_unit_test(words_inside_other_words_are_not_found),
        cmocka_unit_test(what_stands_for_the_rest_of_a_list_is_no_finding),
        cmocka_unit_test(accents_and_invisible_characters_do_not_hide_a_word),
        cmocka_unit_test(forced_cues_are_those_of_the_language_asked_for),
        cmocka_unit_test(every_finding_names_its_maker_and_its_source),
        cmocka_unit_test(an_empty_note_has_no_findings),
    };

    return cmocka_run_group_tests(tests, text_fixture_open, text_fixture_close);
}
