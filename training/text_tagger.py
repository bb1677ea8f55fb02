#!/usr/bin/python3
"""text_tagger - trains models/text_zh: labels Chinese text with symptoms, diseases and drugs.

    WARD_DATA=... text_tagger.py OUT_DIR [EPOCHS]

A linear model over hashed character n-grams, trained as an averaged structured perceptron on the
train splits of cMedQANER and cEHRNER (ChineseBLUE, Apache-2.0), and written as an ONNX graph of
integer arithmetic and one table of int16 weights. Beside the code points it is told what the
dictionary finds (terms_zh.tsv), which it learns to trust as far as the labels bear out. The best sequence of labels is found by whoever
runs it (services/records/text/model.c), with the rule used here: an I_ follows its own B_ or I_.
Prints F1 on the dev splits after each epoch. Needs numpy and onnx; takes minutes; no random number
but one with a seed.

Source: Collins M, Discriminative training methods for hidden Markov models, EMNLP 2002.
"""
import hashlib
import io
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DATA = os.environ.get("WARD_DATA", "../shared/data")
ROWS = int(os.environ.get("ROWS", 1 << 17))
KINDS = ["symptom", "disease", "drug"]
LABELS = ["O"] + [f"{p}_{k}" for k in KINDS for p in "BI"]
THEIRS = {"symptom": "symptom", "disease": "disease", "drug": "drug", "症状": "symptom", "疾病和诊断": "disease",
          "药物": "drug"}
# Places of a code point's neighbours that are looked at together.
GRAMS = [(-3,), (-2,), (-1,), (0,), (1,), (2,), (3,),
         (-2, -1), (-1, 0), (0, 1), (1, 2), (-1, 1), (2, 3), (-3, -2),
         (-2, -1, 0), (-1, 0, 1), (0, 1, 2), (1, 2, 3), (-3, -2, -1),
         (-3, -2, -1, 0), (-2, -1, 0, 1), (-1, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 4), (-4, -3, -2, -1),
         (-4, -3, -2, -1, 0), (0, 1, 2, 3, 4), (-2, -1, 0, 1, 2)]
# The same of what the dictionary says: (places of labels, places of code points).
TAGS = [((0,), ()), ((-1, 0), ()), ((0, 1), ()), ((-1, 0, 1), ()), ((-2, -1, 0, 1, 2), ()), ((0,), (0,)), ((0,), (-1,)), ((0,), (1,)),
        ((0, 1), (1,)), ((-1, 0), (-1,)), ((0,), (0, 1)), ((0,), (-1, 0)), ((1,), (0, 1)), ((-1,), (-1, 0))]
REACH = 4
PRIME, STEP = (1 << 31) - 1, 1000003


def fold(c):
    """One character as services/records/text/doc.c folds it; "" for one that is left out."""
    o = ord(c)
    if (o < 0x20 and c not in "\t\n\r") or o == 0x7F or 0x300 <= o <= 0x36F or 0x200B <= o <= 0x200F or o == 0xFEFF:
        return ""
    if c in " \t\r\u00a0\u3000" or 0x2000 <= o <= 0x200A:
        return " "
    if 0xFF01 <= o <= 0xFF5E:
        o -= 0xFEE0
    if 0x41 <= o <= 0x5A or 0x391 <= o <= 0x3A9:
        o += 32
    return {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2212: "-", 0x2014: "-", 0xB5: "\u03bc"}.get(o, chr(o))


def read(path):
    """(code points, labels) of each text."""
    out, cps, labels = [], [], []
    for line in io.open(path, encoding="utf8").read().split("\n") + [""]:
        if line == "":
            if cps:
                out.append((np.array(cps, np.int64), np.array(labels)))
            cps, labels = [], []
            continue
        at = line.rfind(" ")
        c = fold((line[:at] or " ")[0]) if at >= 0 else " "
        if c == "" or (c == " " and cps and cps[-1] == 32):
            continue
        label = line[at + 1:]
        kind = THEIRS.get(label[2:])
        cps.append(ord(c))
        labels.append(LABELS.index(f"{label[0]}_{kind}") if kind else 0)
    return out


