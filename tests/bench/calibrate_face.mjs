// calibrate_face.mjs - a pack's calibration.json, from embed_faces' rows.
//   node tests/bench/calibrate_face.mjs CACHE PEOPLE.tsv PACK FORMER.json OUT.json    the former file says of which model it is
//
// mixed: for each rate the lowest threshold that no more of LFW's impostor pairs reach (names that both packs say are one
// person's left out); 1e-6, which too few pairs carry, continues the line from 1e-4 to 1e-5.
// points: for 1e-3 and 1e-4 the lowest whole hundredth at which, on the choosing half of face_groups, no adult group's own
// rate is above RESERVE times ten times the rate: groups of 80 people say no more than that. Below 1e-4 no group has pairs
// enough; those points lie above as the mixed line rises. A pack that would then refuse too many cannot keep the rates within
// groups: its points are the mixed ones, and its groups, counted on the judging half, make the service warn.
import fs from 'node:fs';

import { accepted, genuine, groupsOf, lfwOf, lowest, mixedThreshold, rate } from './faces/measures.mjs';

const [dir, people, pack, former, out] = process.argv.slice(2);
const sha = JSON.parse(fs.readFileSync(former, 'utf8')).model_sha256;
const RESERVE = 0.5;
const BEARABLE = 0.9; // of people with three templates, at 1e-4
const round = (x) => Math.round(x * 1e4) / 1e4;

const lfw = lfwOf(dir, pack), groups = groupsOf(dir, people, pack).filter((g) => !g.child);
const own = genuine(lfw, 1), fused = genuine(lfw, 3);
const point = (fmr, threshold) => ({ fmr, threshold: round(threshold), tar: round(accepted(own, threshold).share), tar_three: round(accepted(fused, threshold).share) });

const at = new Map([1e-2, 1e-3, 1e-4, 1e-5].map((f) => [f, mixedThreshold(lfw, f)]));
const slope = at.get(1e-5) - at.get(1e-4);
at.set(1e-6, Math.max(mixedThreshold(lfw, 1e-6), at.get(1e-5) + slope));
const mixed = [...at].map(([fmr, t]) => point(fmr, t));

const choosing = groups.filter((g) => g.half === 'choosing');
const among = (fmr) => Math.max(at.get(fmr), (Math.floor(100 * Math.max(...choosing.map((g) => lowest(g, 10 * fmr * RESERVE)))) + 1) / 100);
let points = [[1e-3, among(1e-3)], [1e-4, among(1e-4)], [1e-5, among(1e-4) + slope], [1e-6, among(1e-4) + 2 * slope]].map(([f, t]) => point(f, t));
const kept = points[1].tar_three >= BEARABLE;
console.log(`${pack}: at ${points[1].threshold} no adult group is above ${10 * RESERVE}e-4 on the choosing half; accepted there, three templates: ${points[1].tar_three}${kept ? '' : ': too few, so the points are those of mixed people'}`);
if (!kept) points = mixed.filter((p) => p.fmr < 5e-3);

const judged = groups.filter((g) => g.half === 'judging').map((g) => {
  const counts = points.map((p) => rate(g, p.threshold));
  return { name: g.group, people: g.images, pairs: counts[0].pairs, matched: counts.map((c) => c.matched) };
});
const date = new Date().toISOString().slice(0, 10);
const source = kept
  ? `Verify: at 1e-3 and 1e-4 no group of adults of UTKFace (Zhang, Song, Qi 2017; one half, the other is in "groups") above ten times the rate; below 1e-4 continued, not measured. Searches: all pairs of LFW folds 1-3 (Huang et al. 2007), label errors left out; 1e-6 continued. tar: by person, LFW; calibrate on site.`
  : `All pairs of LFW folds 1-3 (Huang et al. 2007), label errors left out; 1e-6 continued. DOES NOT HOLD WITHIN GROUPS of adults: see "groups" (UTKFace; Zhang, Song, Qi 2017). tar: by person, LFW; calibrate on site.`;
const line = (o) => `    ${JSON.stringify(o).replace(/"fmr":[^,]*/, () => `"fmr":${o.fmr.toExponential()}`).replace(/([:,])/g, '$1 ')}`;
const list = (name, rows) => `  "${name}": [\n${rows.map(line).join(',\n')}\n  ]`;
const plain = (rows) => rows.map((o) => `    ${JSON.stringify(o).replace(/":/g, '": ').replace(/,/g, ', ')}`).join(',\n');
fs.writeFileSync(out, `{
  "model_sha256": "${sha}",
  "source": ${JSON.stringify(source)},
  "date": "${date}",
  "least_age": 18,
  "n_genuine": ${own.reduce((n, s) => n + s.length, 0)},
  "n_impostor": ${lfw.impostor.length},
${list('points', points)},
${list('mixed', mixed)},
  "groups": [
${plain(judged)}
  ]
}
`);
console.log(`${out} written`);
