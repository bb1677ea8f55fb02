"""Writes services/diagnosis/steps/steps_peer.h: what OpenCV, SciPy, NumPy and pydicom make of the picture that steps_test.c makes too.

Run it again after a step is added: /usr/bin/python3 tests/peers/steps.py
Needs Debian's python3-opencv (4.6), python3-scipy (1.10), python3-pydicom (2.3) and python3-numpy; building and testing Ward does not.
"""
import os

import cv2
import numpy as np
import pydicom
import scipy.ndimage
from pydicom.dataset import Dataset
from pydicom.pixel_data_handlers.util import apply_voi_lut

W, H = 21, 17


def picture():
    y, x = np.mgrid[0:H, 0:W]
    return ((3 * x * x + 5 * y * y + 7 * x * y + 13 * ((31 * x + 17 * y) % 11)) % 256).astype(np.uint8)


def rotated(im, degrees, fill):
    a = np.deg2rad(degrees)
    m = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])  # of (row, column)
    middle = (np.array(im.shape) - 1) / 2
    return scipy.ndimage.affine_transform(im, m, middle - m @ middle, order=1, mode="grid-constant", cval=fill)


def windowed(im, centre, width, function):
    ds = Dataset()
    ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = centre, width, function
    ds.PhotometricInterpretation, ds.BitsStored, ds.PixelRepresentation = "MONOCHROME2", 8, 0
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    return apply_voi_lut(im.copy(), ds)


def main():
    im = picture()
    f = im.astype(np.float32)
    d = im.astype(np.float64)
    peers = [
        ("area", "cv2.resize, INTER_AREA, to 7x5", cv2.resize(f, (7, 5), interpolation=cv2.INTER_AREA)),
        ("bilinear", "cv2.resize, INTER_LINEAR, to 13x30", cv2.resize(f, (13, 30), interpolation=cv2.INTER_LINEAR)),
        ("turn_90", "numpy.rot90, clockwise", np.rot90(f, -1)),
        ("turn_180", "numpy.rot90, twice", np.rot90(f, 2)),
        ("turn_270", "numpy.rot90, anticlockwise", np.rot90(f, 1)),
        ("rotate", "scipy.ndimage.affine_transform, 17 degrees clockwise, 9 outside", rotated(d, 17, 9)),
        ("clahe", "cv2.createCLAHE(2, (4, 4))", cv2.createCLAHE(2, (4, 4)).apply(im)),
        ("clahe_even", "cv2.createCLAHE(3, (2, 2)) of 20x16 pixels", cv2.createCLAHE(3, (2, 2)).apply(np.ascontiguousarray(im[:16, :20]))),
        ("clahe_free", "cv2.createCLAHE(0, (3, 3))", cv2.createCLAHE(0, (3, 3)).apply(im)),
        ("median", "scipy.ndimage.median_filter(5, nearest)", scipy.ndimage.median_filter(f, 5, mode="nearest")),
        ("gaussian", "scipy.ndimage.gaussian_filter(1.3, nearest)", scipy.ndimage.gaussian_filter(d, 1.3, mode="nearest")),
        ("linear", "pydicom apply_voi_lut, LINEAR, 100 and 80", windowed(d, 100, 80, "LINEAR")),
        ("linear_exact", "pydicom apply_voi_lut, LINEAR_EXACT, 100 and 80", windowed(d, 100, 80, "LINEAR_EXACT")),
        ("sigmoid", "pydicom apply_voi_lut, SIGMOID, 100 and 80", windowed(d, 100, 80, "SIGMOID")),
        ("gray", "cv2.cvtColor, COLOR_RGB2GRAY, of the picture with red 200 and green 100",
         cv2.cvtColor(np.dstack([np.full_like(f, 200), np.full_like(f, 100), f]), cv2.COLOR_RGB2GRAY)),
    ]
    out = os.path.join(os.path.dirname(__file__), "../../services/diagnosis/steps/steps_peer.h")
    with open(out, "w") as to:
        to.write("/* steps_peer.h - printed by tests/peers/steps.py from OpenCV %s, SciPy %s and pydicom %s; for steps_test.c.\n"
                 " * Threads: constant. Memory: none. Errors: none. */\n" % (cv2.__version__, scipy.__version__, pydicom.__version__))
        to.write("#ifndef DIAGNOSIS_STEPS_PEER_H\n#define DIAGNOSIS_STEPS_PEER_H\n\n/* clang-format off */\n")
        for name, what, v in peers:
            v = np.asarray(v, dtype=np.float64)
            to.write(f"/* {what} */\nenum {{ {name}_w = {v.shape[1]}, {name}_h = {v.shape[0]} }};\nstatic const float {name}_peer[] = {{\n")
            flat = [f"{x:.6g}" for x in v.ravel()]
            flat = [x + ("f" if "." in x or "e" in x else "") for x in flat]
            line = "   "
            for x in flat:
                if len(line) + len(x) > 94:
                    to.write(line + "\n")
                    line = "   "
                line += f" {x},"
            to.write(line + "\n};\n")
        to.write("/* clang-format on */\n\n#endif\n")


if __name__ == "__main__":
    main()
