// measures.mjs - how often different people of a group match, and how often a person matches themselves.
import { dot, groups, half, isChild, person, quantile, random, read } from './embeddings.mjs';

const REDRAWS = 200;

// face_groups has no identities, and shows some people twice. Two adults at or above this cosine of `faceplugin` are taken
// for one person by either pack, and the pair is not counted: the figures can only be too low for it. (Of 105 such pairs
// `clear` confirms 102 at its threshold for 1e-3.) A pair below it counts, though some of those are one person too.
export const ONE_PERSON = 0.6;
// Two names of LFW are one person where both packs say so at these: the set's label errors.
const ONE_NAME = { faceplugin: 0.6, clear: 0.9294 };

const cache = (dir, pack, set) => read(`${dir}/${pack}-${set}.f32`);

// [{group, half, scores, names: n}]: per group and half the images the service would compare, and all their pairs.
export function groupsOf(dir, people, pack) {
  const of = groups(people), rows = cache(dir, pack, 'face_groups');
  const judge = new Map(cache(dir, 'faceplugin', 'face_groups').map((r) => [r.name, r]));
  const out = new Map();
  for (const r of rows.filter((x) => x.usable)) {
    const key = `${of.get(r.name)}|${half(r.name)}`;
    out.set(key, [...(out.get(key) || []), r]);
  }
  return [...out].map(([key, list]) => {
    const [group, which] = key.split('|');
    const pairs = [];
    let left = 0;
    list.forEach((a, i) => list.slice(0, i).forEach((b, j) => {
      const [p, q] = [judge.get(a.name), judge.get(b.name)];
      const one = p.found && q.found && dot(p.v, q.v) >= ONE_PERSON;
      left += one;
      pairs.push({ i, j, score: dot(a.v, b.v), one });
    }));
    return { group, half: which, child: isChild(group), images: list.length, pairs, left };
  }).sort((a, b) => a.child - b.child || (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
}

// Share of pairs at or above the threshold; its 95 % interval by drawing images, which is what pairs depend on. With no pair
// at all there, the upper end is 3 / n ("rule of three"), as if pairs were independent: too narrow, if anything.
export function rate(g, threshold, { all = false } = {}) {
  const counted = g.pairs.filter((p) => all || !p.one), hits = counted.filter((p) => p.score >= threshold);
  const n = counted.length, next = random();
  if (hits.length === 0) return { matched: 0, pairs: n, rate: 0, low: 0, high: 3 / n };
  const draws = Array.from({ length: REDRAWS }, () => {
    const weight = new Uint16Array(g.images);
    for (let i = 0; i < g.images; i++) weight[Math.floor(next() * g.images)]++;
    return hits.reduce((s, p) => s + weight[p.i] * weight[p.j], 0) / n;
  });
  return { matched: hits.length, pairs: n, rate: hits.length / n, low: quantile(draws, 0.025), high: quantile(draws, 0.975) };
}

// The lowest threshold at which no more than `allowed` of the group's pairs match.
export function lowest(g, share) {
  const scores = g.pairs.filter((p) => !p.one).map((p) => p.score).sort((a, b) => b - a);
  return scores[Math.floor(share * scores.length)];
}

// ---- LFW: people with names ----

// Names that both packs say are another's: the later one of each pair is left out, with all its images.
function errorsOf(dir) {
  const rows = cache(dir, 'faceplugin', 'face_lfw'), other = cache(dir, 'clear', 'face_lfw'), errors = new Set();
  rows.forEach((a, i) => {
    for (let k = 0; k < i; k++) {
      const one = a.found && rows[k].found && other[i].found && other[k].found && person(a.name) !== person(rows[k].name) &&
        dot(a.v, rows[k].v) >= ONE_NAME.faceplugin && dot(other[i].v, other[k].v) >= ONE_NAME.clear;
      if (one) errors.add(person(a.name));
    }
  });
  return errors;
}

export function lfwOf(dir, pack) {
  const errors = errorsOf(dir);
  const rows = cache(dir, pack, 'face_lfw').filter((r) => r.found && !errors.has(person(r.name)));
  const who = rows.map((r) => person(r.name)), people = new Map();
  rows.forEach((r, i) => people.set(who[i], [...(people.get(who[i]) || []), r]));
  const impostor = new Float32Array((rows.length * (rows.length - 1)) / 2);
  let n = 0;
  rows.forEach((a, i) => {
    for (let k = 0; k < i; k++) if (who[k] !== who[i]) impostor[n++] = dot(a.v, rows[k].v);
  });
  return { people: [...people.values()], impostor: impostor.subarray(0, n).sort().reverse(), errors: errors.size, images: rows.length };
}

// As templates are fused: the mean, made length 1.
function fuse(list) {
  const f = new Float32Array(list[0].v.length);
  for (const r of list) r.v.forEach((x, i) => { f[i] += x; });
  const norm = Math.sqrt(dot(f, f));
  return f.map((x) => x / norm);
}

// Each person's own scores: with one template all pairs of theirs; with three, the fourth photograph and those after it.
export function genuine(lfw, templates) {
  return lfw.people.filter((p) => p.length > (templates === 1 ? 1 : templates)).map((p) => {
    if (templates === 1) return p.flatMap((a, i) => p.slice(0, i).map((b) => dot(a.v, b.v)));
    const f = fuse(p.slice(0, templates));
    return p.slice(templates).map((a) => dot(f, a.v));
  });
}

// Each person weighs the same, however many photographs there are of them; interval by drawing people.
export function accepted(own, threshold) {
  const shares = own.map((s) => s.filter((x) => x >= threshold).length / s.length), next = random();
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  const draws = Array.from({ length: 5 * REDRAWS }, () => mean(shares.map(() => shares[Math.floor(next() * shares.length)])));
  return { people: shares.length, pairs: own.reduce((n, s) => n + s.length, 0), share: mean(shares), low: quantile(draws, 0.025), high: quantile(draws, 0.975) };
}

// The lowest threshold of four digits that no more of the impostor pairs reach than the rate allows.
export const mixedThreshold = (lfw, fmr) => (Math.floor(lfw.impostor[Math.floor(fmr * lfw.impostor.length)] * 1e4) + 1) / 1e4;
export const mixedRate = (lfw, threshold) => {
  let n = 0;
  while (n < lfw.impostor.length && lfw.impostor[n] >= threshold) n++;
  return { matched: n, pairs: lfw.impostor.length, rate: n / lfw.impostor.length };
};
