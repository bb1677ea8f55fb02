#!/usr/bin/env python3
"""The middle frame of DICOM files by decoders that Ward does not use: dcmtk decompresses JPEG, JPEG-LS and RLE, Pillow (OpenJPEG)
JPEG 2000, and pydicom reads the header, native pixels, palettes and YBR colours.

dicom.py FOLDER FILE...: for each file a line of JSON, and FOLDER/<number>.raw with 32-bit floats (stored values) or bytes (red, green,
blue), as tests/tools/film.c writes them.
"""
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pydicom
from pydicom.pixel_data_handlers.util import apply_color_lut, convert_color_space

TOOLS = {"4.5": "dcmdjpeg", "4.7": "dcmdjpeg", "4.8": "dcmdjpls", "5": "dcmdrle"}
ROOT = "1.2.840.10008.1.2."


def decompressed(path, syntax):
    """(dataset, tool): with native pixels where dcmtk decompresses the syntax."""
    kind = syntax[len(ROOT):]
    tool = TOOLS.get(kind[:3], TOOLS.get(kind)) if syntax.startswith(ROOT) else None
    if tool is None:
        return pydicom.dcmread(path), "pydicom" if kind[:3] != "4.9" else "openjpeg"
    with tempfile.TemporaryDirectory() as folder:
        to = os.path.join(folder, "native.dcm")
        how = [tool, "+cn"] if tool == "dcmdjpeg" else [tool]  # colours as they are stored
        subprocess.run([*how, path, to], check=True, stderr=subprocess.DEVNULL)
        d = pydicom.dcmread(to)
        d.PixelData = bytes(d.PixelData)
        return d, tool


def frame(d, photometric):
    """The middle frame, stored values or RGB."""
    a = d.pixel_array
    n = int(d.get("NumberOfFrames", 1) or 1)
    if n > 1:
        a = a[n // 2]
    if photometric == "PALETTE COLOR":
        a = apply_color_lut(a, d)
        if int(d.RedPaletteColorLookupTableDescriptor[2]) == 16:
            a = a >> 8
        return a.astype(np.uint8)
    if photometric in ("YBR_FULL", "YBR_FULL_422"):
        return convert_color_space(a, "YBR_FULL", "RGB")
    if d.SamplesPerPixel == 3:
        return a.astype(np.uint8)
    return a.astype(np.float32)


def one(path, to):
    head = pydicom.dcmread(path, stop_before_pixels=True)
    syntax = str(head.file_meta.TransferSyntaxUID)
    d, tool = decompressed(path, syntax)
    if tool == "openjpeg":
        pydicom.config.pixel_data_handlers = [pydicom.pixel_data_handlers.pillow_handler]
    else:
        pydicom.config.pixel_data_handlers = [pydicom.pixel_data_handlers.numpy_handler]
    a = frame(d, str(head.PhotometricInterpretation))
    a.tofile(to)
    return {"tool": tool, "rows": a.shape[0], "columns": a.shape[1], "rgb": a.ndim == 3, "syntax": syntax,
            "modality": str(head.get("Modality", "")), "body_part": str(head.get("BodyPartExamined", "")),
            "view": str(head.get("ViewPosition", ""))}


def main():
    warnings.simplefilter("ignore")
    folder = sys.argv[1]
    for i, path in enumerate(sys.argv[2:]):
        try:
            print(json.dumps(one(path, os.path.join(folder, f"{i}.raw"))), flush=True)
        except Exception as e:  # a peer that refuses says why
            print(json.dumps({"refused": f"{type(e).__name__}: {e}"[:120]}), flush=True)


main()
