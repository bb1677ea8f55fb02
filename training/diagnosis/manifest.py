"""Writes a model's folder: model.onnx, manifest.json, predictions.tsv. docs/diagnosis-models.md says what each field means."""
import hashlib
import json
import math

import numpy as np

FIELDS = ["format", "name", "version", "task", "title", "intended_use", "licence", "file", "sha256", "devices", "fallback",
          "input", "outputs", "calibration", "guard", "finding", "report", "known", "inputs", "preprocess", "labels", "threshold",
          "known_answer"]


def rounded(value, digits=9):
    """Numbers with `digits` significant digits, so that the text says no more than is meant; lists and dicts through."""
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v, digits) for v in value]
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    return value


def flat(value):
    """JSON with one field a line, and one line for each entry of a list of objects."""
    lines = []
    for key, v in value.items():
        if isinstance(v, list) and v and isinstance(v[0], dict):
            rows = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in v)
            lines.append(f'  "{key}": [\n    {rows}\n  ]')
        else:
            lines.append(f'  "{key}": {json.dumps(v, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(folder, manifest):
    """Adds the weights' hash and writes manifest.json; the weights lie in the folder already."""
    with open(f"{folder}/{manifest['file']}", "rb") as f:
        manifest = dict(manifest, sha256=hashlib.sha256(f.read()).hexdigest())
    with open(f"{folder}/manifest.json", "w") as f:
        f.write(flat(rounded({k: manifest[k] for k in FIELDS})))


def known_input(n, low, high):
    """The question that the service asks every minute: ward_known_input of common/host, to the bit."""
    x, out = 0x9E3779B9, np.empty(n, dtype=np.float32)
    low, high = np.float32(low), np.float32(high)
    for i in range(n):
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        out[i] = low + (high - low) * np.float32(x >> 8) * np.float32(1 / 16777216)
    return out


def tensor(name, *shape):
    return {"name": name, "type": "F32", "shape": list(shape)}


def write_predictions(folder, head, names, rows):
    """rows: (number, values): nine significant digits, which is all a float32 has."""
    with open(f"{folder}/predictions.tsv", "w") as f:
        f.writelines(f"# {line}\n" for line in head)
        f.write("\t".join(["input", *names]) + "\n")
        for k, values in rows:
            f.write("\t".join([str(k), *(f"{float(v):.9g}" for v in values)]) + "\n")
