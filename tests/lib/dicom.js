'use strict';
// Synthetic DICOM files of nobody: explicit VR, little-endian.

const LONG = ['OB', 'OW', 'SQ', 'UN'];

function element(tag, vr, value, length = value.length) {
  const head = Buffer.alloc(LONG.includes(vr) ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (head.length === 12) head.writeUInt32LE(length, 8);
  else head.writeUInt16LE(length, 6);
  return Buffer.concat([head, value]);
}

const text = (tag, vr, s) => element(tag, vr, Buffer.from(s.length % 2 ? `${s} ` : s, 'latin1'));
const number = (tag, n) => { const b = Buffer.alloc(2); b.writeUInt16LE(n); return element(tag, 'US', b); };

// A film of 16-bit values: value(x, y, frame). `more` changes what the header says, `pixels` what follows it.
function dicom(width, height, value, more = {}) {
  const is = { modality: 'DX', bodyPart: 'CHEST', view: 'PA', frames: 1, rows: height, columns: width, bits: 16, photometric: 'MONOCHROME2', syntax: '1.2.840.10008.1.2.1', ...more };
  const pixels = is.pixels ?? Buffer.alloc(2 * width * height * is.frames);
  for (let f = 0; !is.pixels && f < is.frames; f++) {
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels.writeUInt16LE(value(x, y, f), 2 * ((f * height + y) * width + x));
  }
  return Buffer.concat([
    Buffer.alloc(128), Buffer.from('DICM'), text(0x00020010, 'UI', is.syntax), text(0x00080060, 'CS', is.modality),
    text(0x00100010, 'PN', 'Synthetic^Nobody'), text(0x00180015, 'CS', is.bodyPart), text(0x00185101, 'CS', is.view), number(0x00280002, 1),
    text(0x00280004, 'CS', is.photometric), text(0x00280008, 'IS', `${is.frames}`), number(0x00280010, is.rows), number(0x00280011, is.columns),
    number(0x00280100, 16), number(0x00280101, is.bits), number(0x00280102, is.bits - 1), number(0x00280103, 0),
    ...(is.window ? [text(0x00281050, 'DS', `${is.window[0]}`), text(0x00281051, 'DS', `${is.window[1]}`)] : []),
    element(0x7fe00010, 'OW', pixels, is.length ?? pixels.length),
  ]);
}

module.exports = { dicom };
