"""Pictures the chest model must refuse to read: adult films (near), and everything else (far), as [n, 28, 28] of 0..255."""
import glob
import warnings

import numpy as np

import pixels
import splits

EVERY = 4  # of the photographs, one in four: 580 of LFW, 573 of UTKFace
# Files of data/dicom by modality; computed and digital radiographs (CR, DX, RG) are neither near nor far: printed apart.
FAR = {"CT", "MR", "MG", "NM", "XA", "US", "OT", "VL"}


def stack(found):
    return np.stack(list(found))


def adult_films(half):
    folder = f"{splits.DATA}/cxr_adult/images"
    return stack(pixels.from_file(f"{folder}/{name}") for name, _, h in splits.read_films() if h == half)


def photographs(name):
    return stack(pixels.from_file(p) for p in sorted(glob.glob(f"{splits.DATA}/{name}/images/*"))[::EVERY])


def ultrasound():
    d = np.load(f"{splits.DATA}/img_busi/busi_128_grey.npz")
    return stack(pixels.to_square(im.astype(np.float64)) for s in ("train", "val", "test") for im in d[f"{s}_images"])


def noise():
    rng = np.random.default_rng(7)
    white = rng.integers(0, 256, (100, 28, 28)).astype(np.float64)
    normal = np.clip(rng.normal(128, 50, (100, 28, 28)), 0, 255)
    blocks = np.stack([np.kron(b, np.ones((4, 4))) for b in rng.integers(0, 256, (100, 7, 7)).astype(np.float64)])
    large = np.stack([pixels.to_square(im) for im in rng.integers(0, 256, (100, 280, 280)).astype(np.float64)])
    return np.concatenate([white, normal, blocks, large])


def dicom_frame(path):
    """(modality, [28, 28]) of a file's middle frame, or None where pydicom and GDCM read no picture."""
    import pydicom
    from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut
    try:
        d = pydicom.dcmread(path, force=True)
        if "PixelData" not in d or d.get("Modality") in ("RTDOSE", "SEG"):
            return None
        a = d.pixel_array
    except Exception:  # broken on purpose, or of a kind that these libraries do not read
        return None
    if int(d.get("NumberOfFrames", 1) or 1) > 1:
        a = a[len(a) // 2]
    if d.get("SamplesPerPixel", 1) == 3:
        a = pixels.grey(a.astype(np.float64)) if d.PhotometricInterpretation == "RGB" else a[..., 0].astype(np.float64)
    else:
        a = apply_voi_lut(apply_modality_lut(a, d), d).astype(np.float64)
        if d.PhotometricInterpretation == "MONOCHROME1":
            a = a.max() - a
    a = (a - a.min()) / max(a.max() - a.min(), 1e-9) * 255
    # A mammogram says RG and BREAST in this collection.
    return "MG" if d.get("BodyPartExamined") == "BREAST" else d.get("Modality"), pixels.to_square(a)


def dicom():
    """(far, other radiographs); equal pictures, as of one slice in many transfer syntaxes, once."""
    far, films, seen = [], [], set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(glob.glob(f"{splits.DATA}/dicom/**/*.dcm", recursive=True)):
            found = dicom_frame(path)
            if found is None or (key := np.round(found[1] / 8).tobytes()) in seen:
                continue
            seen.add(key)
            if found[0] in FAR:
                far.append(found[1])
            elif found[0] in ("CR", "DX", "RG"):
                films.append(found[1])
    return stack(far), stack(films)


def sets():
    """{name: (near, far or apart, pictures)}"""
    other, films = dicom()
    return {"adult films, judging half": ("near", adult_films("judge")), "photographs (face_lfw)": ("far", photographs("face_lfw")),
            "photographs (face_groups)": ("far", photographs("face_groups")), "breast ultrasound (img_busi)": ("far", ultrasound()),
            "other modalities (dicom)": ("far", other), "noise": ("far", noise()), "other radiographs (dicom)": ("apart", films)}


if __name__ == "__main__":
    for name, (group, found) in sets().items():
        print(group, name, found.shape)
