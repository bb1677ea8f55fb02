'use strict';
// Every file of the data set "dicom": the decoder's pixels are those of decoders that Ward does not use (tests/peers/dicom.py), or the
// file is refused with the reason that stands here.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { root, build, folder } = require('../../lib/paths');

const DATA = path.resolve(root, process.env.WARD_DATA || '../shared/data', 'dicom');

const REFUSED = {
  'MR_truncated.dcm': 'DICOM_BROKEN', // 62 bytes of pixels are missing
  'UN_sequence.dcm': 'DICOM_NO_PIXELS',
  'badVR.dcm': 'DICOM_BITS', // 32 bits
  'gdcm-US-ALOKA-16.dcm': 'DICOM_COLOUR', // segmented palettes
  'liver.dcm': 'DICOM_BITS', // a segmentation, 1 bit
  'meta_missing_tsyntax.dcm': 'DICOM_SYNTAX',
  'mlut_18.dcm': 'DICOM_TABLE', // a modality LUT
  'no_meta.dcm': 'IMAGE_FORMAT', // begins with a byte that no DICOM data set has
  'rtdose.dcm': 'DICOM_BITS', // 32 bits
  'rtplan.dcm': 'DICOM_NO_PIXELS',
  'rtstruct.dcm': 'DICOM_FORMAT', // no preamble
  'test-SR.dcm': 'DICOM_NO_PIXELS',
  'waveform_ecg.dcm': 'DICOM_NO_PIXELS',
  'SOURCE.txt': 'IMAGE_FORMAT',
  'charset/chrJapMulti.dcm': 'DICOM_NO_PIXELS',
  'charset/chrJapMultiExplicitIR6.dcm': 'DICOM_NO_PIXELS',
  'charset/chrKoreanMulti.dcm': 'DICOM_NO_PIXELS',
  'charset/chrSQEncoding.dcm': 'DICOM_NO_PIXELS',
  'charset/chrSQEncoding1.dcm': 'DICOM_NO_PIXELS',
};

const skip = fs.existsSync(DATA) ? false : 'no data';
const files = skip ? [] : fs.readdirSync(DATA, { recursive: true }).filter((f) => fs.statSync(path.join(DATA, f)).isFile()).sort();
const lines = (text) => text.trim().split('\n').map((l) => JSON.parse(l));

function run(program, args, out) {
  return lines(execFileSync(program, [...args, out, ...files.map((f) => path.join(DATA, f))], { encoding: 'utf8', maxBuffer: 1 << 24, stdio: ['ignore', 'pipe', 'ignore'] }));
}

test('every file has the pixels of its peer, or a named refusal', { skip }, () => {
  const [ours, theirs] = [folder(), folder()];
  try {
    const is = run(path.join(build, 'tests/film'), [path.join(build, 'plugins')], ours);
    const peer = run('/usr/bin/python3', [path.join(root, 'tests/peers/dicom.py')], theirs);
    let equal = 0;
    files.forEach((file, i) => {
      const [a, b] = [is[i], peer[i]];
      assert.equal(a.reason, REFUSED[file], `${file}: ${JSON.stringify(a)}`);
      if (a.reason || path.extname(file) === '.png') return;
      assert.equal(b.refused, undefined, `${file}: the peer refuses: ${b.refused}`);
      assert.deepEqual([a.rows, a.columns, a.rgb, a.syntax, a.modality, a.body_part, a.view], [b.rows, b.columns, b.rgb, b.syntax, b.modality, b.body_part, b.view], file);
      assert.ok(fs.readFileSync(path.join(ours, `${i}.raw`)).equals(fs.readFileSync(path.join(theirs, `${i}.raw`))), `${file}: other pixels than ${b.tool}'s`);
      equal++;
    });
    console.log(`${equal} DICOM files have their peer's pixels, ${files.filter((f) => REFUSED[f]).length} of ${files.length} files are refused by name`);
  } finally {
    for (const dir of [ours, theirs]) fs.rmSync(dir, { recursive: true, force: true });
  }
});
