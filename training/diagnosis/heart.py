#!/usr/bin/python3
"""heart - trains models/heart_tree, heart_svm and heart_mlp from the Cleveland table.

    WARD_DATA=... heart.py MODELS_DIR BUILD_DIR

Four fifths of the rows train, a fifth is the test (training/splits/heart.tsv). Calibration and threshold come
from out-of-fold scores of the training rows. The method is measured again by 10 x 5-fold cross-validation over
all rows, in which everything, calibration too, is learned from the training folds alone. Figures go to
BUILD_DIR/results/train-heart.json.
"""
import json
import os
import sys

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

import cards
import figures
import heart_graph as onnx_graph
import manifest
import splits
from back_end import BackEnd

VERSION = "1"
LEAST = 1e-3  # a forest's share is kept inside (LEAST, 1 - LEAST), where its logit is finite
NUMBERS = [0, 3, 4, 7, 9, 11]
CATEGORIES = [(1, 1), (2, 1), (2, 2), (2, 3), (2, 4), (5, 1), (6, 0), (6, 1), (6, 2), (8, 1), (10, 1), (10, 2), (10, 3),
              (12, 3), (12, 6), (12, 7)]
LOINC = "http://loinc.org"
# name, what it is, unit (UCUM), type, range, code; `range` is that of the Cleveland rows, rounded outwards.
FEATURES = [
    ("age", "age in years", "a", "number", [29, 77], "30525-0"),
    ("sex", "0 female, 1 male", "1", "category", [0, 1], "46098-0"),
    ("cp", "chest pain: 1 typical angina, 2 atypical angina, 3 other pain, 4 none", "1", "category", [1, 2, 3, 4], None),
    ("trestbps", "systolic blood pressure at rest, on admission", "mm[Hg]", "number", [90, 200], "8480-6"),
    ("chol", "serum cholesterol", "mg/dL", "number", [120, 570], "2093-3"),
    ("fbs", "fasting blood sugar above 120 mg/dL (LOINC 1558-6 > 120): 0 no, 1 yes", "1", "category", [0, 1], None),
    ("restecg", "ECG at rest: 0 normal, 1 ST-T abnormality, 2 left ventricular hypertrophy (Estes)", "1", "category", [0, 1, 2],
     None),
    ("thalach", "highest heart rate in the exercise test", "/min", "number", [70, 205], None),
    ("exang", "angina in the exercise test: 0 no, 1 yes", "1", "category", [0, 1], None),
    ("oldpeak", "ST depression in the exercise test against rest", "mm", "number", [0, 6.5], None),
    ("slope", "slope of the ST segment at the peak of exercise: 1 up, 2 flat, 3 down", "1", "category", [1, 2, 3], None),
    ("ca", "major vessels coloured by fluoroscopy", "1", "number", [0, 3], None),
    ("thal", "thallium scan: 3 normal, 6 fixed defect, 7 reversible defect", "1", "category", [3, 6, 7], None),
]
OPTIONAL = ["chol", "fbs", "restecg", "slope", "ca", "thal"]  # without one of the others the models abstain
TITLES = {"tree": "Coronary artery disease from 13 values, by an ensemble of decision trees",
          "svm": "Coronary artery disease from 13 values, by a support vector machine",
          "mlp": "Coronary artery disease from 13 values, by a small neural network"}

HOW = {"tree": "150 extremely randomised trees (Geurts 2006), depth 8 at most, 3 rows a leaf at least; `TreeEnsembleRegressor`",
       "svm": "a support vector machine with a radial kernel, C 1, gamma 0.02; `SVMRegressor` gives its decision value",
       "mlp": "one hidden layer of 12 tanh units, weight decay 15, fitted by L-BFGS; two `Gemm`"}


class Code:
    """What is learned to turn the 13 values into a model's inputs: medians, means and scales of the training rows."""

    def __init__(self, rows):
        self.numbers, self.categories = NUMBERS, CATEGORIES
        self.medians = np.nanmedian(rows, axis=0).astype(np.float32)
        x = self.fill(rows)
        self.mean, self.scale = x[:, NUMBERS].mean(axis=0), x[:, NUMBERS].std(axis=0)

    def fill(self, rows):
        rows = np.asarray(rows, dtype=np.float32)
        return np.where(np.isnan(rows), self.medians, rows)

    def encode(self, rows):
        x = self.fill(rows)
        hot = np.stack([x[:, c] == v for c, v in CATEGORIES], axis=1)
        return np.concatenate([(x[:, NUMBERS] - self.mean) / self.scale, hot], axis=1).astype(np.float64)


