#!/usr/bin/python3
"""text_dictionary - compiles the dictionaries of the text extraction.

    WARD_DATA=... text_dictionary.py services/records/text/data

Reads the lists beside it (text/*.tsv, written for Ward) and public data, of labelled text the
train splits alone, and writes terms_zh.tsv, terms_en.tsv, drugs.tsv and sources.tsv. A term goes in
when it is in one of Ward's own lists, or when the train splits label it as that kind at least as
often as KEEP says; a word of a lexicon that the train splits never show goes in by its form. What
is another thing but holds a term ("infection control") goes in as `none`, so that it is not found; a
`tail` behind a term makes it another thing ("gastric cancer" + "resection"); a `result` is a tail that does not
("syphilis" + "screening negative"). `rest` stands for what else there is of a
list ("恶心、呕吐等不适") and names nothing.
"""
import collections
import csv
import io
import json
import lzma
import os
import re
import sys
import tarfile
import unicodedata
import zipfile

KEEP = float(os.environ.get("KEEP", "0.5"))  # chosen on the dev splits: docs/text.md
CHECKED = "2026-11-21"
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("WARD_DATA", "../shared/data")
SPLIT = "train"

SOURCES = {
    "ward": ("Ward's own lists", "Apache-2.0", "training/text/*.tsv"),
    "chineseblue": ("ChineseBLUE: cMedQANER, cEHRNER and CMDD, train splits", "Apache-2.0",
                    "Zhang et al., Conceptualized Representation Learning for Chinese Biomedical Text Mining, "
                    "2020; CMDD: Lin et al., EMNLP 2019; github.com/alibaba-research/ChineseBLUE @ 52eefc9"),
    "icd10zh": ("Chinese ICD-10 categories", "MIT", "github.com/chaseliu/ICD-10-CN @ a12ed01"),
    "icd10cm": ("ICD-10-CM 2022", "public domain (CMS); the list CC BY 4.0",
                "github.com/vcastro/icd10us @ 646fbf6"),
    "thuocl": ("THUOCL, medical", "MIT",
               "Han et al., THUOCL: Tsinghua Open Chinese Lexicon, 2016; github.com/thunlp/THUOCL @ a30ce79"),
    "drugsatfda": ("Drugs@FDA, 2019-07", "public domain (FDA)", "github.com/FDA/openfda @ 2c15220"),
}


def fold(s):
    """As services/records/text/doc.c folds, as far as these lists need it."""
    s = unicodedata.normalize("NFKC", s).lower()
    s = re.sub(r"[\u2010-\u2015\u2212]", "-", s).replace("\u2019", "'")
    return re.sub(r"\s+", " ", s).strip()


# ---- labelled text ----
KINDS = {"disease": "disease", "symptom": "symptom", "drug": "drug", "疾病和诊断": "disease", "症状": "symptom",
         "药物": "drug"}


def bio(path):
    """(text, [(start, end, label)]) of each block."""
    chars, labels = [], []
    for line in io.open(path, encoding="utf8").read().split("\n") + [""]:
        if line == "":
            if chars:
                yield "".join(chars), spans(labels)
            chars, labels = [], []
            continue
        c, label = line.rsplit(" ", 1) if " " in line else (" ", line)
        chars.append(fold_char(c))
        labels.append(label)


def fold_char(c):
    c = fold(c) if c.strip() else " "
    return c if len(c) == 1 else c[:1] or " "


def spans(labels):
    out, i = [], 0
    while i < len(labels):
        j = i + 1
        if labels[i].startswith("B_"):
            while j < len(labels) and labels[j] == "I_" + labels[i][2:]:
                j += 1
            out.append((i, j, labels[i][2:]))
        i = j
    return out


def cmdd():
    with tarfile.open(f"{DATA}/text_zh_chineseblue/CMDD.tar.xz") as tar:
        for m in tar:
            if m.isfile() and f"/{SPLIT}/" in m.name and m.name.endswith(".json"):
                for turn in json.load(tar.extractfile(m))["dialogue-content"]:
                    yield turn


