'use strict';
// Frames of a video that nobody filmed: a photograph whose head is turned as a ball would turn, and
// whose eyes are painted shut. The models see a turn and a blink in them, which is what the tests of
// VerifyVideo need; they say nothing of how real people move.

const pictures = require('../../lib/pictures');

// christian.jpg: the head as a ball, and both eyes, in its pixels.
const christian = { photo: 'christian', head: { x: 219, y: 175, rx: 84, ry: 110 }, eyes: [[196, 141], [252, 145]], eye: 15 };

const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));

function sample(im, x, y, k) {
  const [u, v] = [clamp(x, 0, im.w - 1.001), clamp(y, 0, im.h - 1.001)];
  const [i, j] = [Math.floor(u), Math.floor(v)], [a, b] = [u - i, v - j];
  const at = (p, q) => im.rgb[3 * (q * im.w + p) + k];
  return (at(i, j) * (1 - a) + at(i + 1, j) * a) * (1 - b) + (at(i, j + 1) * (1 - a) + at(i + 1, j + 1) * a) * b;
}

// Degrees to the person's left, which is the picture's right.
function turned(im, { x: cx, y: cy, rx, ry }, degrees) {
  const out = Buffer.from(im.rgb), [c, s] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
  for (let y = 0; y < im.h; y++) {
    for (let x = 0; x < im.w; x++) {
      const [u, v] = [(x - cx) / rx, (y - cy) / ry], depth = 1 - u * u - v * v;
      if (depth <= 0) continue;
      const from = cx + rx * (u * c - Math.sqrt(depth) * s);
      for (let k = 0; k < 3; k++) out[3 * (y * im.w + x) + k] = Math.round(sample(im, from, y, k));
    }
  }
  return { ...im, rgb: out };
}

// Lids in the colour of the skin below the eye, with a dark line where they meet.
function shut(im, eyes, rx) {
  const out = Buffer.from(im.rgb), ry = 0.55 * rx;
  for (const [cx, cy] of eyes) {
    const skin = [0, 1, 2].map((k) => sample(im, cx, cy + 2.2 * ry, k));
    for (let y = Math.floor(cy - ry); y <= cy + ry; y++) {
      for (let x = Math.floor(cx - rx); x <= cx + rx; x++) {
        const [u, v] = [(x - cx) / rx, (y - cy) / ry], r = u * u + v * v;
        if (r >= 1) continue;
        const lash = Math.exp(-(((v - 0.45 + 0.35 * u * u) / 0.16) ** 2)), w = Math.min(1, 3 * (1 - r));
        for (let k = 0; k < 3; k++) {
          const at = 3 * (y * im.w + x) + k;
          out[at] = Math.round(out[at] * (1 - w) + w * skin[k] * (1 - 0.65 * lash));
        }
      }
    }
  }
  return { ...im, rgb: out };
}

// The frames a test needs, as JPEG or PNG bytes by name: straight, blink, left, right.
function actor(who = christian) {
  const im = pictures.portrait(who.photo);
  return {
    straight: pictures.png(im),
    blink: pictures.png(shut(im, who.eyes, who.eye)),
    left: pictures.png(turned(im, who.head, 36)),
    right: pictures.png(turned(im, who.head, -46)),
  };
}

// The picture on a screen before another camera: a dark frame, its grid of points, less sharp.
function onScreen(im) {
  const out = { w: im.w, h: im.h, rgb: Buffer.alloc(3 * im.w * im.h, 150) }, [edge, frame] = [0.05 * im.w, 0.1 * im.w];
  const seen = (x, y, k) => {
    if (x < edge || y < edge || x >= im.w - edge || y >= im.h - edge) return 150;
    if (x < frame || y < frame || x >= im.w - frame || y >= im.h - frame) return 18;
    const [u, v] = [(x - frame) / (im.w - 2 * frame) * (im.w - 1), (y - frame) / (im.h - 2 * frame) * (im.h - 1)];
    return sample(im, u, v, k) * (1 + 0.06 * Math.sin(2 * Math.PI * (u / 3.3 + k / 3)) + 0.04 * Math.sin(2 * Math.PI * v / 4.1));
  };
  const row = new Float64Array(3 * im.w * im.h);
  for (let y = 0; y < im.h; y++) for (let x = 0; x < im.w; x++) for (let k = 0; k < 3; k++) row[3 * (y * im.w + x) + k] = seen(x, y, k);
  const at = (x, y, k) => row[3 * (clamp(y, 0, im.h - 1) * im.w + clamp(x, 0, im.w - 1)) + k];
  for (let y = 0; y < im.h; y++) {
    for (let x = 0; x < im.w; x++) {
      for (let k = 0; k < 3; k++) {
        let sum = 0;
        for (const j of [-1, 0, 1]) for (const i of [-1, 0, 1]) sum += at(x + i, y + j, k) * (i === 0 ? 2 : 1) * (j === 0 ? 2 : 1);
        out.rgb[3 * (y * im.w + x) + k] = clamp(Math.round(sum / 16), 0, 255);
      }
    }
  }
  return out;
}

module.exports = { onScreen, sample, actor, turned, shut, christian };
