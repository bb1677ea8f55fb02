#include "services/dosage/check/allergy_words.h"

#include "common/base/status.h"

#include <string.h>

/* Words of everyday charting, collected for this service; no publication lists these words. A
 * missing word causes a warning that names the word. A drug's name in the list would hide the
 * drug, so the list has no short or ambiguous words. */
static const char *const FILLERS[] = {
    "a",           "about",        "adult",       "adverse",
    "after",       "agent",        "agents",      "ago",
    "all",         "allergic",     "allergies",   "allergy",
    "an",          "anaphylactic", "anaphylaxis", "and",
    "angioedema",  "antibiotic",   "antibiotics", "any",
    "as",          "breath",       "breathing",   "bronchospasm",
    "capsule",     "capsules",     "cause",       "caused",
    "causes",      "causing",      "child",       "childhood",
    "class",       "confirmed",    "date",        "developed",
    "diarrhea",    "diarrhoea",    "difficulty",  "disorder",
    "drug",        "drugs",        "dyspnea",     "dyspnoea",
    "episode",     "eruption",     "experienced", "face",
    "facial",      "family",       "fever",       "finding",
    "following",   "from",         "given",       "group",
    "had",         "has",          "have",        "history",
    "hive",        "hives",        "hx",          "hypersensitivity",
    "in",          "infusion",     "injection",   "intolerance",
    "intolerant",  "itch",         "itching",     "iv",
    "known",       "life",         "lip",         "lips",
    "mcg",         "medication",   "medications", "mg",
    "mild",        "ml",           "moderate",    "nausea",
    "of",          "old",          "on",          "or",
    "oral",        "patient",      "per",         "po",
    "possible",    "previous",     "probable",    "propensity",
    "pruritus",    "pt",           "rash",        "rashes",
    "reaction",    "reactions",    "reported",    "reports",
    "respiratory", "sensitivity",  "serious",     "severe",
    "severity",    "shock",        "shortness",   "since",
    "skin",        "states",       "substance",   "suspected",
    "swelling",    "swollen",      "tablet",      "tablets",
    "the",         "threatening",  "throat",      "to",
    "tongue",      "type",         "unknown",     "urticaria",
    "use",         "using",        "vomiting",    "was",
    "when",        "wheeze",       "wheezing",    "while",
    "with",        "year",         "years",
};

/* Filler words of Chinese text. */
static const char *const HAN_FILLERS[] = {
    "过敏性休克", "过敏性皮疹", "过敏反应", "过敏体质", "过敏史",   "过敏",       "药物性皮炎",
    "药物性皮疹", "药物过敏",   "药物",     "药疹",     "药品",     "类药物",     "类药",
    "类抗生素",   "类",         "抗生素",   "皮试阳性", "皮肤试验", "皮肤瘙痒",   "皮肤",
    "皮试",       "皮疹",       "皮炎",     "阳性",     "荨麻疹",   "风团",       "红斑",
    "红肿",       "瘙痒",       "休克",     "喉头水肿", "喉水肿",   "血管性水肿", "水肿",
    "呼吸困难",   "哮喘",       "喘息",     "胸闷",     "气促",     "心慌",       "头晕",
    "头痛",       "恶心",       "呕吐",     "腹泻",     "发热",     "寒战",       "不良反应",
    "不耐受",     "严重",       "轻度",     "中度",     "重度",     "反应",       "既往",
    "曾经",       "曾因",       "曾有",     "曾对",     "曾",       "病史",       "史",
    "患者",       "家属",       "自述",     "自诉",     "主诉",     "诉",         "提示",
    "考虑",       "可疑",       "怀疑",     "疑似",     "有",       "对",         "及",
    "以及",       "和",         "与",       "或",       "等",       "后",         "时",
    "出现",       "引起",       "导致",     "所致",     "表现为",   "具体不详",   "服用",
    "使用",       "应用",       "注射液",   "注射剂",   "注射用",   "注射",       "静脉滴注",
    "静脉注射",   "静滴",       "静注",     "肌注",     "口服",     "输液",       "输注",
    "用药",       "针剂",       "制剂",     "胶囊",     "片剂",     "幼时",       "儿时",
    "小时候",     "多年前",     "年前",     "去年",     "今年",     "年",         "月",
    "日",         "岁",         "的",       "了",
};

