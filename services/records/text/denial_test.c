/* Short notes with denials of the usual shapes, and with drugs that were stopped, each with
 * what a clinician would say of it: the answers were written before the notes were read by the
 * program. The notes are made up. */
#include "services/records/text/text_testing.h"

/* `said`: words of the note and what it says of each, "fever:N|chest pain:A". A affirmed, N
 * negated, U uncertain; H after it: in the past; S: stopped; F: a relative's. */
struct note {
    const char *text, *said;
};

static const struct note notes[] = {
    /* ---- Chinese ---- */
    {"无发热及咳嗽，有胸闷。", "发热:N|咳嗽:N|胸闷:A"},
    {"否认高血压、糖尿病及冠心病史。", "高血压:NH|糖尿病:NH|冠心病:NH"},
    {"双肺未见实变，未见胸腔积液。", "胸腔积液:N"},
    {"患者未诉头痛、头晕，诉乏力。", "头痛:N|头晕:N|乏力:A"},
    {"呕吐(-)，腹泻(+)。", "呕吐:N|腹泻:A"},
    {"梅毒阴性，乙肝阳性。", "梅毒:N|乙肝:A"},
    {"无大小便失禁、抽搐及意识障碍。", "抽搐:N|意识障碍:N"},
    {"活动后心悸，无夜间阵发性呼吸困难、双下肢水肿。", "心悸:A|呼吸困难:N|水肿:N"},
    {"无呼吸困难，无两下肢凹陷性水肿。", "呼吸困难:N|水肿:N"},
    {"肺栓塞已排除，考虑肺炎。", "肺栓塞:N|肺炎:U"},
    {"肺栓塞可排除。", "肺栓塞:N"},
    {"心肌梗死已除外，拟诊心绞痛。", "心肌梗死:N|心绞痛:U"},
    {"可排除肺结核。", "肺结核:N"},
    {"头痛3天，肺栓塞可排除。", "头痛:A|肺栓塞:N"},
    {"暂不考虑阑尾炎。", "阑尾炎:N"},
    {"皮疹已消退，仍有瘙痒。", "皮疹:N|瘙痒:A"},
    {"发热已退，咳嗽仍在。", "发热:N|咳嗽:A"},
    {"皮疹未消退。", "皮疹:A"},
    {"不能排除肺结核。", "肺结核:U"},
    {"无明显诱因出现腹痛，无放射痛。", "腹痛:A"},
    {"既往无哮喘、过敏性鼻炎病史。", "哮喘:NH|过敏性鼻炎:NH"},
    {"父亲无糖尿病，母亲有高血压。", "糖尿病:NF|高血压:AF"},
    {"无尿频、尿急、尿痛，尿量正常。", "尿频:N|尿急:N|尿痛:N"},
    {"无尿痛、肉眼血尿。", "尿痛:N|肉眼血尿:N"},
    {"近2日无尿，双下肢浮肿。", "无尿:A|浮肿:A"},
    {"诊断：非霍奇金氏淋巴瘤。", "非霍奇金氏淋巴瘤:A"},
    {"排除非小细胞肺癌。", "非小细胞肺癌:N"},
    {"无活动后心累、乏力，但有咳嗽。", "乏力:N|咳嗽:A"},
    {"全身皮肤无黄染、皮疹。", "皮疹:N"},
    {"咳嗽、咳痰不明显，无咯血。", "咳嗽:N|咳痰:N|咯血:N"},
    {"没有再出现腹痛。", "腹痛:N"},
    {"否认药物过敏史，否认肝炎、结核等传染病史。", "肝炎:NH"},
    {"不伴恶心、呕吐，伴腹胀。", "恶心:N|呕吐:N|腹胀:A"},
    {"肿瘤标志物未见异常，未除外肺癌。", "肺癌:U"},
    {"咳嗽较前好转，无胸痛或呼吸困难。", "咳嗽:A|胸痛:N|呼吸困难:N"},
    {"患者无胸闷胸痛，无咳嗽咳痰。", "胸闷:N|胸痛:N|咳嗽:N|咳痰:N"},
    {"否认有肝炎、结核病史及接触史。", "肝炎:NH"},
    {"双下肢无水肿，病理征阴性。", "水肿:N"},
    {"患者神志清，无恶寒发热。", "发热:N"},
    {"自诉无头晕头痛，但有恶心。", "头晕:N|头痛:N|恶心:A"},
    {"胸片：未见肺炎征象。", "肺炎:N"},
    {"排除禁忌后行手术治疗胆囊结石。", "胆囊结石:A"},
    {"咳嗽咳痰消失，胸痛缓解。", "咳嗽:N|咳痰:N"},
    {"不发热，不咳嗽，偶有腹泻。", "发热:N|咳嗽:N|腹泻:A"},
    {"有无发热？", "发热:U"},
    {"无诱因咳嗽3天。", "咳嗽:A"},
    {"既往体健，否认高血压，有糖尿病史。", "高血压:N|糖尿病:AH"},
    {"尿量减少，无肉眼血尿。", "血尿:N"},
    {"肺结核可除外，肺部感染不除外。", "肺结核:N|肺部感染:U"},
    {"疼痛无明显缓解。", "疼痛:A"},
    {"考虑非典型肺炎。", "非典型肺炎:U"},
    {"无症状性心肌缺血。", "心肌缺血:A"},
    {"无痛性血尿3天。", "血尿:A"},
    {"未再发热。", "发热:N"},
    {"无再次呕吐。", "呕吐:N"},
    {"目前无发热，昨日寒战。", "发热:N|寒战:A"},
    {"未触及包块，无腹水。", "腹水:N"},
    {"甲状腺功能亢进症已治愈。", "甲状腺功能亢进:AH"},
    {"黄疸渐消退。", "黄疸:A"},
    /* ---- in traditional characters ---- */
    {"無發熱、咳嗽，頭痛3天。", "發熱:N|咳嗽:N|頭痛:A"},
    {"否認高血壓、糖尿病史。", "高血壓:NH|糖尿病:NH"},
    {"沒有胸悶及氣促。", "胸悶:N|氣促:N"},
    {"無明顯誘因出現腹瀉。", "腹瀉:A"},
    {"術後無噁心、嘔吐，傷口疼痛。", "噁心:N|嘔吐:N|疼痛:A"},
    {"未見胸腔積液，考慮肺炎。", "胸腔積液:N|肺炎:U"},
    {"父親患有糖尿病，患者無高血壓。", "糖尿病:AF|高血壓:N"},
    {"病患否認胸痛、呼吸困難。", "胸痛:N|呼吸困難:N"},
    {"無腹痛及腹瀉，有便秘。", "腹痛:N|腹瀉:N|便秘:A"},
    {"無痛性血尿。", "血尿:A"},
    {"家屬代訴無抽搐，偶有嘔吐。", "抽搐:N|嘔吐:A"},
    {"排除肺結核，疑似肺癌。", "肺結核:N|肺癌:U"},
    /* ---- English ---- */
    {"Denies chest pain, dyspnea or palpitations.", "chest pain:N|dyspnea:N|palpitations:N"},
    {"No fever or chills; cough for 2 days.", "fever:N|chills:N|cough:A"},
    {"Pulmonary embolism was ruled out by CT.", "Pulmonary embolism:N"},
    {"Headache without nausea or vomiting.", "Headache:A|nausea:N|vomiting:N"},
    {"No longer has vertigo.", "vertigo:N"},
    {"HIV negative, hepatitis C positive.", "HIV:N|hepatitis C:A"},
    {"HIV, hepatitis B and syphilis negative; pneumonia.",
     "HIV:N|hepatitis B:N|syphilis:N|pneumonia:A"},
    {"Preeclampsia screening negative.", "Preeclampsia:N"},
    {"HIV-negative man with pneumonia.", "HIV:N|pneumonia:A"},
    {"Rh negative mother; no history of diabetes.", "diabetes:NH"},
    {"Gram negative sepsis, no pneumonia.", "sepsis:A|pneumonia:N"},
    {"False negative malaria test.", "malaria:A"},
    {"Negative for pneumonia and pleural effusion.", "pneumonia:N|pleural effusion:N"},
    {"Chest pain with negative troponin.", "Chest pain:A"},
    {"D-dimer negative, chest pain persists.", "chest pain:A"},
    {"Influenza test negative. Asthma.", "Influenza:N|Asthma:A"},
    {"Tuberculosis: negative", "Tuberculosis:N"},
    {"Cannot rule out appendicitis.", "appendicitis:U"},
    {"Pneumonia, since resolved.", "Pneumonia:AH"},
    {"Without evidence of stroke; hypertension is controlled.", "stroke:N|hypertension:A"},
    {"No cough, fever, or sore throat but has diarrhea.",
     "cough:N|fever:N|sore throat:N|diarrhea:A"},
    {"Neither vomiting nor diarrhea.", "vomiting:N|diarrhea:N"},
    {"Mother denies fever.", "fever:N"},
    {"No nausea, vomiting, diarrhea, or constipation.",
     "nausea:N|vomiting:N|diarrhea:N|constipation:N"},
    {"Patient denies any fever, chills, night sweats or weight loss.",
     "fever:N|chills:N|night sweats:N|weight loss:N"},
    {"She has no known history of asthma.", "asthma:NH"},
    {"Chest pain has resolved; no dyspnea.", "Chest pain:AH|dyspnea:N"},
    {"Ruled out for myocardial infarction.", "myocardial infarction:N"},
    {"Not experiencing vertigo.", "vertigo:N"},
    {"Free of pain.", "pain:N"},
    {"Negative for HIV, hepatitis B.", "HIV:N|hepatitis B:N"},
    {"COVID-19 PCR negative, influenza positive.", "COVID-19:N|influenza:A"},
    {"Her cough has not resolved.", "cough:A"},
    {"No change in diarrhea.", "diarrhea:A"},
    {"Denies depression. Positive for anxiety.", "depression:N|anxiety:A"},
    {"Absence of jaundice.", "jaundice:N"},
    {"Fever absent; rash present.", "Fever:N|rash:A"},
    {"No h/o stroke or seizures.", "stroke:NH|seizures:NH"},
    {"Pneumonia unlikely.", "Pneumonia:N"},
    {"She was never diabetic.", "diabetic:N"},
    {"Gram-negative pneumonia.", "pneumonia:A"},
    {"No pneumonia, but effusion with cough.", "pneumonia:N|cough:A"},
    {"Without rash, itching or swelling.", "rash:N|itching:N"},
    {"Asthma (-), eczema (+).", "Asthma:N|eczema:A"},
};