# ---- candidates ----
# What may be a term: not what the labels took with it (a list, a mark for a lost character).
WORD = re.compile(r"[^ ,。、;:?!\"'“”叒*]{2,16}|[痛疼痒咳癌痔]")


# What some labels took with them and is said of a finding, not a part of its name.
SAID_OF_IT = re.compile(r"^(不除外|不能除外|不排除|不能排除|未除外|未见|否认|疑似|考虑)")


class Terms:
    def __init__(self):
        self.row = {}  # term -> [kind, name, system, code, source]

    def add(self, term, kind, source, name="", system="", code=""):
        term = fold(term)
        if 0 < len(term) <= 40 and "\t" not in term and term not in self.row:
            self.row[term] = [kind, name, system, code, source]


def own_list(name):
    for line in io.open(f"{HERE}/text/{name}", encoding="utf8"):
        if not line.startswith("#"):
            yield line.rstrip("\n").split("\t")


def icd_zh():
    path = f"{DATA}/codes_icd10/zh/disease.csv"
    return {r["code"]: r["disease"] for r in csv.DictReader(io.open(path, encoding="utf8"), delimiter="\t")}


VAGUE_ZH = re.compile(r"其他|其它|未特指|不可归类|以外|所致|特指|某些|伴有|不伴|和|、|或|的|有关|情况|操作|检查|接触|史$|使用|引起")


def icd_names(codes):
    for code, name in codes.items():
        if code[0] in "VWXYZ":
            continue
        for part in re.split(r"[\[\]()（）]", name.split(",")[0].split("，")[0]):
            if 2 <= len(part) <= 12 and not VAGUE_ZH.search(part):
                yield code, part


# What a word of the lexicon is, by its last characters.
FORMS = [
    (re.compile(r"..(综合征|综合症|癌|瘤|炎|肿瘤|中毒|骨折|梗死|梗塞|硬化|结石|息肉|囊肿|溃疡|脓肿|血栓|疝|疹|癣|疣|贫血|败血症|肝病|肾病|心脏病|精神病|性病|肺病|胃病|畸形|狭窄|脱位|栓塞|白血病|高血压|糖尿病|麻痹|肥大|"
                r"萎缩|增生|积液|水痘|结核|过敏|血症|尿症|缺乏症|紫癜|痴呆|瘫痪)$"), "disease"),
    (re.compile(r"..(片|胶囊|颗粒|注射液|口服液|丸|糖浆|软膏|滴眼液|滴丸|冲剂|霉素|西林|沙星|洛尔|地平|他汀|普利|沙坦|拉唑|替丁|唑仑|单抗|替尼|韦|胰岛素)$"), "drug"),
    (re.compile(r".(痛|疼痛|瘙痒|出血|麻木|水肿|浮肿|晕厥|呕吐|腹泻|咳嗽|气喘|抽搐|痉挛|耳鸣|失眠|头晕|眩晕|无力|乏力|便秘|咯血|鼻塞|发热|发绀)$"), "symptom"),
]
NOT_A_TERM = re.compile(r"^(抗|防|治|预防|治疗|消炎|止痛|镇痛|无痛|止)|(学|科|药|术|剂)$")


def lexicon():
    for line in io.open(f"{DATA}/text_zh_lexicon/THUOCL_medical.txt", encoding="utf8"):
        word = line.split("\t")[0].strip()
        for form, kind in FORMS:
            if form.search(word) and not NOT_A_TERM.search(word):
                yield word, kind
                break