/* Texts that deny all drug allergies, without spaces and punctuation, unordered. */
static const char *const NO_ALLERGY[] = {
    "nkda",
    "nka",
    "nkma",
    "none",
    "noneknown",
    "nil",
    "nilknown",
    "noallergy",
    "noallergies",
    "noknownallergy",
    "noknownallergies",
    "nodrugallergy",
    "nodrugallergies",
    "noknowndrugallergy",
    "noknowndrugallergies",
    "noknownmedicationallergy",
    "noknownmedicationallergies",
    "noknownhistoryofdrugallergy",
    "noknownhistoryofdrugallergysituation",
    "noknownallergysituation",
    "deniesallergies",
    "deniesdrugallergies",
    "deniesallergy",
    "deniesdrugallergy",
    "无",
    "无过敏",
    "无过敏史",
    "无药物过敏",
    "无药物过敏史",
    "无已知过敏",
    "无已知过敏史",
    "无已知药物过敏",
    "无已知药物过敏史",
    "无药物及食物过敏史",
    "无食物及药物过敏史",
    "无药物食物过敏史",
    "无食物药物过敏史",
    "否认过敏",
    "否认过敏史",
    "否认药物过敏",
    "否认药物过敏史",
    "否认药物及食物过敏史",
    "否认食物及药物过敏史",
    "否认药物食物过敏史",
    "否认食物药物过敏史",
    "未发现药物过敏",
    "未发现药物过敏史",
    "未发现过敏史",
};
static const char *const NOTHING[] = {
    "noknownfoodallergy",
    "noknownfoodallergies",
    "nofoodallergy",
    "nofoodallergies",
    "noknownenvironmentalallergy",
    "noknownenvironmentalallergies",
    "无食物过敏",
    "无食物过敏史",
    "否认食物过敏史",
    "否认食物过敏",
};

/* Denials, with '#' for one or several drugs. Only a text that equals a pattern matches, so the
 * text contains nothing else. */
static const char *const DENIALS[] = {
    "no#allergy",
    "no#allergies",
    "noknown#allergy",
    "noallergyto#",
    "noknownallergyto#",
    "nohistoryof#allergy",
    "nohistoryofallergyto#",
    "notallergicto#",
    "denies#allergy",
    "deniesallergyto#",
    "#skintestnegative",
    "negative#skintest",
    "skintestnegativefor#",
    "否认#过敏",
    "否认#过敏史",
    "否认对#过敏",
    "否认#类过敏史",
    "否认#类药物过敏史",
    "无#过敏",
    "无#过敏史",
    "无#类药物过敏史",
    "对#不过敏",
    "#不过敏",
    "#皮试阴性",
    "#皮试结果阴性",
    "#皮试-",
    "#皮肤试验阴性",
    "#过敏试验阴性",
};

static bool among(const char *const *list, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], s) == 0)
            return true;
    return false;
}

static bool is_number(const char *word, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (word[i] < '0' || word[i] > '9')
            return false;
    return n > 0;
}

bool words_is_filler(const char *word, size_t n)
{
    if (is_number(word, n))
        return true;
    for (size_t i = 0; i < WARD_COUNT(FILLERS); i++)
        if (strlen(FILLERS[i]) == n && memcmp(FILLERS[i], word, n) == 0)
            return true;
    return false;
}

size_t words_han_filler(const char *s, size_t n)
{
    size_t best = 0;

    for (size_t i = 0; i < WARD_COUNT(HAN_FILLERS); i++) {
        size_t len = strlen(HAN_FILLERS[i]);

        if (len > best && len <= n && memcmp(HAN_FILLERS[i], s, len) == 0)
            best = len;
    }
    return best;
}

enum words_says words_say(const char *compact)
{
    if (among(NO_ALLERGY, WARD_COUNT(NO_ALLERGY), compact))
        return WORDS_SAY_NO_ALLERGY;
    return among(NOTHING, WARD_COUNT(NOTHING), compact) ? WORDS_SAY_NOTHING
                                                        : WORDS_SAY_SOMETHING;
}

bool words_deny(const char *compact)
{
    return among(DENIALS, WARD_COUNT(DENIALS), compact);
}
