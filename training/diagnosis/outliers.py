"""Pictures that are no upright chest film, made by arithmetic: spoiled training films and drawn patterns.

The guard learns from these alone what *far* is. Photographs, ultrasound, CT and the other sets are only judged.
"""
import numpy as np


def smooth(rng, side, scale):
    """Noise whose waves are about `scale` cells long, of 0..1."""
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    noise = np.real(np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) * np.exp(-(f * scale) ** 2)))
    low, high = noise.min(), noise.max()
    return (noise - low) / max(high - low, 1e-9)


def shapes(rng, side):
    """Ellipses, rectangles and bars over a background."""
    y, x = np.mgrid[0:side, 0:side] / side
    im = np.full((side, side), rng.random()) + rng.normal(0, 0.4) * (x * rng.normal() + y * rng.normal())
    for _ in range(rng.integers(1, 9)):
        cx, cy, w, h, turn = rng.random(), rng.random(), rng.uniform(0.03, 0.5), rng.uniform(0.03, 0.5), rng.uniform(0, np.pi)
        u, v = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn), (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        inside = (u / w) ** 2 + (v / h) ** 2 < 1 if rng.random() < 0.6 else (abs(u) < w) & (abs(v) < h)
        im[inside] = rng.random() + (rng.normal(0, 0.3) * u / w)[inside]
    return im


def waves(rng, side):
    y, x = np.mgrid[0:side, 0:side]
    turn, length = rng.uniform(0, np.pi), rng.uniform(2, 20)
    wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / length + rng.uniform(0, 6))
    return 0.5 + rng.uniform(0.1, 0.5) * (np.sign(wave) if rng.random() < 0.4 else wave)


def sector(rng, side):
    """Something bright in a part of a black picture, as scanners show it: a fan, a disc, a strip."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    cx, cy, r = rng.normal(0, 0.1), rng.normal(0, 0.1), rng.uniform(0.2, 0.5)
    kind = rng.integers(3)
    if kind == 0:
        inside = ((x - cx) / r) ** 2 + ((y - cy) / (r * rng.uniform(0.6, 1.4))) ** 2 < 1
    elif kind == 1:
        inside = (np.abs(x - cx) < (y + 0.5) * rng.uniform(0.3, 1)) & (np.hypot(x - cx, y + 0.5) < rng.uniform(0.6, 1))
    else:
        inside = np.abs(x - cx if rng.random() < 0.5 else y - cy) < r * 0.7
    texture = smooth(rng, side, rng.uniform(1, 10)) * rng.uniform(0.3, 1) + 0.4 * shapes(rng, side) * (rng.random() < 0.5)
    return np.where(inside, texture, rng.uniform(0, 0.1))


def patches(rng, im):
    """The film cut into squares and put together in another order."""
    n = int(rng.choice([2, 4]))
    s = im.shape[0] // n
    squares = [im[i * s:(i + 1) * s, j * s:(j + 1) * s] for i in range(n) for j in range(n)]
    order = np.roll(np.arange(n * n), 1) if n == 2 else rng.permutation(n * n)
    return np.block([[squares[order[i * n + j]] for j in range(n)] for i in range(n)])


def phases(rng, im):
    """The film's frequencies with the phases of noise: its texture without its shape."""
    other = np.fft.fft2(rng.standard_normal(im.shape))
    out = np.real(np.fft.ifft2(np.abs(np.fft.fft2(im)) * other / np.maximum(np.abs(other), 1e-9)))
    return out


def part(rng, im):
    """A third to a half of the film's side, enlarged: no whole chest."""
    side = im.shape[0]
    w = int(rng.integers(side // 3, side // 2 + 1))
    y, x = rng.integers(0, side - w + 1, 2)
    at = (np.arange(side) * w) // side
    return im[y:y + w, x:x + w][at][:, at]


def shrunk(rng, im):
    """The film in a half to two thirds of the picture, the rest of one grey."""
    side = im.shape[0]
    w = int(rng.integers(side // 2, 2 * side // 3 + 1))
    at = (np.arange(w) * side) // w
    out = np.full_like(im, rng.random())
    y, x = rng.integers(0, side - w + 1, 2)
    out[y:y + w, x:x + w] = im[at][:, at]
    return out


def spoiled(rng, im):
    kind = rng.integers(9)
    if kind <= 2:
        return np.rot90(im, kind + 1)
    if kind == 3:
        return im[::-1]
    if kind == 4:
        return 1 - im
    return (patches, phases, part, shrunk)[kind - 5](rng, im)


def drawn(rng, side):
    kind = rng.integers(8)
    if kind == 0:
        return rng.random((side, side)) if rng.random() < 0.5 else 0.5 + rng.uniform(0.05, 0.4) * rng.standard_normal((side, side))
    if kind == 1:
        return np.full((side, side), rng.random()) + rng.uniform(0, 0.05) * rng.standard_normal((side, side))
    if kind == 2:
        return waves(rng, side)
    if kind <= 4:
        return smooth(rng, side, rng.uniform(1, 16))
    if kind == 5:
        return sector(rng, side)
    return shapes(rng, side) + rng.uniform(0, 0.2) * smooth(rng, side, 2)


def make(films, n, seed):
    """[n, side, side] float32 of 0..1: half spoiled films, half drawn."""
    rng = np.random.default_rng(seed)
    out = np.empty((n,) + films.shape[1:], dtype=np.float32)
    for i in range(n):
        im = spoiled(rng, films[rng.integers(len(films))]) if i % 2 == 0 else drawn(rng, films.shape[1])
        if rng.random() < 0.3:  # another brightness and contrast
            im = (im - im.mean()) * rng.uniform(0.4, 1.6) + rng.uniform(0.2, 0.8)
        out[i] = np.clip(im, 0, 1)
    return out