def chinese(codes):
    own, t = Terms(), Terms()
    same = {fold(n): name for name, names in own_list("synonyms_zh.tsv") for n in names.split("|")}
    settled = set()
    for kind, code, names in own_list("terms_zh.tsv"):
        if kind.endswith("!"):
            kind = kind[:-1]
            settled.update(fold(n) for n in names.split("|"))
        if kind in ("none", "tail", "rest", "result"):
            for n in names.split("|"):
                own.add(n, kind, "ward")
            continue
        if code not in codes:
            raise SystemExit(f"terms_zh.tsv: no category {code}")
        for n in names.split("|"):
            own.add(n, kind, "ward", same.get(fold(n), ""), "icd10", code)
    for inn, names in own_list("drugs_zh.tsv"):
        for n in names.split("|"):
            own.add(n, "drug", "ward", inn)
    labelled, texts = collections.defaultdict(collections.Counter), []
    for d in ("cMedQANER", "cEHRNER"):
        for text, entities in bio(f"{DATA}/text_zh_chineseblue/{d}/{SPLIT}.txt"):
            texts.append((text, entities))
            for i, j, label in entities:
                labelled[text[i:j].strip(" ,。、;")][KINDS.get(label, "none")] += 1
    for term, row in own.row.items():
        # Ward's list says what a word means; where the labels call it another kind, they may.
        kinds = labelled.get(term)
        if row[0] in KINDS and term not in settled and kinds and kinds.most_common(1)[0][0] not in (row[0], "none"):
            row = [kinds.most_common(1)[0][0], *row[1:]]
        t.row[term] = row
    for term, kinds in sorted(labelled.items()):
        kind = kinds.most_common(1)[0][0]
        if kind != "none" and WORD.fullmatch(term) and not SAID_OF_IT.match(term):
            t.add(term, kind, "chineseblue", same.get(term, ""))
    spoken = collections.Counter()
    for turn in cmdd():
        names = iter(turn["normalized"])
        for m in re.finditer("BI*", turn["label"]):
            word, name = turn["sentence"][m.start():m.end()], next(names, "")
            known = t.row.get(fold(name))
            # Not "does not cough": what negates is no part of a term.
            if WORD.fullmatch(word) and len(word) <= 8 and known and known[0] == "symptom" and word[0] not in "不没无未":
                spoken[fold(word), known[1] or fold(name), known[2], known[3]] += 1
    for (word, *meaning), n in sorted(spoken.items(), key=lambda s: (-s[1], s[0])):
        if n > 1:
            t.add(word, "symptom", "chineseblue", *meaning)
    for code, name in icd_names(codes):
        t.add(name, "symptom" if code[0] == "R" else "disease", "icd10zh", "", "icd10", code)
    for word, kind in lexicon():
        t.add(word, kind, "thuocl")
    drop_weak(t, own, texts)
    for term, kinds in sorted(labelled.items()):
        inner = term not in t.row and 2 <= len(term) <= 20 and kinds.most_common(1)[0][0] == "none"
        if inner and any(term[i:j] in t.row for i in range(len(term)) for j in range(i + 1, len(term) + 1)):
            t.add(term, "none", "chineseblue")
    by_side(t)
    return t


def longest(row, text, top):
    """As services/records/text/dict.c finds them, tails left out."""
    i = 0
    while i < len(text):
        for n in range(min(top, len(text) - i), 0, -1):
            if row.get(text[i:i + n], ["tail"])[0] not in ("tail", "result"):
                yield i, i + n
                i += n
                break
        else:
            i += 1


def drop_weak(t, own, texts):
    """Takes out what, found in the train splits, is too seldom labelled so."""
    for _ in range(3):  # a term that goes uncovers shorter ones
        right, seen = collections.Counter(), collections.Counter()
        top = max(map(len, t.row))
        for text, entities in texts:
            marked = {(i, j): KINDS.get(label, "none") for i, j, label in entities}
            for i, j in longest(t.row, text, top):
                seen[text[i:j]] += 1
                right[text[i:j]] += marked.get((i, j)) == t.row[text[i:j]][0]
        weak = [w for w in t.row if t.row[w][0] in KINDS and seen[w] >= 2 and right[w] < KEEP * seen[w]]
        # Ward's own stay, single characters apart: the labels leave out much that a clinician
        # wants (cEHRNER labels no fever and no cough), and a figure is not what they are for.
        weak = [w for w in weak if w not in own.row or len(w) < 2]
        for w in weak:
            del t.row[w]