def features(cps, tags):
    """[n, len(GRAMS) + len(TAGS)] rows of the table."""
    x = np.where((cps > 47) & (cps < 58), 48, cps)  # a digit is a digit
    padded = np.concatenate([np.zeros(REACH, np.int64), x, np.zeros(REACH, np.int64)])
    n, out = len(cps), []
    for g, places in enumerate(GRAMS):
        h = np.full(n, g + 1, np.int64)
        for p in places:
            h = (h * STEP + padded[REACH + p:REACH + p + n]) % PRIME
        out.append(h % ROWS)
    padded_tags = np.concatenate([np.zeros(REACH, np.int64), tags + 1, np.zeros(REACH, np.int64)])
    for g, (ps, cs) in enumerate(TAGS):
        h = np.full(n, len(GRAMS) + g + 1, np.int64)
        for p in ps:
            h = (h * STEP + padded_tags[REACH + p:REACH + p + n]) % PRIME
        for p in cs:
            h = (h * STEP + padded[REACH + p:REACH + p + n]) % PRIME
        out.append(h % ROWS)
    return np.stack(out, 1)


FOLLOWS = np.array([[b == 0 or LABELS[b][0] == "B" or (a != 0 and LABELS[a][2:] == LABELS[b][2:]) for b in range(len(LABELS))]
                    for a in range(len(LABELS))])
PENALTY = np.where(FOLLOWS, 0.0, -np.inf)
FIRST = np.array([0.0 if label[0] != "I" else -np.inf for label in LABELS])


def best_way(score):
    n = len(score)
    back = np.zeros((n, len(LABELS)), np.int64)
    total = FIRST + score[0]
    for i in range(1, n):
        step = total[:, None] + PENALTY
        back[i] = step.argmax(0)
        total = step.max(0) + score[i]
    way = np.zeros(n, np.int64)
    way[-1] = total.argmax()
    for i in range(n - 1, 0, -1):
        way[i - 1] = back[i, way[i]]
    return way


def entities(way):
    out, i = set(), 0
    while i < len(way):
        j = i + 1
        if way[i] != 0:
            while j < len(way) and way[j] != 0 and LABELS[way[j]] == "I" + LABELS[way[i]][1:]:
                j += 1
            out.add((i, j, LABELS[way[i]][2:]))
        i = j
    return out


# ---- what the dictionary says, as a second input ----

def dictionary(path):
    """folded term -> label's kind, of terms_zh.tsv; none and tails as services/records/text/dict.c has them."""
    out = {}
    for line in io.open(path, encoding="utf8"):
        c = line.rstrip("\n").split("\t")
        if line[0] != "#":
            out[c[0]] = c[1]
    return out


def terms(cps, words, left_out=()):
    """For each code point the label that the dictionary's leftmost longest terms give it."""
    text, out, i = "".join(map(chr, cps)), np.zeros(len(cps), np.int64), 0
    while i < len(text):
        for n in range(min(TOP, len(text) - i), 0, -1):
            kind = words.get(text[i:i + n])
            if kind not in (None, "tail") and text[i:i + n] not in left_out and edges(text, i, i + n):
                break
        else:
            i += 1
            continue
        end = i + n
        for t in range(min(TOP, len(text) - end), 0, -1):
            if words.get(text[end:end + t]) == "tail":
                kind, end = "none", end + t
                break
        if kind in KINDS:
            out[i] = LABELS.index(f"B_{kind}")
            out[i + 1:end] = LABELS.index(f"I_{kind}")
        i = end
    return out


def edges(text, i, j):
    word = lambda c: c.isascii() and c.isalnum()
    return not (i > 0 and word(text[i]) and word(text[i - 1])) and not (j < len(text) and word(text[j - 1]) and word(text[j]))


