#!/usr/bin/python3
"""splits - writes which row of each data set is for training, validation and test, without any data.

    WARD_DATA=... splits.py OUT_DIR

A row is named by the first 16 hex digits of the SHA-256 of its pixels or values, a film of a set with file
names by that name. `make train-test` reads the files and checks them against the data.
"""
import hashlib
import os
import sys
from pathlib import Path

import numpy as np

DATA = os.environ.get("WARD_DATA", "../shared/data")
NEAR_DUPLICATE = 0.95
COLUMNS = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal"]
FOLDS = 5


def row_hash(row):
    return hashlib.sha256(np.ascontiguousarray(row).tobytes()).hexdigest()[:16]


def unit(rows):
    """Each row less its mean, of length 1: products are correlations."""
    rows = np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def near(a, b):
    """For each row of a: is a row of b a near-duplicate?"""
    return (unit(a) @ unit(b).T).max(axis=1) >= NEAR_DUPLICATE


def groups_of(rows):
    """Connected components of near-duplicates: a number for each row."""
    close = unit(rows) @ unit(rows).T >= NEAR_DUPLICATE
    group = np.arange(len(rows))
    for i in range(len(rows)):
        for j in np.flatnonzero(close[i, :i]):
            group[group == group[i]] = group[j]
    return group


def chest():
    """The published splits of PneumoniaMNIST; training rows that resemble a validation or test row are left out."""
    d = np.load(f"{DATA}/pneumoniamnist/pneumoniamnist.npz")
    images = {s: d[f"{s}_images"] for s in ("train", "val", "test")}
    labels = {s: d[f"{s}_labels"][:, 0].astype(int) for s in images}
    drop = near(images["train"], np.concatenate([images["val"], images["test"]]))
    split = {"train": np.where(drop, "dropped", "train"), "val": np.full(len(labels["val"]), "val"),
             "test": np.full(len(labels["test"]), "test")}
    return images, labels, split


def read_films():
    """(file name, patient, half) of each adult film: all films of a patient are in one half."""
    lines = Path(f"{DATA}/cxr_adult/films.tsv").read_text().splitlines()[1:]
    for name, _, patient in (line.split("\t") for line in lines):
        even = hashlib.sha256(patient.encode()).digest()[0] % 2 == 0
        yield name, patient, "choose" if even else "judge"


def heart_rows():
    """[303, 13] with NaN where a value is missing, and [303] of 0 (no vessel narrowed by half) or 1."""
    lines = Path(f"{DATA}/tabular/heart_cleveland.data").read_text().split()
    table = np.array([[float("nan") if v == "?" else float(v) for v in line.split(",")] for line in lines])
    return table[:, :13], (table[:, 13] > 0).astype(int)


def standardised(rows):
    """For looking for near-duplicates only: the median where a value is missing, then zero mean and unit variance."""
    filled = np.where(np.isnan(rows), np.nanmedian(rows, axis=0), rows)
    return (filled - filled.mean(axis=0)) / filled.std(axis=0)


def deal(y, group, n, rng):
    """A fold number for each row: whole groups, each class spread evenly, in a random order."""
    fold = np.full(len(y), -1)
    members = [np.flatnonzero(group == g) for g in np.unique(group)]
    rng.shuffle(members)
    counts = np.zeros((n, 2))
    for rows in sorted(members, key=len, reverse=True):
        label = y[rows[0]]
        to = min(range(n), key=lambda f: (counts[f, label], counts[f].sum(), f))
        fold[rows] = to
        for r in rows:
            counts[to, y[r]] += 1
    return fold


def heart():
    """A fifth of the Cleveland rows is for the test; near-duplicates stay together."""
    rows, y = heart_rows()
    fold = deal(y, groups_of(standardised(rows)), FOLDS, np.random.default_rng(1988))
    return rows, y, np.where(fold == 0, "test", "train")


def write(path, head, rows):
    with open(path, "w") as f:
        f.write(head)
        f.writelines("\t".join(map(str, row)) + "\n" for row in rows)


def main(out):
    os.makedirs(out, exist_ok=True)
    images, labels, split = chest()
    write(f"{out}/chest.tsv",
          "# PneumoniaMNIST (MedMNIST v2, CC BY 4.0), its published splits. A training row whose correlation with a validation or\n"
          f"# test row is {NEAR_DUPLICATE} or more is `dropped`. The set names no patients. Columns: SHA-256 of the 784 pixels (16 digits), split\n",
          [(row_hash(i), s) for k in images for i, s in zip(images[k], split[k])])
    write(f"{out}/adult_films.tsv",
          "# Adult films (NIH ChestX-ray14). By the first byte of the SHA-256 of the patient's number: even chooses, odd judges.\n"
          "# Columns: file name, half\n", [(name, half) for name, _, half in read_films()])
    rows, _, split = heart()
    write(f"{out}/heart.tsv",
          "# Cleveland heart disease (UCI, CC BY 4.0), one patient a row. Rows whose standardised values correlate by\n"
          f"# {NEAR_DUPLICATE} or more are in one split. Columns: SHA-256 of the 13 values as float64 (16 digits), split\n",
          [(row_hash(r), s) for r, s in zip(rows, split)])


if __name__ == "__main__":
    main(sys.argv[1])
