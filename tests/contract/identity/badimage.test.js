'use strict';
// Photographs that are none, are damaged, too much, or unusual: each is refused by name or read as
// what it is, and the service's memory stays within what its workers may use.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const pictures = require('../../lib/pictures');
const { must } = require('../../lib/proc');
const { build, root, folder } = require('../../lib/paths');
const { Site, skip } = require('./site');

const WORKERS = 2;
const ARENA_MIB = 128; // services/identity/identity.h: IDENTITY_ARENA
const LIBRARY_MIB = 112; // libjpeg's and libpng's own for 16 Mpx

let site, dir, id, upright;
const corpus = (name) => fs.readFileSync(path.join(root, 'tests/fuzz/corpus/image', name));

before(async () => {
  if (skip) return;
  site = await Site.start({ env: { identity: { WARD_WORKERS: String(WORKERS), WARD_STREAMS: '1' } } });
  dir = folder('badimage');
  upright = pictures.portrait('christian');
  id = (await site.enrol(pictures.jpeg('christian'))).subject_id;
});
after(() => site && site.stop());

const verify = (photograph) => site.verify(id, photograph);
const memory = (what) => Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${site.ward.services.identity.proc.pid}/status`, 'utf8'))[1]) / 1024;

function pngOf(w, h, bits, colour, raw, before = []) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(w);
  head.writeUInt32BE(h, 4);
  head.set([bits, colour, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), ...before, chunk('IDAT', raw), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, body) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length);
  out.write(type, 4, 'latin1');
  body.copy(out, 8);
  out.writeUInt32BE(zlib.crc32 ? zlib.crc32(out.subarray(4, 8 + body.length)) : crc(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}
function crc(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) { c ^= b; for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1; }
  return (c ^ 0xffffffff) >>> 0;
}

// The frame header of a baseline JPEG says another size.
function resized(jpeg, w, h) {
  const out = Buffer.from(jpeg);
  for (let at = 2; at + 9 < out.length; at += 2 + out.readUInt16BE(at + 2)) {
    if (out[at + 1] < 0xc0 || out[at + 1] > 0xc2) continue;
    out.writeUInt16BE(h, at + 5);
    out.writeUInt16BE(w, at + 7);
    return out;
  }
  throw new Error('no frame header');
}

// What a camera held another way stores of an upright picture (EXIF 2.32, tag 274).
function stored(im, o) {
  const [w, h] = o >= 5 ? [im.h, im.w] : [im.w, im.h], out = { w, h, rgb: Buffer.alloc(3 * w * h) };
  const to = [null, (x, y) => [x, y], (x, y) => [w - 1 - x, y], (x, y) => [w - 1 - x, h - 1 - y], (x, y) => [x, h - 1 - y],
    (x, y) => [y, x], (x, y) => [h - 1 - y, x], (x, y) => [h - 1 - y, w - 1 - x], (x, y) => [y, w - 1 - x]][o];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [u, v] = to(x, y);
      im.rgb.copy(out.rgb, 3 * (y * w + x), 3 * (v * im.w + u), 3 * (v * im.w + u) + 3);
    }
  }
  return out;
}

async function jpegOf(im, grow = 1) {
  const [from, to] = [path.join(dir, 'in.png'), path.join(dir, 'out.jpg')];
  fs.writeFileSync(from, pictures.png(im));
  await must([path.join(build, 'tests/recapture'), from, to, '0', '1', '1', '95', String(grow)]);
  return fs.readFileSync(to);
}

function withExif(jpeg, orientation) {
  const tiff = Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1, 0, body.length + 2]), body, jpeg.subarray(2)]);
}

const BAD = [
  ['no bytes', () => Buffer.alloc(0), 'IMAGE_EMPTY'],
  ['one byte', () => Buffer.from([0xff]), 'IMAGE_FORMAT'],
  ['random bytes', () => crypto.randomBytes(100000), 'IMAGE_FORMAT'],
  ['text', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'IMAGE_FORMAT'],
  ['an animated GIF', () => Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0!\xf9\x04\0\x0a\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;', 'latin1'), 'IMAGE_FORMAT'],
  ['an animated PNG', () => corpus('animated.png'), 'IMAGE_ANIMATED'],
  ['a CMYK JPEG', () => corpus('cmyk.jpg'), 'IMAGE_COLOUR'],
  ['a JPEG cut in its header', () => pictures.jpeg('christian').subarray(0, 20), 'IMAGE_BROKEN'],
  ['a JPEG cut in the middle', () => pictures.jpeg('christian').subarray(0, 30000), 'IMAGE_BROKEN'],
  ['a JPEG without its last bytes', () => pictures.jpeg('christian').subarray(0, -10), 'IMAGE_BROKEN'],
  ['a JPEG with a random middle', () => { const b = Buffer.from(pictures.jpeg('christian')); crypto.randomBytes(4000).copy(b, 20000); return b; }, 'IMAGE_BROKEN'],
  ['a PNG cut in the middle', () => pictures.png(upright).subarray(0, 60000), 'IMAGE_BROKEN'],
  ['a PNG with a wrong sum', () => { const b = pictures.png(upright); b[b.length - 20] ^= 1; return b; }, 'IMAGE_BROKEN'],
  ['a PNG whose pixels are another file', () => pngOf(64, 64, 8, 2, zlib.deflateSync(crypto.randomBytes(40))), 'IMAGE_BROKEN'],
  ['a PNG without pixels', () => pngOf(0, 0, 8, 2, zlib.deflateSync(Buffer.alloc(1))), 'IMAGE_BROKEN'],
  ['a PNG that says 16,384 x 16,384', () => pngOf(16384, 16384, 8, 2, zlib.deflateSync(Buffer.alloc(1000))), 'IMAGE_TOO_LARGE'],
  ['a PNG that says 2 x 1,000,000', () => pngOf(2, 1000000, 8, 2, zlib.deflateSync(Buffer.alloc(1000))), 'IMAGE_TOO_LARGE'],
  ['a JPEG that says 65,500 x 65,500', () => resized(pictures.jpeg('christian'), 65500, 65500), 'IMAGE_TOO_LARGE'],
  ['a JPEG that says 4,096 x 4,096', () => resized(pictures.jpeg('christian'), 4096, 4096), 'IMAGE_BROKEN'],
  ['a JPEG of one scan that says 8,193 x 8,193', () => resized(pictures.jpeg('christian'), 8193, 8193), 'IMAGE_TOO_LARGE'],
  ['a progressive JPEG that says 4,097 x 4,097', () => resized(corpus('progressive.jpg'), 4097, 4097), 'IMAGE_TOO_LARGE'],
  ['more than 16 MiB', () => Buffer.concat([pictures.jpeg('christian'), Buffer.alloc(16 << 20)]).subarray(0, (16 << 20) + 1), 'IMAGE_TOO_LARGE'],
  ['23 MiB', () => Buffer.concat([pictures.jpeg('christian'), Buffer.alloc(23 << 20)]).subarray(0, 23 << 20), 'IMAGE_TOO_LARGE'],
];

describe('a bad photograph', { skip }, () => {
  for (const [what, make, reason] of BAD) {
    test(`${what} is ${reason} everywhere`, async () => {
      const photograph = make();
      for (const [method, request, token] of [['Verify', site.verification(id, photograph), site.tokens.nurse],
        ['Enrol', site.enrolment(photograph), site.tokens.registrar],
        ['Redact', { photograph, style: 'REDACT_STYLE_BLUR' }, site.tokens.nurse]]) {
        const e = await site.wardctl.failure(method, request, token);
        assert.deepEqual([method, e.code, e.reason, e.field], [method, 'INVALID_ARGUMENT', reason, 'photograph']);
      }
      assert.match((await site.lastEvent()).code, new RegExp(`^INVALID_ARGUMENT/${reason}$`));
    });
  }

  test('a HEIC photograph is refused by its name, with what to do', async () => {
    const e = await site.wardctl.failure('Verify', site.verification(id, Buffer.from('\0\0\0\x24ftypheic\0\0\0\0mif1heic', 'latin1')), site.tokens.nurse);
    assert.deepEqual([e.code, e.reason, e.field], ['INVALID_ARGUMENT', 'IMAGE_FORMAT', 'photograph']);
    assert.match(e.message, /HEIC.*JPEG.*iPhone/);
    const other = await site.wardctl.failure('Verify', site.verification(id, Buffer.from('RIFF\0\0\0\0WEBPVP8 ', 'latin1')), site.tokens.nurse);
    assert.match(other.message, /WebP/);
  });

  test('bombs, many at once, leave memory within what the workers may use', async () => {
    const before = memory('VmRSS');
    const black = pngOf(4096, 4096, 8, 2, zlib.deflateSync(Buffer.alloc(4096 * (1 + 3 * 4096)), { level: 9 }));
    const deep = pngOf(4096, 4096, 16, 6, zlib.deflateSync(Buffer.alloc(4096 * (1 + 8 * 4096)), { level: 9 }));
    const text = pngOf(8, 8, 8, 0, zlib.deflateSync(Buffer.alloc(72)), [chunk('zTXt', Buffer.concat([Buffer.from('a\0\0', 'latin1'), zlib.deflateSync(Buffer.alloc(64 << 20))]))]);
    assert.ok(black.length < 100000 && deep.length < 200000 && text.length < 100000);
    const many = [black, deep, text, resized(pictures.jpeg('christian'), 4096, 4096)].flatMap((b) => [b, b, b]);
    const answers = await Promise.allSettled(many.map((b) => site.verify(id, b)));
    for (const a of answers) {
      if (a.status === 'fulfilled') assert.deepEqual([a.value.outcome, a.value.reasons[0].reason], ['OUTCOME_UNUSABLE', 'FACE_NOT_FOUND']);
      else assert.deepEqual([a.reason.code], ['INVALID_ARGUMENT'], a.reason.message);
    }
    const most = memory('VmHWM');
    assert.ok(most - before < WORKERS * (ARENA_MIB + LIBRARY_MIB), `${Math.round(before)} MiB grew to ${Math.round(most)}`);
    assert.equal((await verify(pictures.jpeg('christian'))).outcome, 'OUTCOME_MATCH');
  });
});

describe('an unusual photograph', { skip }, () => {
  test('is read when it is 16-bit', async () => {
    const { w, h, rgb } = upright, rows = Buffer.alloc(h * (1 + 6 * w));
    for (let y = 0; y < h; y++) for (let i = 0; i < 3 * w; i++) rows.writeUInt16BE(rgb[3 * y * w + i] * 257, y * (1 + 6 * w) + 1 + 2 * i);
    const a = await verify(pngOf(w, h, 16, 2, zlib.deflateSync(rows)));
    assert.equal(a.outcome, 'OUTCOME_MATCH');
    assert.ok(await site.exact() > 0.97);
  });

  test('is read when it is grey', async () => {
    const { w, h, rgb } = upright, rows = Buffer.alloc(h * (1 + w));
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) rows[y * (1 + w) + 1 + x] = (rgb[3 * (y * w + x)] + rgb[3 * (y * w + x) + 1] + rgb[3 * (y * w + x) + 2]) / 3;
    assert.equal((await verify(pngOf(w, h, 8, 0, zlib.deflateSync(rows)))).outcome, 'OUTCOME_MATCH');
  });

  for (const [grow, what] of [[12, '23'], [18, '52']]) {
    test(`is read when a telephone gives it ${what} megapixels, and memory stays within bounds`, async () => {
      const before = memory('VmRSS'), photograph = await jpegOf(upright, grow);
      assert.ok(photograph.length < 16 << 20, `${photograph.length} bytes`);
      const a = await verify(photograph);
      assert.deepEqual([a.outcome, await site.exact() > 0.95], ['OUTCOME_MATCH', true]);
      assert.ok(memory('VmHWM') - before < WORKERS * (ARENA_MIB + LIBRARY_MIB));
    });
  }

  for (let o = 1; o <= 8; o++) {
    test(`is turned upright by EXIF orientation ${o}`, async () => {
      const lying = await jpegOf(stored(upright, o));
      const a = await verify(withExif(lying, o));
      assert.equal(a.outcome, 'OUTCOME_MATCH');
      const score = await site.exact();
      assert.ok(score > 0.95, `score ${score}`);
      assert.ok(Math.abs(a.quality.roll_deg) < 10, `roll ${a.quality.roll_deg}`);
      assert.ok(a.quality.yaw_deg > 2, `yaw ${a.quality.yaw_deg}`); // mirrored, it would be the other way
      if (o === 3 || o === 6 || o === 8) {
        const b = await verify(lying); // without EXIF it lies there
        const other = b.outcome === 'OUTCOME_MATCH' ? await site.exact() : 0;
        assert.ok(other < score - 0.05, `score ${other}`);
      }
    });
  }
});