TOP, FOLDS = 40, 10
TERMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../services/records/text/data/terms_zh.tsv")
SOURCE = {line.split("\t")[0]: line.rstrip("\n").split("\t")[-1] for line in io.open(TERMS, encoding="utf8") if line[0] != "#"}


def pieces(texts, most=200):
    """Long notes in pieces at commas and full stops, so that an update follows soon on its cause."""
    for cps, labels in texts:
        start = 0
        for i in range(len(cps)):
            cut = i + 1 == len(cps) or (i - start >= most and chr(cps[i]) in "。,;\n" and labels[i + 1] == 0)
            if cut:
                yield cps[start:i + 1], labels[start:i + 1]
                start = i + 1


def evaluate(table, texts, rows):
    right = said = gold = 0
    for (_, labels), f in zip(texts, rows):
        found, want = entities(best_way(table[f].sum(1))), entities(labels)
        right, said, gold = right + len(found & want), said + len(found), gold + len(want)
    return 200.0 * right / max(1, said + gold)


def folded_features(texts, words):
    """The dictionary holds what these very texts label. So that the weights do not trust it more
    than new text will bear out, a term that only one fold of them labels is left out there."""
    where = {}
    for k, (cps, labels) in enumerate(texts):
        for i, j, _ in entities(labels):
            where.setdefault("".join(map(chr, cps[i:j])), set()).add(k % FOLDS)
    only = [{w for w, folds in where.items() if folds == {f} and SOURCE.get(w) == "chineseblue"} for f in range(FOLDS)]
    return [features(c, terms(c, words, only[k % FOLDS])) for k, (c, _) in enumerate(texts)]


def train(epochs):
    path = f"{DATA}/text_zh_chineseblue"
    sets = {d: read(f"{path}/{d}/dev.txt") for d in ("cMedQANER", "cEHRNER")}
    words = dictionary(TERMS)
    dev = {d: (t, [features(c, terms(c, words)) for c, _ in t]) for d, t in sets.items()}
    texts = [p for d in ("cMedQANER", "cEHRNER") for p in pieces(read(f"{path}/{d}/train.txt"))]
    rows = folded_features(texts, words)
    table = np.zeros((ROWS, len(LABELS)), np.float64)
    late = np.zeros_like(table)  # what averaging takes off again
    rng, clock, best = np.random.default_rng(1), 1, (0, None)
    for epoch in range(epochs):
        for k in rng.permutation(len(texts)):
            f, want = rows[k], texts[k][1]
            way = best_way(table[f].sum(1))
            for i in np.nonzero(way != want)[0]:
                np.add.at(table, (f[i], want[i]), 1.0)
                np.add.at(table, (f[i], way[i]), -1.0)
                np.add.at(late, (f[i], want[i]), float(clock))
                np.add.at(late, (f[i], way[i]), -float(clock))
            clock += 1
        average = table - late / clock
        f1 = {d: evaluate(average, *dev[d]) for d in dev}
        print(f"epoch {epoch + 1}: dev F1", {d: round(v, 2) for d, v in f1.items()}, flush=True)
        if sum(f1.values()) > best[0]:
            best = (sum(f1.values()), average.copy())
    small = quantised(best[1])
    print("int16: dev F1", {d: round(evaluate(small.astype(np.float64), *dev[d]), 2) for d in dev})
    return small


def quantised(table):
    """int16; one scale for all, which the best sequence does not depend on."""
    return np.rint(table * (32767 / np.abs(table).max())).astype(np.int16)


