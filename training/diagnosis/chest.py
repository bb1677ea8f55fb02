#!/usr/bin/python3
"""chest - trains models/chest: pneumonia on a chest film of a child, with a guard against other pictures.

    WARD_DATA=... chest.py OUT_DIR BUILD_DIR

Training films teach, validation films calibrate and set every threshold; test films are read once, at the end.
The choosing half of the adult films chose the guard's measure of light (see card.md); the judging half, the
photographs, the ultrasound and the DICOM files are only measured. Figures go to BUILD_DIR/results/train-chest.json.
"""
import json
import os
import sys

import numpy as np
import torch

import cards
import chest_guard
import chest_net
import figures
import foreign
import manifest
import pixels
import splits
from back_end import BackEnd

SIDE = 28
MEAN, STD = 0.5719, 0.1684  # of the training pixels, of 0..1
ABSTAIN = {"far": 0.005, "near": 0.02}  # of the validation films, by each score
COPIES = 8  # of each validation film, augmented, for calibration
NAMES = ["logit", "far", "near", "heat_map"]


def normalise(x):
    return (x - MEAN) / STD


def prepared(square):
    """[1, 28, 28] float32 for the graph from [28, 28] of 0..255."""
    return (((np.asarray(square, dtype=np.float64) / 255) - MEAN) / STD).astype(np.float32)[None]