class Model:
    """One of the three kinds, with the coding of its inputs; `logit` is what the ONNX graph computes."""

    def __init__(self, kind, rows, y, seed):
        self.kind, self.code = kind, Code(rows)
        if kind == "tree":
            self.fitted = ExtraTreesClassifier(150, max_depth=8, min_samples_leaf=3, max_features=2, random_state=seed)
        elif kind == "svm":
            self.fitted = SVC(C=1.0, kernel="rbf", gamma=0.02)
        else:
            self.fitted = MLPClassifier((12,), activation="tanh", solver="lbfgs", alpha=15.0, max_iter=2000, random_state=seed)
        self.fitted.fit(self.inputs(rows), y)

    def inputs(self, rows):
        return self.code.fill(rows) if self.kind == "tree" else self.code.encode(rows)

    def logit(self, rows):
        x = self.inputs(rows)
        if self.kind == "svm":
            return self.fitted.decision_function(x)
        p = self.fitted.predict_proba(x)[:, 1]
        p = np.clip(p, LEAST, 1 - LEAST) if self.kind == "tree" else p
        return np.log(p) - np.log1p(-p)


class Guard:
    """Mean squared Mahalanobis distance of the 13 filled-in values from the training rows."""

    def __init__(self, code, rows):
        x = code.fill(rows).astype(np.float64)
        covariance = np.cov(x.T)
        covariance += 0.05 * np.diag(np.diag(covariance))
        self.code, self.mean = code, x.mean(axis=0)
        self.root = np.linalg.cholesky(np.linalg.inv(covariance))

    def far(self, rows):
        away = (self.code.fill(rows).astype(np.float64) - self.mean) @ self.root
        return (away ** 2).mean(axis=1)


def out_of_fold(kind, rows, y, group, seed, folds=5, blank=()):
    """Logits of rows by models that did not see them or their near-duplicates; columns of `blank` are missing when asked."""
    asked = rows.copy()
    asked[:, list(blank)] = np.nan
    fold = splits.deal(y, group, folds, np.random.default_rng(seed))
    logit = np.empty(len(y))
    for f in range(folds):
        logit[fold == f] = Model(kind, rows[fold != f], y[fold != f], seed).logit(asked[fold == f])
    return logit


def outside(rows):
    """Which rows have a value outside `range` or `values`, or lack one that is not optional: the service abstains on them."""
    out = np.zeros(len(rows), dtype=bool)
    for i, (name, _, _, kind, allowed, _) in enumerate(FEATURES):
        v = rows[:, i]
        out |= np.isnan(v) & (name not in OPTIONAL)
        bad = (v < allowed[0]) | (v > allowed[-1]) if kind == "number" else ~np.isin(v, allowed)
        out |= bad & ~np.isnan(v)
    return out


def mistaken(rows):
    """{what went wrong: rows}: inputs the models must refuse to read."""
    rng = np.random.default_rng(5)

    def times(column, factor):
        wrong = rows.copy()
        wrong[:, column] *= factor
        return wrong

    low = np.array([f[4][0] for f in FEATURES])
    high = np.array([f[4][-1] for f in FEATURES])
    numbers = np.array([f[3] == "number" for f in FEATURES])
    drawn = np.stack([rng.choice(f[4], len(rows)) for f in FEATURES], axis=1)
    return {"columns in a random order": np.stack([r[rng.permutation(13)] for r in rows]), "cholesterol in mmol/L": times(4, 1 / 38.67),
            "blood pressure in kPa": times(3, 1 / 7.5), "heart rate per second": times(7, 1 / 60), "age in months": times(0, 12),
            "every value random, each allowed": np.where(numbers, low + (high - low) * rng.random(rows.shape), drawn)}


def cross_validate(kind, rows, y, group, repeats=10):
    """(AUC of each repeat, mean probability of each row): calibration is learned inside the training folds."""
    aucs, total = [], np.zeros(len(y))
    for r in range(repeats):
        fold = splits.deal(y, group, 5, np.random.default_rng(100 + r))
        p = np.empty(len(y))
        for f in range(5):
            seen, held = fold != f, fold == f
            a, b = figures.platt(y[seen], out_of_fold(kind, rows[seen], y[seen], group[seen], r))
            p[held] = figures.sigmoid(a * Model(kind, rows[seen], y[seen], r).logit(rows[held]) + b)
        aucs.append(np.mean([figures.auc(y[fold == f], p[fold == f]) for f in range(5)]))
        total += p
    return np.array(aucs), total / repeats


