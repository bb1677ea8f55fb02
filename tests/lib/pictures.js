'use strict';
// Pictures for tests: the demo's portraits, changed, as PNG. build/tests/pixels decodes.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { build, photo, data } = require('./paths');

// {w, h, rgb} of a JPEG or PNG file.
function pixels(file) {
  const ppm = execFileSync(path.join(build, 'tests/pixels'), [file], { maxBuffer: 64 << 20 });
  const head = /^P6\n(\d+) (\d+)\n255\n/.exec(ppm.subarray(0, 40).toString('latin1'));
  return { w: Number(head[1]), h: Number(head[2]), rgb: ppm.subarray(head[0].length) };
}

// One colour everywhere.
const plain = (w, h, value = 180) => ({ w, h, rgb: Buffer.alloc(3 * w * h, value) });

// Scaled, turned (radians), brighter and moved: what a second capture of the same face would be,
// made from the first.
function recapture(im, { scale = 1, turn = 0, bright = 1, move = 0 } = {}) {
  const w = Math.round(im.w * scale), h = Math.round(im.h * scale);
  const out = Buffer.alloc(3 * w * h);
  const [c, s] = [Math.cos(turn) / scale, Math.sin(turn) / scale];
  const at = (x, y, k) => im.rgb[3 * (Math.min(im.h - 1, Math.max(0, y)) * im.w + Math.min(im.w - 1, Math.max(0, x))) + k];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const u = c * (x - w / 2) - s * (y - h / 2) + im.w / 2 - move, v = s * (x - w / 2) + c * (y - h / 2) + im.h / 2;
      const [i, j] = [Math.floor(u), Math.floor(v)], [a, b] = [u - i, v - j];
      for (let k = 0; k < 3; k++) {
        const value = (at(i, j, k) * (1 - a) + at(i + 1, j, k) * a) * (1 - b) + (at(i, j + 1, k) * (1 - a) + at(i + 1, j + 1, k) * a) * b;
        out[3 * (y * w + x) + k] = Math.min(255, Math.round(value * bright));
      }
    }
  }
  return { w, h, rgb: out };
}

// Two pictures of one height, side by side.
function beside(a, b) {
  const out = Buffer.alloc(3 * (a.w + b.w) * a.h);
  for (let y = 0; y < a.h; y++) {
    a.rgb.copy(out, 3 * y * (a.w + b.w), 3 * y * a.w, 3 * (y + 1) * a.w);
    b.rgb.copy(out, 3 * (y * (a.w + b.w) + a.w), 3 * y * b.w, 3 * (y + 1) * b.w);
  }
  return { w: a.w + b.w, h: a.h, rgb: out };
}

// Every value of every pixel by a function of it.
const mapped = (im, f) => ({ ...im, rgb: Buffer.from(im.rgb.map((v) => Math.max(0, Math.min(255, Math.round(f(v)))))) });

// Turned to the right by 90 degrees, so many times.
function quarter(im, times = 1) {
  if (times === 0) return im;
  const rgb = Buffer.alloc(im.rgb.length);
  for (let y = 0; y < im.h; y++) for (let x = 0; x < im.w; x++) im.rgb.copy(rgb, 3 * (x * im.h + im.h - 1 - y), 3 * (y * im.w + x), 3 * (y * im.w + x) + 3);
  return quarter({ w: im.h, h: im.w, rgb }, times - 1);
}

function crop(im, x, y, w, h) {
  const rgb = Buffer.alloc(3 * w * h);
  for (let j = 0; j < h; j++) im.rgb.copy(rgb, 3 * j * w, 3 * ((y + j) * im.w + x), 3 * ((y + j) * im.w + x + w));
  return { w, h, rgb };
}

// Each value eight times, less its eight neighbours: what remains are edges.
function edges(im) {
  const rgb = Buffer.alloc(im.rgb.length);
  const at = (x, y, c) => im.rgb[3 * (Math.max(0, Math.min(im.h - 1, y)) * im.w + Math.max(0, Math.min(im.w - 1, x))) + c];
  for (let i = 0; i < rgb.length; i++) {
    const [x, y, c] = [Math.floor(i / 3) % im.w, Math.floor(i / 3 / im.w), i % 3];
    let sum = 9 * at(x, y, c);
    for (let v = -1; v <= 1; v++) for (let u = -1; u <= 1; u++) sum -= at(x + u, y + v, c);
    rgb[i] = Math.max(0, Math.min(255, sum));
  }
  return { ...im, rgb };
}

const crcTable = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

function chunk(type, body) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length);
  out.write(type, 4, 'latin1');
  body.copy(out, 8);
  let crc = 0xffffffff;
  for (const byte of out.subarray(4, 8 + body.length)) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 8 + body.length);
  return out;
}

function png({ w, h, rgb }) {
  const rows = Buffer.alloc(h * (1 + 3 * w));
  for (let y = 0; y < h; y++) rgb.copy(rows, y * (1 + 3 * w) + 1, 3 * y * w, 3 * (y + 1) * w);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(w);
  head.writeUInt32BE(h, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head),
    chunk('IDAT', zlib.deflateSync(rows, { level: 1 })), chunk('IEND', Buffer.alloc(0))]);
}

// A real pair of the same person, and another person: LFW, where it is at hand.
function lfw() {
  const dir = path.join(data, 'face_lfw/images');
  const read = (name) => fs.readFileSync(path.join(dir, name));
  if (!fs.existsSync(path.join(dir, 'Abel_Pacheco_0001.jpg'))) return undefined;
  return { one: read('Abel_Pacheco_0001.jpg'), again: read('Abel_Pacheco_0004.jpg'), other: read('Akhmed_Zakayev_0001.jpg') };
}

module.exports = { pixels, plain, recapture, beside, mapped, quarter, crop, edges, png, lfw, portrait: (name) => pixels(photo(name)), jpeg: (name) => fs.readFileSync(photo(name)), photo };
