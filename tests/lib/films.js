'use strict';
// Films of nobody, as PNG: drawn by a formula, for tests and for the demo.

const zlib = require('node:zlib');

// A PNG of w x h grey values, from grey(x, y) in 0..255.
function png(w, h, grey) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  head.set([8, 0, 0, 0, 0], 8); // 8 bits, grey
  const rows = Buffer.alloc((w + 1) * h);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) rows[y * (w + 1) + 1 + x] = grey(x, y);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}
function crc32(bytes) {
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1));
  }
  return ~c >>> 0;
}

// Picture k of models/chest/1/predictions.tsv, where the formula stands, each pixel `times` times as wide and high. The odd ones are of
// two lungs: as like a film as a formula gets.
function drawn(k, times = 1) {
  return png(28 * times, 28 * times, (px, py) => {
    const [x, y] = [Math.floor(px / times), Math.floor(py / times)];
    const m = ((k % 4) * y * y + (3 * k % 5) * x * x + (7 * k % 3) * x * y + (5 + 2 * k) * x + (3 + k) * y + 17 * k) % 510;
    const wave = m <= 255 ? m : 510 - m;
    if (k % 2 === 0) return wave;
    const d = Math.min(4 * (2 * x - 15) ** 2, 4 * (2 * x - 41) ** 2) + (2 * y - 22) ** 2;
    return 170 + k - Math.max(0, 40 - Math.floor(d / 9)) - Math.floor((2 * x - 27) ** 2 / 12) + Math.floor(wave / 24);
  });
}

module.exports = { png, drawn };
