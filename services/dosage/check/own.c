#include "services/dosage/check/own.h"

#define INFO WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO
#define WARN WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN
#define HARD WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD

#define HERE "docs/dosage.md"
/* Sources of the formulas for kidney function and body surface. */
#define COCKCROFT_GAULT "Cockcroft and Gault, Nephron 1976;16:31-41, doi 10.1159/000180580"
#define EGFR                                                                                   \
    "Inker et al., N Engl J Med 2021;385:1737-1749, doi 10.1056/NEJMoa2102953; Schwartz et "   \
    "al., J Am Soc Nephrol 2009;20:629-637, doi 10.1681/ASN.2008030287"
#define MOSTELLER "Mosteller, N Engl J Med 1987;317:1098, doi 10.1056/NEJM198710223171717"

const struct own_finding own_findings[OWNS] = {
    [OWN_NOT_IN_FORMULARY] = {"ward.not-in-formulary", HARD, true, HERE,
                              "The formulary has no drug {0}: nothing about it can be checked.",
                              "药品目录中没有 {0}，无法进行任何审核。"},
    [OWN_PRODUCT] = {"ward.product", HARD, true, HERE, "{0} has no product {1}.",
                     "{0} 没有规格 {1}。"},
    [OWN_ROUTE] = {"ward.route", HARD, false, HERE, "{0} is not given by this route ({1}).",
                   "{0} 不能经此途径给药（{1}）。"},
    [OWN_UNIT] = {"ward.unit", HARD, false, HERE,
                  "{0}: an amount cannot be converted exactly, so a limit cannot be checked.",
                  "{0}：有剂量无法精确换算，相应限量无法核对。"},
    [OWN_NO_RULE] = {"ward.no-rule", WARN, false, HERE,
                     "{0}: no dose rule covers this patient, route and order. The dose was not "
                     "checked.",
                     "{0}：没有适用于该患者、途径和医嘱的剂量规则，剂量未经审核。"},
    [OWN_NO_AGE] = {"ward.no-age", HARD, false, HERE,
                    "{0}: the birth date is not known well enough to tell which dose rules "
                    "hold.",
                    "{0}：出生日期不够明确，无法确定适用哪些剂量规则。"},
    [OWN_NO_WEIGHT] = {"ward.no-weight", HARD, false, HERE,
                       "{0}: the chart has no usable weight, and the dose depends on it. Weigh "
                       "the patient.",
                       "{0}：病历中没有可用的体重，而剂量取决于体重。请称量患者体重。"},
    [OWN_NO_HEIGHT] = {"ward.no-height", HARD, false, MOSTELLER,
                       "{0}: the chart has no usable height, and the dose depends on body "
                       "surface. Measure the patient.",
                       "{0}：病历中没有可用的身高，而剂量取决于体表面积。请测量患者身高。"},
    [OWN_NO_RENAL] = {"ward.no-renal", WARN, false, COCKCROFT_GAULT,
                      "{0}: kidney function is not known (creatinine with weight, age and sex, "
                      "or eGFR), and the dose depends on it.",
                      "{0}：肾功能未知（需肌酐及体重、年龄、性别，或 "
                      "eGFR），而剂量取决于肾功能。"},
    [OWN_RENAL_ESTIMATED] = {"ward.renal-estimated", WARN, false, EGFR,
                             "{0}: no creatinine clearance can be calculated, so the eGFR was "
                             "used in its place. It is an estimate: check the dose for these "
                             "kidneys.",
                             "{0}：无法计算肌酐清除率，已用 eGFR 代替。该值仅为估算，"
                             "请核对肾功能剂量。"},
    [OWN_NO_INFUSION] = {"ward.no-infusion", WARN, false, HERE,
                         "{0}: the order does not say {1}, so a limit for the infusion was not "
                         "checked.",
                         "{0}：医嘱未注明{1}，输注限制未经审核。"},
    [OWN_ALLERGY] = {"ward.allergy", HARD, false, HERE,
                     "The patient has a recorded allergy to {0}, and this order contains it.",
                     "患者有 {0} 过敏记录，而本医嘱含有该成分。"},
    [OWN_ALLERGY_UNKNOWN] = {"ward.allergy-unknown", WARN, false, HERE,
                             "Nothing is recorded about allergies, not even that there are "
                             "none. Ask the patient.",
                             "没有任何过敏记录，也未注明“无已知过敏”。请询问患者。"},
    [OWN_ALLERGY_TEXT] = {"ward.allergy-text", WARN, false, HERE,
                          "{0} recorded allergies were not understood and not checked. Read "
                          "them in the chart.",
                          "有 {0} 条过敏记录未能识别，未经核对。请查阅病历。"},
    [OWN_ALLERGY_DENIED] = {"ward.allergy-denied", INFO, false, HERE,
                            "The chart says that the patient has no such allergy: {0}",
                            "病历记载患者对此药不过敏：{0}"},
    [OWN_SAME_INGREDIENT] = {"ward.same-ingredient", WARN, false, HERE,
                             "{0} is already in another running order.",
                             "另一条执行中的医嘱已含有 {0}。"},
    [OWN_TOO_SOON] = {"ward.too-soon", WARN, false, HERE,
                      "{0} was given {1} {2}. Two doses should be at least {3} apart.",
                      "{2}{1}已给过 {0}，两次给药至少应间隔{3}。"},
    [OWN_OTHER_UNKNOWN] = {"ward.other-unknown", WARN, false, HERE,
                           "{0} other orders or recent doses are of drugs that the formulary "
                           "does not have: they were not checked against this one.",
                           "另有 {0} 条医嘱或近期给药的药品不在目录中，未与本医嘱核对。"},
    [OWN_HOME_TEXT] = {"ward.home-medicine-text", INFO, false, HERE,
                       "{0} home medicines were not understood and not checked. Read them in "
                       "the chart.",
                       "有 {0} 种院外用药未能识别，未经核对。请查阅病历。"},
    [OWN_HOME_UNDECIDED] =
        {"ward.home-undecided", INFO, false, HERE,
         "Home medicines that wait for a decision (continue, change, stop or "
         "hold): {0}.",
         "有 {0} 种院外用药尚未决定：继续、更改、停用或暂停。"},
    [OWN_CHART_STALE] = {"ward.chart-stale", WARN, false, HERE,
                         "The chart cannot be read now: this is as it was {0} minutes ago.",
                         "目前无法读取病历，所用为 {0} 分钟前的内容。"},
    [OWN_CHART_UNAVAILABLE] = {"ward.chart-unavailable", HARD, false, HERE,
                               "The chart cannot be read: weight, kidneys and allergies are "
                               "not known.",
                               "无法读取病历：体重、肾功能和过敏史均未知。"},
    [OWN_CUT] = {"ward.cut", WARN, false, HERE,
                 "The patient has more orders, doses or allergies than a check looks at: not "
                 "all of them were.",
                 "患者的医嘱、给药或过敏记录超过一次审核的上限，未能全部核对。"},
};