static const struct note stopped[] = {
    /* ---- Chinese ---- */
    {"停用阿司匹林。", "阿司匹林:AS"},
    {"停用阿司匹林、氯吡格雷3天。", "阿司匹林:AS|氯吡格雷:AS"},
    {"停用阿司匹林，改用氯吡格雷。", "阿司匹林:AS|氯吡格雷:A"},
    {"停用阿司匹林改用氯吡格雷。", "阿司匹林:AS|氯吡格雷:A"},
    {"阿司匹林已停。", "阿司匹林:AS"},
    {"阿司匹林停用1周，继续华法林。", "阿司匹林:AS|华法林:A"},
    {"长期口服阿司匹林，已停用3天。", "阿司匹林:AS"},
    {"既往服用华法林，现已停服。", "华法林:AS"},
    {"自行停服二甲双胍。", "二甲双胍:AS"},
    {"停阿司匹林，继续氯吡格雷。", "阿司匹林:AS|氯吡格雷:A"},
    {"服用阿司匹林，停用华法林。", "阿司匹林:A|华法林:AS"},
    {"阿司匹林100mg qd及氯吡格雷75mg qd已停用。", "阿司匹林:AS|氯吡格雷:AS"},
    {"术前暂停华法林5天。", "华法林:AS"},
    {"停用阿司匹林后无出血。", "阿司匹林:AS|出血:N"},
    {"华法林已停，咳嗽好转。", "华法林:AS|咳嗽:A"},
    {"停用阿司匹林，咳嗽3天。", "阿司匹林:AS|咳嗽:A"},
    {"未停用阿司匹林。", "阿司匹林:A"},
    {"阿司匹林没有停用。", "阿司匹林:A"},
    {"不能停用华法林。", "华法林:A"},
    {"否认停用阿司匹林。", "阿司匹林:A"},
    {"心脏骤停肾上腺素1mg静推。", "肾上腺素:A"},
    {"咳嗽停用阿司匹林。", "咳嗽:A|阿司匹林:AS"},
    {"已停用華法林，繼續二甲雙胍。", "華法林:AS|二甲雙胍:A"},
    /* ---- English ---- */
    {"Stopped aspirin last week.", "aspirin:AS"},
    {"Aspirin was discontinued and warfarin started.", "Aspirin:AS|warfarin:A"},
    {"Aspirin stopped; warfarin started.", "Aspirin:AS|warfarin:A"},
    {"Patient stopped taking metformin.", "metformin:AS"},
    {"She takes aspirin and her warfarin was stopped.", "aspirin:A|warfarin:AS"},
    {"Aspirin, which was discontinued in May.", "Aspirin:AS"},
    {"Warfarin, discontinued 2019, metformin 500 mg daily.", "Warfarin:AS|metformin:A"},
    {"Aspirin 81 mg daily (stopped 2019), metformin.", "Aspirin:AS|metformin:A"},
    {"Discontinued medications: aspirin, warfarin.", "aspirin:AS|warfarin:AS"},
    {"Aspirin and warfarin were held.", "Aspirin:AS|warfarin:AS"},
    {"Hold warfarin; continue metformin.", "warfarin:AS|metformin:A"},
    {"No longer taking aspirin.", "aspirin:AS"},
    {"She is off warfarin.", "warfarin:AS"},
    {"Switched from aspirin to warfarin.", "aspirin:AS|warfarin:A"},
    {"History of warfarin use, discontinued.", "warfarin:AS"},
    {"Aspirin was not stopped.", "Aspirin:A"},
    {"Did not stop aspirin.", "aspirin:A"},
    {"He stopped smoking and takes aspirin.", "aspirin:A"},
    {"Fever stopped; takes aspirin.", "Fever:A|aspirin:A"},
    {"Patient is taking aspirin.", "aspirin:A"},
};