def synthetic(k):
    """[28, 28] of whole numbers 0..255, by a formula: waves, and for odd k two drawn lungs. No patient's."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    m = ((k % 4) * y * y + (3 * k % 5) * x * x + (7 * k % 3) * x * y + (5 + 2 * k) * x + (3 + k) * y + 17 * k) % 510
    wave = np.where(m <= 255, m, 510 - m)
    if k % 2 == 0:
        return wave
    lung = np.minimum(4 * (2 * x - 15) ** 2, 4 * (2 * x - 41) ** 2) + (2 * y - 22) ** 2
    return 170 + k - np.maximum(0, 40 - lung // 9) - (2 * x - 27) ** 2 // 12 + wave // 24


def tensor(images):
    return torch.from_numpy(np.asarray(images, dtype=np.float32)[:, None] / 255)


def scores(model, x):
    """{output: array} of PyTorch for pixels of 0..1."""
    with torch.no_grad():
        parts = [model(normalise(part)) for part in x.split(256)]
    return {n: torch.cat([p[i] for p in parts]).double().numpy() for i, n in enumerate(NAMES)}


def say(epoch, loss, *_):
    print(f"  epoch {epoch + 1}: loss {loss:.4f}", flush=True)


def train(images, labels, split):
    keep = split["train"] == "train"
    films, y = tensor(images["train"][keep]), torch.from_numpy(labels["train"][keep].astype(np.float32))
    net = chest_net.train(films, y, normalise, say)
    eye = chest_guard.train_eye(films, normalise, say)
    distance = chest_guard.Distance(chest_guard.light(normalise(films)))
    return chest_guard.Guarded(net, eye, distance).eval()


def calibrate(model, films, y):
    """Platt scaling and the threshold, on augmented copies: films from elsewhere vary more than validation films do.

    Each class weighs the same, so the probability is that at a prevalence of one half.
    """
    rng = torch.Generator().manual_seed(3)
    logit = np.concatenate([scores(model, chest_net.augment(films, rng))["logit"][:, 0] for _ in range(COPIES)])
    y = np.tile(y, COPIES)
    fewer = np.flatnonzero(y == 0)
    more = np.random.default_rng(3).choice(fewer, (y == 1).sum() - len(fewer))
    at = np.concatenate([np.arange(len(y)), more])
    a, b = figures.platt(y[at], logit[at])
    return a, b, figures.best_threshold(y[at], figures.sigmoid(a * logit[at] + b))


def describe(model, a, b, cut, guard, found):
    image = prepared(synthetic(5))
    answer = {n: [float(v) for v in s.reshape(-1)] for n, s in scores(model, tensor([synthetic(5)])).items()}
    asked = torch.from_numpy(manifest.known_input(SIDE * SIDE, -2, 2)).reshape(1, 1, SIDE, SIDE)
    with torch.no_grad():
        known = model(asked)[0].item()
    label = {"system": "http://snomed.info/sct", "code": "233604007", "display": "Pneumonia"}
    at = {"sensitivity": found["validation_sensitivity"], "specificity": found["validation_specificity"]}
    return {
        "format": 1, "name": "chest", "version": "1", "task": "classification", "title": "Pneumonia on a child's frontal chest film",
        "intended_use": "Frontal chest films of children of one to five years, for training and evaluation. Not a medical device.",
        "licence": "Apache-2.0", "file": "model.onnx", "devices": ["cpu", "gpu", "npu"], "fallback": "degraded",
        "input": {"kind": "image", "tensor": "image", "width": SIDE, "height": SIDE, "crop": "centre_square", "resize": "area",
                  "mean": MEAN, "std": STD},
        "outputs": {n: n for n in NAMES},
        "calibration": {"method": "platt", "scale": a, "shift": b, "measured_on": "validation", "ece": found["validation_ece"]},
        "guard": guard, "finding": {**label, "threshold": cut, **at},
        "report": {"code": {"system": "http://loinc.org", "code": "36554-4", "display": "XR Chest Single view"},
                   "category": {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}},
        "known": {"lo": -2.0, "hi": 2.0, "output": "logit", "stride": 1, "want": [known], "tolerance": 0.001},
        "inputs": [manifest.tensor("image", -1, 1, SIDE, SIDE)],
        "preprocess": [{"op": "decode", "formats": ["jpeg", "png", "dicom"]}, {"op": "gray", "weights": [0.299, 0.587, 0.114]},
                       {"op": "crop", "method": "centre_square"}, {"op": "resize", "method": "area", "width": SIDE, "height": SIDE},
                       {"op": "scale", "factor": 1 / 255}, {"op": "normalise", "mean": MEAN, "std": STD}],
        "labels": [{"name": "pneumonia", **label}],
        "threshold": {"probability": cut, **at, "measured_on": "validation",
                      "positives": found["validation_positives"], "negatives": found["validation_negatives"]},
        "known_answer": {"input": {"image": [float(v) for v in image.reshape(-1)]}, "output": answer, "tolerance": 1e-3},
    }


def export(model, path):
    torch.onnx.export(model, torch.zeros(2, 1, SIDE, SIDE), path, opset_version=13, input_names=["image"], output_names=NAMES,
                      dynamic_axes={n: {0: "n"} for n in ["image", *NAMES]}, do_constant_folding=True)


def abstains(s, limits):
    return np.any([s[n][:, 0] > limit for n, limit in limits.items()], axis=0)


def refused(group, s, limits):
    """How many of a set the guard refuses, and by which score."""
    silent = abstains(s, limits)
    return {"group": group, "n": len(silent), "share": float(silent.mean()),
            "interval": figures.interval(np.mean, silent.astype(float)) if 0 < silent.mean() < 1 else None,
            "by": {n: float((s[n][:, 0] > limit).mean()) for n, limit in limits.items()}}


def classified(name, y, p, cut):
    """AUC, accuracy, calibration error, sensitivity and specificity, each with its interval."""
    at = {"auc": figures.auc, "accuracy": lambda t, q: figures.accuracy(t, q, cut), "ece": figures.ece,
          "sensitivity": lambda t, q: figures.sensitivity(t, q, cut), "specificity": lambda t, q: figures.specificity(t, q, cut)}
    out = {}
    for key, figure in at.items():
        out[f"{name}_{key}"] = float(figure(y, p))
        out[f"{name}_{key}_interval"] = figures.interval(figure, y, p)
    return out


def main(out, build):
    torch.set_num_threads(1)
    images, labels, split = splits.chest()
    model = train(images, labels, split)
    validation = scores(model, tensor(images["val"]))
    a, b, cut = calibrate(model, tensor(images["val"]), labels["val"])
    limits = {n: float(np.quantile(validation[n], 1 - ABSTAIN[n])) for n in ("far", "near")}
    p = figures.sigmoid(a * validation["logit"][:, 0] + b)
    result = {"threshold": cut, "a": a, "b": b, "parameters": sum(v.numel() for v in model.net.parameters()),
              "validation_positives": int(labels["val"].sum()), "validation_negatives": int((1 - labels["val"]).sum()),
              **classified("validation", labels["val"], p, cut)}
    choosing = scores(model, tensor(foreign.adult_films("choose")))
    guard = {"far_limit": limits["far"], "near_limit": limits["near"],
             "abstains": {name: float(abstains(s, limits).mean())
                          for name, s in (("validation", validation), ("adult_films_choosing_half", choosing))}}
    os.makedirs(out, exist_ok=True)
    export(model, f"{out}/model.onnx")
    manifest.write(out, describe(model, a, b, cut, guard, result))
    made = scores(model, tensor([synthetic(k) for k in range(12)]))
    manifest.write_predictions(
        out, ["What PyTorch computes for twelve pictures of no patient: models/chest/1, to agree with to 1e-4.",
              "Pixel (x from the left, y from the top) of picture k, in whole numbers, / rounded down:",
              "  m = ((k mod 4) y y + (3 k mod 5) x x + (7 k mod 3) x y + (5 + 2 k) x + (3 + k) y + 17 k) mod 510",
              "  wave = m if m <= 255, else 510 - m. Even k: the pixel is wave. Odd k draws two lungs:",
              "  d = min(4 (2 x - 15)^2, 4 (2 x - 41)^2) + (2 y - 22)^2",
              "  the pixel is 170 + k - max(0, 40 - d / 9) - (2 x - 27)^2 / 12 + wave / 24"],
        ["logit", "far", "near", "probability"],
        [(k, (*(made[n][k, 0] for n in NAMES[:3]), figures.sigmoid(a * made["logit"][k, 0] + b))) for k in range(12)])
    if os.environ.get("WARD_TRAIN_UNTIL") == "validation":
        print(json.dumps(result, indent=1), guard)
        return
    result.update(judge(model, images, labels, a, b, cut, limits, out, build))
    os.makedirs(f"{build}/results", exist_ok=True)
    with open(f"{build}/results/train-chest.json", "w") as f:
        json.dump(result, f, indent=1)
    cards.write("chest", out, result)
    print(json.dumps(result, indent=1))


def judge(model, images, labels, a, b, cut, limits, out, build):
    """The test films and the pictures the guard must refuse; nothing is chosen after this."""
    test = scores(model, tensor(images["test"]))
    with BackEnd(f"{build}/plugins/cpu.so", f"{out}/model.onnx") as back:
        got = back.run({"image": normalise(tensor(images["test"])).numpy()})
    worst = max(float(np.abs(got[n] - test[n]).max()) for n in NAMES)
    if worst > 1e-4:
        raise SystemExit(f"chest: the back end differs by {worst}")
    p = figures.sigmoid(a * test["logit"][:, 0] + b)
    out_of = abstains(test, limits)
    result = {"worst_difference": worst, **classified("test", labels["test"], p, cut),
              **classified("test_answered", labels["test"][~out_of], p[~out_of], cut), "abstains": {}}
    for name, (group, found) in foreign.sets().items():
        result["abstains"][name] = refused(group, scores(model, tensor(found)), limits)
    result["abstains"]["test films"] = refused("own", test, limits)
    result["size"] = os.path.getsize(f"{out}/model.onnx")
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