def graph(table):
    nodes, init = [], []

    def const(name, value):
        init.append(numpy_helper.from_array(value, name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    node("Cast", ["code_points"], "cp", to=TensorProto.INT64)
    above = node("Greater", ["cp", const("c47", np.array(47, np.int64))], "above")
    below = node("Less", ["cp", const("c58", np.array(58, np.int64))], "below")
    digit = node("And", [above, below], "digit")
    plain = node("Where", [digit, const("c48", np.array(48, np.int64)), "cp"], "plain")
    node("Cast", ["terms"], "tag", to=TensorProto.INT64)
    tag = node("Add", ["tag", const("one", np.array(1, np.int64))], "tag1")
    edge = const("edge", np.zeros((1, REACH), np.int64))
    node("Concat", [edge, plain, edge], "padded", axis=1)
    node("Concat", [edge, tag, edge], "padded_tags", axis=1)
    const("axis1", np.array([1], np.int64))
    const("step", np.array(STEP, np.int64))
    const("prime", np.array(PRIME, np.int64))
    const("rows", np.array(ROWS, np.int64))
    const("table", table)
    for p in range(-REACH, REACH + 1):
        end = p - REACH if p < REACH else np.iinfo(np.int64).max
        node("Slice", ["padded", const(f"from{p}", np.array([REACH + p], np.int64)),
                       const(f"to{p}", np.array([end], np.int64)), "axis1"], f"at{p}")
        node("Slice", ["padded_tags", f"from{p}", f"to{p}", "axis1"], f"tag_at{p}")
    total = None
    every = [[f"at{p}" for p in places] for places in GRAMS]
    every += [[f"tag_at{p}" for p in ps] + [f"at{p}" for p in cs] for ps, cs in TAGS]
    for g, places in enumerate(every):
        h = const(f"salt{g}", np.array(g + 1, np.int64))
        for i, place in enumerate(places):
            h = node("Mul", [h, "step"], f"m{g}_{i}")
            h = node("Add", [h, place], f"a{g}_{i}")
            h = node("Mod", [h, "prime"], f"h{g}_{i}")
        h = node("Mod", [h, "rows"], f"r{g}")
        w = node("Gather", ["table", h], f"w{g}", axis=0)
        w = node("Cast", [w], f"f{g}", to=TensorProto.FLOAT)
        total = w if total is None else node("Add", [total, w], "labels" if g == len(every) - 1 else f"s{g}")
    g = helper.make_graph(nodes, "text_zh", [helper.make_tensor_value_info(i, TensorProto.INT32, [1, "n"]) for i in ("code_points", "terms")],
                          [helper.make_tensor_value_info("labels", TensorProto.FLOAT, [1, "n", len(LABELS)])], init)
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], producer_name="ward")
    model.ir_version = 7
    onnx.checker.check_model(model)
    return model


def main():
    out = sys.argv[1]
    table = train(int(sys.argv[2]) if len(sys.argv) > 2 else 9)
    weights = graph(table).SerializeToString()
    os.makedirs(out, exist_ok=True)
    with open(f"{out}/model.onnx", "wb") as f:
        f.write(weights)
    rows = [("name", "text_zh", "-"), ("version", "1", "-"), ("weights", "model.onnx", "-"),
            ("sha256", hashlib.sha256(weights).hexdigest(), "-"), ("language", "zh", "-"), ("fill", "yes", "-"),
            ("input", "code_points", "-"), ("terms", "terms", "-"), ("output", "labels", "-"), ("window", "500", "-")]
    rows += [("label", label, "-") for label in LABELS]
    for text in ("术后病理示:(直肠)溃疡型管状腺癌,侵及浆膜。", "门诊以“胃癌术后”收入院。"):
        cps = np.array([ord(fold(c)) for c in text], np.int64)
        found = sorted(entities(best_way(table[features(cps, np.zeros(len(cps), np.int64))].astype(np.float64).sum(1))))
        assert found, "a known answer must be one"
        rows.append(("known", text, ",".join(f"{k}:{i}-{j}" for i, j, k in found) or "-"))
    with io.open(f"{out}/card.tsv", "w", encoding="utf8") as f:
        f.write("# What the host must know of this model; README.md is its card.\n"
                "# source: trained by training/text_tagger.py on ChineseBLUE's cMedQANER and cEHRNER, train splits\n"
                "# licence: Apache-2.0 (Ward); the data Apache-2.0\n# checked: 2026-11-21\n"
                "# columns: key, value, and of a known text the spans that must be found in it, no terms given\n")
        for r in rows:
            f.write("\t".join(r) + "\n")


if __name__ == "__main__":
    main()