SIDE = re.compile(r"^(左侧|右侧|双侧|两侧|左|右|双|两|轻度|中度|重度|轻|重|晚期|早期|反复|严重|多发性?)")


def by_side(t):
    """A term with a side or a degree before it has the code of the term without."""
    for term, row in t.row.items():
        bare = t.row.get(SIDE.sub("", term))
        if row[3] == "" and row[0] in KINDS and bare is not None and bare[0] == row[0] and bare[3]:
            row[1:4] = [bare[1] or SIDE.sub("", term), *bare[2:4]]


# ---- English ----
def icd_cm():
    text = lzma.open(f"{DATA}/codes_icd10/icd10cm_2022_all.tsv.xz", "rt").read()
    return {a: c for a, _, c in (line.split("\t") for line in text.splitlines())}


VAGUE_EN = re.compile(r"\b(other|unspecified|without|with|due|elsewhere|not|specified|status|type|site|and|or|in|of unspecified|"
                      r"encounter|classified|by|from|for|following|as|finding|findings|personal|multiple sites|side|trimester)\b")


def dotted(code):
    return code if len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def english(codes, common):
    t = Terms()
    for kind, code, names in own_list("terms_en.tsv"):
        if code != "-" and code.replace(".", "") not in codes:
            raise SystemExit(f"terms_en.tsv: no code {code}")
        names = names.split("|")
        for n in names:
            t.add(n, kind, "ward", *((names[0], "icd10cm", code) if code != "-" else (names[0] if kind == "drug" else "",)))
    for code, name in sorted(codes.items(), key=lambda c: (len(c[0]), c[0])):
        if code[0] in "STVWXYZ":
            continue
        term = re.sub(r"\s*\([^)]*\)|\s*\[[^]]*\]|, unspecified$|^unspecified ", "", fold(name)).strip()
        words = term.split(" ")
        if not re.fullmatch(r"[a-z][a-z' -]+", term) or len(words) > 4 or VAGUE_EN.search(term) or len(term) < 4:
            continue
        if len(words) == 1 and common[term] > 0:
            continue
        t.add(term, "symptom" if code[0] == "R" else "disease", "icd10cm", "", "icd10cm", dotted(code))
    return t


SALTS = re.compile(r" (hydrochloride|sodium|potassium|calcium|maleate|tartrate|succinate|sulfate|phosphate|acetate|besylate|mesylate|"
                   r"fumarate|citrate|bromide|hydrobromide|nitrate|dihydrate|monohydrate|disodium|magnesium|medoxomil|bitartrate|"
                   r"propionate|dipropionate|valerate|furoate|gluconate|lactate|tosylate|pamoate|hemihydrate|anhydrous|hyclate|"
                   r"chloride|bisulfate|trihydrate|hcl|human|recombinant|alfa|kit)\b")
NO_DRUG = set("""water oxygen alcohol dextrose glucose air nitrogen iron zinc calcium urea helium glycine glycerin sodium potassium
 magnesium phosphate sulfur iodine copper carbon serine cysteine tyrosine selenium silver gold collagen pain cold relief balance
 today vital complete natural energy sterile nitrous""".split())


def base_of(ingredient):
    """Without its salt; a metal or an ion is no drug without its salt."""
    base = ingredient
    while SALTS.search(base):
        base = SALTS.sub("", base).strip()
    return ingredient if re.fullmatch(r"[a-z]*(ium|ous|ic|inum|num|er|ine oil)|iron|zinc|gold|", base) else base


