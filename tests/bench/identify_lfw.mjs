// identify_lfw.mjs DUMP CALIBRATION - Identify's decision on real embeddings (DUMP: eval_face's rows of 512 float32, with
// DUMP.tsv's names): one photograph of each person of several and of half the others is the gallery; probes are the other
// photographs (mated) and the other half (strangers). With the margin as it is, and without one. The calibration was
// measured on the same photographs, so this checks the arithmetic from FPIR to threshold, and what the margin costs and
// catches; it is no independent measure of accuracy.
import { readFileSync } from 'node:fs';

const [dump, calibration] = process.argv.slice(2);
const DIM = 512;
const bytes = readFileSync(dump);
const v = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const { points } = JSON.parse(readFileSync(calibration));
const people = new Map();
readFileSync(`${dump}.tsv`, 'utf8').trim().split('\n').forEach((line, i) => {
  const [name, found] = line.split('\t');
  const who = name.replace(/_\d+\.jpg$/, '');
  if (found === '1') people.set(who, [...(people.get(who) || []), i]);
});

// As calibration_threshold: straight lines in log10 of the rate, the last one goes on.
function threshold(fmr) {
  if (fmr >= points[0].fmr) return points[0].threshold;
  let i = points.findIndex((p) => p.fmr <= fmr);
  if (i < 0) i = points.length - 1;
  const [a, b] = [points[i - 1], points[i]];
  const at = a.threshold + ((b.threshold - a.threshold) * (Math.log10(fmr) - Math.log10(a.fmr))) / (Math.log10(b.fmr) - Math.log10(a.fmr));
  return Math.min(1, at);
}

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
  const fmr = -Math.expm1(Math.log1p(-fpir) / gallery.length), t = threshold(fmr);
  for (const margin of [t - threshold(10 * fmr), 0]) {
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
const t4 = threshold(1e-4);
const three = [...people.values()].filter((p) => p.length > 3);
for (const n of [1, 2, 3]) {
  let genuine = 0, accepted = 0, impostor = 0, falsely = 0;
  for (const of of three) {
    const f = fused(of, n);
    for (const p of people.values()) {
      for (const i of p === of ? p.slice(3) : p) {
        let s = 0;
        for (let d = 0; d < DIM; d++) s += f[d] * v[i * DIM + d];
        if (p === of) { genuine++; accepted += s >= t4; } else { impostor++; falsely += s >= t4; }
      }
    }
  }
  console.log(JSON.stringify({ fused: n, threshold: Number(t4.toFixed(4)), people: three.length, genuine, accepted, tar: accepted / genuine, impostor, falsely, fmr: falsely / impostor }));
}