def synthetic(k):
    """Feature values of no patient, by a formula; every fourth input lacks the values of `ca` and `thal`."""
    row = []
    for i, (_, _, _, kind, allowed, _) in enumerate(FEATURES):
        step = (5 * k + 3 * i + k * i) % 13
        row.append(allowed[step % len(allowed)] if kind == "category" else allowed[0] + (allowed[-1] - allowed[0]) * (step + 5) / 25)
    if k % 4 == 3:
        row[11] = row[12] = float("nan")
    return row


def export(kind, model, guard, path):
    g = onnx_graph.Graph()
    x = onnx_graph.filled(g, model.code.medians)
    onnx_graph.far(g, x, guard.mean, guard.root)
    if kind == "tree":
        onnx_graph.forest(g, x, model.fitted.estimators_, LEAST)
    elif kind == "svm":
        onnx_graph.svm(g, onnx_graph.encoded(g, x, model.code), model.fitted)
    else:
        onnx_graph.mlp(g, onnx_graph.encoded(g, x, model.code), model.fitted)
    g.save(path, f"heart_{kind}", len(FEATURES))


def feature(i, model):
    name, display, unit, kind, allowed, code = FEATURES[i]
    return {"name": name, "display": display, "code": {"system": LOINC, "code": code} if code else None, "unit": unit, "type": kind,
            "min": allowed[0], "max": allowed[-1], "values": allowed if kind == "category" else None,
            "missing": float(model.code.medians[i]) if name in OPTIONAL else None}


def describe(kind, model, guard, calibration, threshold, limit, at):
    row = np.array([synthetic(1)], dtype=np.float32)
    asked = manifest.known_input(len(FEATURES), 0, 100)[None]
    label = {"system": "http://snomed.info/sct", "code": "53741008", "display": "Coronary arteriosclerosis"}
    return {
        "format": 1, "name": f"heart_{kind}", "version": VERSION, "task": "classification", "title": TITLES[kind],
        "intended_use": "Adults sent for coronary angiography, after an exercise test, for training and evaluation. Not a medical device.",
        "licence": "Apache-2.0", "file": "model.onnx", "devices": ["cpu"], "fallback": "degraded",
        "input": {"kind": "features", "tensor": "features", "features": [feature(i, model) for i in range(len(FEATURES))]},
        "outputs": {"logit": "logit", "far": "far"},
        "calibration": calibration, "guard": {"far_limit": limit, "abstains": at},
        "finding": {**label, "threshold": threshold["probability"], "sensitivity": threshold["sensitivity"],
                    "specificity": threshold["specificity"]},
        "report": {"code": {"system": LOINC, "code": "51848-0", "display": "Evaluation note"},
                   "category": {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "OTH", "display": "Other"}},
        "known": {"lo": 0.0, "hi": 100.0, "output": "logit", "stride": 1, "want": [float(model.logit(asked)[0])], "tolerance": 0.001},
        "inputs": [manifest.tensor("features", -1, len(FEATURES))],
        "preprocess": [{"op": "features", "outside": "abstain"}],
        "labels": [{"name": "coronary_artery_disease", **label}],
        "threshold": threshold,
        "known_answer": {"input": {"features": [float(v) for v in row[0]]},
                         "output": {"logit": [float(v) for v in model.logit(row)], "far": [float(v) for v in guard.far(row)]},
                         "tolerance": 1e-3},
    }


