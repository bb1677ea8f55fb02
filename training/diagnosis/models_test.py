"""The models' folders: manifests complete and true, and answers as PyTorch and scikit-learn gave them."""
import glob
import hashlib
import json
import os
import re
import unittest
from pathlib import Path

import numpy as np
import onnx

import figures
import heart
import manifest
import pixels
from back_end import BackEnd

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
CPU = os.path.join(ROOT, os.environ.get("BUILD", "build"), "plugins", "cpu.so")
FOLDERS = sorted(os.path.dirname(p) for p in glob.glob(f"{ROOT}/models/*/*/manifest.json"))


def read(folder):
    return json.loads(Path(folder, "manifest.json").read_text())


def predictions(folder):
    lines = [line.split("\t") for line in Path(folder, "predictions.tsv").read_text().splitlines() if not line.startswith("#")]
    return [dict(zip(lines[0], map(float, row))) for row in lines[1:]]


def synthetic(name, k):
    """What predictions.tsv describes in words, after preprocessing."""
    if name == "chest":
        import chest
        return chest.prepared(chest.synthetic(k))
    return np.array(heart.synthetic(k), dtype=np.float32)


class Steps(unittest.TestCase):
    def test_the_service_s_question_is_the_one_pinned_in_c(self):
        v = manifest.known_input(1000, 0, 1)
        self.assertTrue(0.3165 < v[0] < 0.3166 and 0.6193 < v[999] < 0.6194)  # common/host/canary_test.c

    def test_reducing_by_area_weighs_each_pixel_by_what_is_covered(self):
        im = np.arange(25.0).reshape(5, 5)
        self.assertAlmostEqual(pixels.resize_area(im, 2)[0, 0], (im[:2, :2].sum() + im[2, :2].sum() / 2 + im[:2, 2].sum() / 2 + im[2, 2] / 4) / 6.25)
        np.testing.assert_allclose(pixels.resize_area(im, 5), im)
        self.assertEqual(pixels.crop_centre_square(np.zeros((7, 4))).shape, (4, 4))
        self.assertEqual(pixels.crop_centre_square(np.arange(7.0)[:, None] * np.ones((7, 4)))[0, 0], 1)


class Models(unittest.TestCase):
    def test_every_model_is_there(self):
        self.assertEqual([read(f)["name"] for f in FOLDERS], ["chest", "heart_mlp", "heart_svm", "heart_tree"])

    def test_manifests_have_every_field_and_the_files_they_name(self):
        for folder in FOLDERS:
            m = read(folder)
            self.assertEqual(list(m), manifest.FIELDS)
            self.assertTrue(folder.endswith(f"models/{m['name']}/{m['version']}"))
            weights = Path(folder, m["file"]).read_bytes()
            self.assertEqual(hashlib.sha256(weights).hexdigest(), m["sha256"])
            self.assertLess(len(weights), 1 << 20)
            self.assertIn(m["sha256"], Path(folder, "card.md").read_text())
            self.assertTrue(all(re.fullmatch(r"\d+", label["code"]) for label in m["labels"]))

    def test_the_two_halves_of_a_manifest_say_the_same(self):
        for folder in FOLDERS:
            m = read(folder)
            self.assertEqual(m["input"]["tensor"], m["inputs"][0]["name"])
            self.assertEqual({k: m["finding"][k] for k in ("system", "code", "display")},
                             {k: m["labels"][0][k] for k in ("system", "code", "display")})
            self.assertEqual([m["finding"][k] for k in ("threshold", "sensitivity", "specificity")],
                             [m["threshold"][k] for k in ("probability", "sensitivity", "specificity")])
            self.assertEqual({f"{k}_limit" for k in ("far", "near") if k in m["outputs"]}, set(m["guard"]) - {"abstains"})
            if m["input"]["kind"] == "features":
                self.assertEqual(m["inputs"][0]["shape"], [-1, len(m["input"]["features"])])
                continue
            steps = {s["op"]: s for s in m["preprocess"]}
            self.assertEqual(list(steps), ["decode", "gray", "crop", "resize", "scale", "normalise"])
            self.assertEqual(m["input"], {"kind": "image", "tensor": "image", "crop": steps["crop"]["method"],
                                          **{k: steps["resize"][k] for k in ("width", "height")}, "resize": steps["resize"]["method"],
                                          **{k: steps["normalise"][k] for k in ("mean", "std")}})
            self.assertAlmostEqual(steps["scale"]["factor"] * 255, 1, 6)

    def test_graphs_have_the_inputs_and_outputs_that_the_manifest_names(self):
        for folder in FOLDERS:
            m = read(folder)
            model = onnx.load(f"{folder}/{m['file']}")
            self.assertEqual(next(o.version for o in model.opset_import if o.domain == ""), 13)
            shapes = {"logit": [-1, 1], "far": [-1, 1], "near": [-1, 1], "heat_map": [-1, 1, 7, 7]}
            listed = [(t["name"], t["shape"]) for t in m["inputs"]] + [(name, shapes[role]) for role, name in m["outputs"].items()]
            values = [*model.graph.input, *model.graph.output]
            dims = [v.type.tensor_type.shape.dim for v in values]
            self.assertEqual(listed, [(v.name, [d.dim_value if d.dim_value else -1 for d in s]) for v, s in zip(values, dims)])
            self.assertTrue(all(s[0].dim_param for s in dims))

    def test_the_back_end_gives_the_known_answer_and_the_predictions(self):
        for folder in FOLDERS:
            m = read(folder)
            name = m["inputs"][0]["name"]
            shape = [1] + m["inputs"][0]["shape"][1:]
            known = np.array(m["known_answer"]["input"][name], dtype=np.float32).reshape(shape)
            rows = predictions(folder)
            self.assertEqual(len(rows), 12)
            batch = np.stack([synthetic(m["name"], int(row["input"])) for row in rows]).reshape([-1] + shape[1:])
            with BackEnd(CPU, f"{folder}/{m['file']}") as back:
                got = back.run({name: known})
                for output, values in m["known_answer"]["output"].items():
                    np.testing.assert_allclose(got[output].reshape(-1), values, rtol=0, atol=m["known_answer"]["tolerance"])
                asked = manifest.known_input(int(np.prod(shape)), m["known"]["lo"], m["known"]["hi"]).reshape(shape)
                self.assertAlmostEqual(float(back.run({name: asked})[m["known"]["output"]][0, 0]), m["known"]["want"][0], 3)
                got = back.run({name: batch})
                one = back.run({name: batch[:1]})
            c = m["calibration"]
            got["probability"] = figures.sigmoid(c["scale"] * got["logit"] + c["shift"])
            for column in set(rows[0]) - {"input"}:
                np.testing.assert_allclose(got[column][:, 0], [row[column] for row in rows], rtol=0, atol=1e-4)
            np.testing.assert_allclose(one["logit"], got["logit"][:1], rtol=0, atol=1e-5)


if __name__ == "__main__":
    unittest.main()
