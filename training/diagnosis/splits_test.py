"""The split files against the data: complete, and without a leak. Skipped where WARD_DATA has no such set."""
import os
import unittest
from pathlib import Path

import numpy as np

import splits

HERE = os.path.join(os.path.dirname(__file__), "..", "splits")


def listed(name):
    lines = Path(HERE, name).read_text().splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("#")]


def needs(path):
    return unittest.skipUnless(os.path.exists(f"{splits.DATA}/{path}"), f"no {path} in WARD_DATA ({splits.DATA})")


class Splits(unittest.TestCase):
    def leak_free(self, rows, split, names):
        for i, a in enumerate(names):
            for b in names[i + 1:]:
                self.assertGreater(np.sum(split == a), 0)
                leaks = splits.near(rows[split == a], rows[split == b]).sum()
                self.assertEqual(leaks, 0, f"{leaks} near-duplicates between {a} and {b}")

    @needs("pneumoniamnist/pneumoniamnist.npz")
    def test_no_film_or_near_duplicate_is_in_two_splits(self):
        d = np.load(f"{splits.DATA}/pneumoniamnist/pneumoniamnist.npz")
        images = np.concatenate([d[f"{s}_images"] for s in ("train", "val", "test")])
        rows = listed("chest.tsv")
        self.assertEqual([r[0] for r in rows], [splits.row_hash(i) for i in images])
        split = np.array([r[1] for r in rows])
        self.leak_free(images, split, ["train", "val", "test"])
        self.assertEqual([(split == s).sum() for s in ("val", "test")], [524, 624])

    @needs("cxr_adult/films.tsv")
    def test_no_patient_of_the_adult_films_is_in_both_halves(self):
        half = dict(listed("adult_films.tsv"))
        films = list(splits.read_films())
        self.assertEqual(set(half), {name for name, _, _ in films})
        halves = {}
        for name, patient, _ in films:
            halves.setdefault(patient, set()).add(half[name])
        self.assertTrue(all(len(h) == 1 for h in halves.values()))
        self.assertEqual({h for s in halves.values() for h in s}, {"choose", "judge"})

    @needs("tabular/heart_cleveland.data")
    def test_no_row_or_near_duplicate_of_the_table_is_in_two_splits(self):
        rows, y = splits.heart_rows()
        named = listed("heart.tsv")
        self.assertEqual([r[0] for r in named], [splits.row_hash(r) for r in rows])
        split = np.array([r[1] for r in named])
        self.leak_free(splits.standardised(rows), split, ["train", "test"])
        self.assertLess(abs(y[split == "test"].mean() - y[split == "train"].mean()), 0.05)


if __name__ == "__main__":
    unittest.main()
