"""From a picture file to a model's pixels, as a manifest's `preprocess` describes it.

The diagnosis service does the same in C; docs/diagnosis-models.md defines each step. All
arithmetic is in float64 here and is rounded to float32 once, at the end.
"""
import numpy as np
from PIL import Image


def decode(path):
    """[h, w, 3] of 0..255; alpha is dropped, 16 bits become 8 by dropping the lower byte."""
    with Image.open(path) as im:
        if im.mode in ("I;16", "I"):
            grey = (np.asarray(im).astype(np.int64) >> 8).astype(np.float64)
            return np.repeat(grey[:, :, None], 3, axis=2)
        return np.asarray(im.convert("RGB")).astype(np.float64)


def grey(rgb):
    """[h, w]: ITU-R BT.601 luma, not rounded."""
    return rgb @ np.array([0.299, 0.587, 0.114])


def crop_centre_square(im):
    """The largest square in the middle; an odd remainder leaves one more row or column after it."""
    h, w = im.shape
    side = min(h, w)
    y, x = (h - side) // 2, (w - side) // 2
    return im[y:y + side, x:x + side]


def area_weights(n_in, n_out):
    """[n_out, n_in]: what share of each output cell each input cell covers; rows add up to 1."""
    edges = np.arange(n_out + 1) * (n_in / n_out)
    left = np.maximum(edges[:-1, None], np.arange(n_in)[None, :])
    right = np.minimum(edges[1:, None], np.arange(1, n_in + 1)[None, :])
    return np.maximum(right - left, 0) / (n_in / n_out)


def resize_area(im, side):
    """[side, side]: each pixel is the mean of the rectangle of the picture that it covers."""
    return area_weights(im.shape[0], side) @ im @ area_weights(im.shape[1], side).T


def to_square(im_grey, side=28):
    """[side, side] of 0..255 from a grey picture."""
    return resize_area(crop_centre_square(im_grey), side)


def from_file(path, side=28):
    return to_square(grey(decode(path)), side)