/* The finding that covers any of the n bytes at `at`. */
static const struct text_finding *over(const struct text_findings *found, uint32_t at,
                                       uint32_t n)
{
    for (size_t i = 0; i < found->n; i++)
        if (found->at[i].span.start < at + n && at < found->at[i].span.end)
            return &found->at[i];
    return NULL;
}

/* False, and a line on standard error, where one of the note's words is read otherwise. */
static bool check(const struct note *note)
{
    static const char *const when[] = {"", "H", "S"};
    struct text_findings found = text_of(note->text);
    bool right = true;

    for (const char *s = note->said; *s != '\0';) {
        const char *colon = strchr(s, ':'), *bar = strchr(s, '|');
        const size_t n = bar ? (size_t)(bar - colon) - 1 : strlen(colon + 1);
        const struct text_finding *f = NULL;
        char word[64], got[4] = "-";
        const char *at;

        snprintf(word, sizeof(word), "%.*s", (int)(colon - s), s);
        at = strstr(note->text, word);
        assert_non_null(at);
        f = over(&found, (uint32_t)(at - note->text), (uint32_t)strlen(word));
        if (f != NULL)
            snprintf(got, sizeof(got), "%c%s%s", "ANU"[f->assertion], when[f->temporality],
                     f -> experiencer == TEXT_FAMILY ? "F" : "");
        if (strlen(got) != n || strncmp(got, colon + 1, n) != 0) {
            print_error("%s\n   %s is %s, not %.*s\n", note->text, word, got, (int)n,
                        colon + 1);
            right = false;
        }
        s = bar ? bar + 1 : "";
    }
    return right;
}

static void a_denial_reaches_what_it_denies_and_no_more(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(notes); i++)
        wrong += !check(&notes[i]);
    assert_int_equal(wrong, 0);
}

static void a_drug_that_was_stopped_is_said_to_be_stopped(void **state)
{
    const char *note = "阿司匹林已停用，咳嗽。";
    struct text_findings found = text_of(note);
    const struct text_finding *f = text_at(&found, note, "阿司匹林");
    size_t wrong = 0;

    (void)state;
    assert_string_equal(f->why_temporality.id, "zh.stopped.已停用");
    assert_int_equal(f->why_temporality.cue.start, strlen("阿司匹林"));
    assert_int_equal(f->why_temporality.scope.end, strlen("阿司匹林"));
    assert_string_equal(text_temporality_name(f->temporality), "STOPPED");
    for (size_t i = 0; i < WARD_COUNT(stopped); i++)
        wrong += !check(&stopped[i]);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drug_that_was_stopped_is_said_to_be_stopped),
        cmocka_unit_test(a_denial_reaches_what_it_denies_and_no_more),
    };

    return cmocka_run_group_tests(tests, text_fixture_open, text_fixture_close);
}
