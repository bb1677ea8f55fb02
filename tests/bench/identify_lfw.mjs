// identify_lfw.mjs DUMP CALIBRATION - Identify's decision on real embeddings (DUMP: eval_face's rows of 512 float32, with
// DUMP.tsv's names): one photograph of each person of several and of half the others is the gallery; probes are the other
// photographs (mated) and the other half (strangers). With the margin as it is, and without one. The calibration was
// measured on the same photographs, so this checks the arithmetic from FPIR to threshold, and what the margin costs and
// catches; it is no independent measure of accuracy.
import { readFileSync } from 'node:fs';
import { load, mixedThreshold, searchRate, searchThreshold, verifyThreshold } from './faces/table.mjs';

const [dump, calibration] = process.argv.slice(2);
const DIM = 512;
const bytes = readFileSync(dump);
const v = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const cal = load(calibration);
const people = new Map();
readFileSync(`${dump}.tsv`, 'utf8').trim().split('\n').forEach((line, i) => {
  const [name, found] = line.split('\t');
  const who = name.replace(/_\d+\.jpg$/, '');
  if (found === '1') people.set(who, [...(people.get(who) || []), i]);
});

const dot = (i, j) => {
  let s = 0;
  for (let d = 0; d < DIM; d++) s += v[i * DIM + d] * v[j * DIM + d];
  return s;
};
const several = [...people.values()].filter((p) => p.length > 1), single = [...people.values()].filter((p) => p.length === 1);
const half = single.length >> 1;
const gallery = [...several, ...single.slice(0, half)].map((p) => p[0]);
const best = (i) => gallery.map((g) => [dot(i, g), g]).sort((a, b) => b[0] - a[0]).slice(0, 2);
const mated = several.flatMap((p) => p.slice(1).map((i) => ({ is: p[0], best: best(i) })));
const strangers = single.slice(half).map(([i]) => ({ best: best(i) }));

function outcome(p, t, margin) {
  const [[first, who], [second]] = p.best;
  if (first < t) return 'no_match';
  if (second >= t || first - second < margin) return 'ambiguous';
  return who === p.is ? 'match' : 'wrong';
}

const count = (list, t, margin) => list.reduce((n, p) => ({ ...n, [outcome(p, t, margin)]: (n[outcome(p, t, margin)] || 0) + 1 }), {});
console.log(`gallery of ${gallery.length}, ${mated.length} photographs of people in it, ${strangers.length} of strangers`);
for (const fpir of [1e-1, 1e-2, 1e-3]) {
  const fmr = searchRate(fpir, gallery.length), t = searchThreshold(cal, fpir, gallery.length);
  for (const margin of [mixedThreshold(cal, fmr) - mixedThreshold(cal, 10 * fmr), 0]) {
    console.log(JSON.stringify({ fpir, threshold: Number(t.toFixed(4)), margin: Number(margin.toFixed(4)), mated: count(mated, t, margin), strangers: count(strangers, t, margin) }));
  }
}

// The threshold was measured with one photograph against one; enrolled are often two or three, fused to their mean. The same
// people, probes and threshold (of 1e-4) for each number of photographs fused: the first `n`, against those after the third
// and against everyone else's.
function fused(list, n) {
  const f = new Float64Array(DIM);
  for (const i of list.slice(0, n)) for (let d = 0; d < DIM; d++) f[d] += v[i * DIM + d];
  const norm = Math.hypot(...f);
  return f.map((a) => a / norm);
}
const four = [...people.values()].filter((p) => p.length > 3);
function ofFused(n, what, at) {
  let genuine = 0, accepted = 0, impostor = 0, falsely = 0;
  for (const of of four) {
    const f = fused(of, n);
    for (const p of people.values()) {
      for (const i of p === of ? p.slice(3) : p) {
        let s = 0;
        for (let d = 0; d < DIM; d++) s += f[d] * v[i * DIM + d];
        if (p === of) { genuine++; accepted += s >= at; } else { impostor++; falsely += s >= at; }
      }
    }
  }
  console.log(JSON.stringify({ fused: n, what, threshold: Number(at.toFixed(4)), people: four.length, genuine, accepted, tar: accepted / genuine, impostor, falsely, fmr: falsely / impostor }));
}
for (const [what, at] of [['verify', verifyThreshold(cal, 1e-4)], ['mixed', mixedThreshold(cal, 1e-4)]]) {
  for (const n of [1, 2, 3]) ofFused(n, what, at);
}