def drugs(common):
    t = Terms()
    names = []
    with zipfile.ZipFile(f"{DATA}/drug_fda/drugsatfda.zip") as z:
        for line in z.read("Products.txt").decode("latin1").splitlines()[1:]:
            c = line.split("\t")
            if len(c) > 6:
                names.append((fold(c[5]), fold(c[6])))
    for pair in sorted(set(names)):
        ingredient = pair[1]
        base = base_of(ingredient)
        if ";" in ingredient or not re.fullmatch(r"[a-z][a-z0-9' -]{3,38}", base) or base in NO_DRUG:
            continue
        for n in (ingredient, base):
            if re.fullmatch(r"[a-z][a-z0-9' -]{3,38}", n) and n not in NO_DRUG and (n == base or " " in n):
                t.add(n, "drug", "drugsatfda", base)
    for brand, ingredient in sorted(set(names)):
        name = "/".join(base_of(i.strip()) for i in ingredient.split(";"))
        plain = re.fullmatch(r"[a-z][a-z'-]{4,24}", brand) and common[brand] == 0 and brand not in NO_DRUG
        if plain and len(name) < 60:
            t.add(brand, "drug", "drugsatfda", name)
    return t


def common_words():
    """Words of ordinary talk: what patients and doctors say in lower case in the train split, the
    names that the notes' medication sections have left out, and words of the codes' descriptions."""
    count = collections.Counter()
    path = f"{DATA}/text_mtsdialog/MTS-Dialog-TrainingSet.csv"
    rows = list(csv.DictReader(io.open(path, encoding="utf8")))
    talk = collections.Counter(w for r in rows for w in re.findall(r"\b[a-z'-]+\b", r["dialogue"]))
    medication = set(w for r in rows if r["section_header"] in ("MEDICATIONS", "ALLERGY")
                     for w in fold(r["section_text"]).replace(".", " ").replace(",", " ").split())
    for w, n in talk.items():
        if w not in medication:
            count[w] += n
    return count


# ---- out ----
def write(path, title, rows, sources, language):
    used = sorted({r[4] for r in rows.values()})
    with io.open(path, "w", encoding="utf8") as f:
        f.write(f"# {title}\n# source: {', '.join(used)} (sources.tsv); compiled by training/text_dictionary.py\n"
                f"# licence: {'; '.join(f'{u}: {sources[u][1]}' for u in used)}\n# checked: {CHECKED}\n"
                "# columns: term, kind, canonical name (- for the term), code system, code, language, source\n")
        for term in sorted(rows):
            kind, name, system, code, source = rows[term]
            f.write("\t".join([term, kind, "-" if name in ("", term) else name, system or "-", code or "-",
                               language, source]) + "\n")
    return len(rows)


def main():
    out = sys.argv[1]
    zh, common = chinese(icd_zh()), common_words()
    en = english(icd_cm(), common)
    fda = drugs(common)
    for term in list(en.row):
        zh.row.pop(term, None)
    for term in list(fda.row):
        zh.row.pop(term, None)
        if term in en.row:
            fda.row.pop(term)
    print(write(f"{out}/terms_zh.tsv", "Chinese symptoms, diseases and drugs.", zh.row, SOURCES, "zh"), "Chinese terms")
    print(write(f"{out}/terms_en.tsv", "English symptoms and diseases.", en.row, SOURCES, "en"), "English terms")
    print(write(f"{out}/drugs.tsv", "Drug names of the United States.", fda.row, SOURCES, "en"), "drug names")
    with io.open(f"{out}/sources.tsv", "w", encoding="utf8") as f:
        f.write("# Where the dictionaries' terms come from.\n# source: the data sets themselves\n"
                f"# licence: Apache-2.0 (Ward)\n# checked: {CHECKED}\n# columns: id, title, licence, citation, checked\n")
        for k in sorted(SOURCES):
            f.write("\t".join([k, *SOURCES[k], CHECKED]) + "\n")


if __name__ == "__main__":
    main()