def make(kind, rows, y, group, split, out, build):
    """Trains, writes the folder, checks it on the back end; returns the figures."""
    train, test = split == "train", split == "test"
    model = Model(kind, rows[train], y[train], 0)
    guard = Guard(model.code, rows[train])
    logit = np.concatenate([out_of_fold(kind, rows[train], y[train], group[train], s) for s in range(5)])
    again = np.tile(y[train], 5)
    a, b = figures.platt(again, logit)
    p = figures.sigmoid(a * logit + b)
    cut = figures.best_threshold(again, p)
    by_row = p.reshape(5, -1).mean(axis=0)
    limit = float(np.quantile(guard.far(rows[train]), 0.99) * 1.25)
    known = figures.sigmoid(a * model.logit(rows[test]) + b)
    threshold = {"probability": cut, "sensitivity": figures.sensitivity(again, p, cut),
                 "specificity": figures.specificity(again, p, cut), "measured_on": "out-of-fold training rows",
                 "positives": int(y[train].sum()), "negatives": int((1 - y[train]).sum())}
    calibration = {"method": "platt", "scale": a, "shift": b, "measured_on": "out-of-fold training rows",
                   "ece": figures.ece(y[train], by_row)}
    folder = f"{out}/heart_{kind}/{VERSION}"
    os.makedirs(folder, exist_ok=True)
    export(kind, model, guard, f"{folder}/model.onnx")
    at = {"training": float((guard.far(rows[train]) > limit).mean()), "test": float((guard.far(rows[test]) > limit).mean())}
    manifest.write(folder, describe(kind, model, guard, calibration, threshold, limit, at))
    made = np.array([synthetic(k) for k in range(12)], dtype=np.float32)
    z = model.logit(made)
    manifest.write_predictions(
        folder, [f"What scikit-learn computes for twelve inputs of no patient: models/heart_{kind}/{VERSION}, to agree with to 1e-4.",
                 "Feature i of input k: step = (5 k + 3 i + k i) mod 13, counted from 0. A category takes its allowed value number",
                 "step mod (how many are allowed); a number takes low + (high - low) * (step + 5) / 25 of its range. Inputs with",
                 "k mod 4 = 3 lack the features 11 and 12 (NaN)."],
        ["logit", "far", "probability"], [(k, (z[k], guard.far(made[k:k + 1])[0], figures.sigmoid(a * z[k] + b))) for k in range(12)])
    with BackEnd(f"{build}/plugins/cpu.so", f"{folder}/model.onnx") as back:
        got = back.run({"features": rows.astype(np.float32)})
    worst = max(np.abs(got["logit"][:, 0] - model.logit(rows)).max(), np.abs(got["far"][:, 0] - guard.far(rows)).max())
    if worst > 1e-4:
        raise SystemExit(f"heart_{kind}: the back end differs by {worst}")
    aucs, mean_p = cross_validate(kind, rows, y, group)
    refused = {what: float((outside(wrong) | (guard.far(wrong) > limit)).mean()) for what, wrong in mistaken(rows[test]).items()}
    least = {}
    for name, blank in (("auc_without_ca_and_thal", (11, 12)), ("auc_without_optional", (4, 5, 6, 10, 11, 12))):
        least[name] = float(np.mean([figures.auc(y[train], out_of_fold(kind, rows[train], y[train], group[train], s, blank=blank))
                                     for s in range(5)]))
    return {
        "auc_10x5": aucs.mean(), "auc_10x5_repeats": aucs.tolist(), "auc_10x5_interval": figures.interval(figures.auc, y, mean_p),
        "ece_perfect": figures.ece_of_perfect(mean_p), "ece_10x5": figures.ece(y, mean_p), "ece_10x5_interval": figures.interval(figures.ece, y, mean_p),
        "test_auc": figures.auc(y[test], known), "test_auc_interval": figures.interval(figures.auc, y[test], known),
        "test_accuracy": figures.accuracy(y[test], known, cut),
        "test_accuracy_interval": figures.interval(lambda t, q: figures.accuracy(t, q, cut), y[test], known),
        "test_sensitivity": figures.sensitivity(y[test], known, cut), "test_specificity": figures.specificity(y[test], known, cut),
        "test_ece": figures.ece(y[test], known), "threshold": cut, "worst_difference": float(worst),
        "abstains": at, "test_outside": float(outside(rows[test]).mean()), "refused": refused, **least,
        "size": os.path.getsize(f"{folder}/model.onnx")}


def main(out, build):
    rows, y, split = splits.heart()
    group = splits.groups_of(splits.standardised(rows))
    result = {kind: make(kind, rows, y, group, split, out, build) for kind in ("tree", "svm", "mlp")}
    os.makedirs(f"{build}/results", exist_ok=True)
    with open(f"{build}/results/train-heart.json", "w") as f:
        json.dump(result, f, indent=1)
    for kind, r in result.items():
        cards.write("heart", f"{out}/heart_{kind}/{VERSION}", dict(r, kind=kind, how=HOW[kind]))
        print(f"heart_{kind}: 10 x 5-fold AUC {r['auc_10x5']:.3f} ({r['auc_10x5_interval'][0]:.3f} to {r['auc_10x5_interval'][1]:.3f}), "
              f"ECE {r['ece_10x5']:.3f}; test AUC {r['test_auc']:.3f}, accuracy {r['test_accuracy']:.3f}; "
              f"{r['size']} bytes, differs from scikit-learn by {r['worst_difference']:.1e} at most")


if __name__ == "__main__":
    main(*sys.argv[1:])
