// embeddings.mjs - what embed_faces wrote, read back: vectors, who may be compared, which half an image is in, which group.
//
// The halves. An image of face_groups is one person's. SHA-256 of its file name: an even first byte is the choosing half, on
// which thresholds are set; an odd one is the judging half, which nothing was set on. Pairs across the halves are not used.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const half = (name) => (createHash('sha256').update(name).digest()[0] % 2 === 0 ? 'choosing' : 'judging');

// file: rows of float32; file.tsv: name, found, usable.
export function read(file) {
  const bytes = readFileSync(file);
  const rows = readFileSync(`${file}.tsv`, 'utf8').trim().split('\n').map((l) => l.split('\t'));
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const dim = all.length / rows.length;
  return rows.map(([name, found, usable], i) => ({
    name, found: found === '1', usable: usable === '1', v: all.subarray(i * dim, (i + 1) * dim),
  }));
}

export function dot(a, b) {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += a[i] * b[i];
  return s;
}

// people.tsv of face_groups: image, age, sex, group.
const SEX = { m: 'men', f: 'women' };
const CHILDREN = [[0, 1], [2, 3], [4, 6], [7, 10], [11, 17]];

export function groups(file) {
  const of = new Map();
  for (const line of readFileSync(file, 'utf8').trim().split('\n').slice(1)) {
    const [image, age, sex, group] = line.split('\t');
    const child = CHILDREN.find(([from, to]) => age >= from && age <= to);
    of.set(image, child ? `${child[0]} to ${child[1]} years` : age >= 70 ? '70 years and older' : `${group} ${SEX[sex]}`);
  }
  return of;
}
export const isChild = (group) => / to \d+ years$/.test(group);
export const person = (image) => image.replace(/_\d+\.jpg$/, '');

// Same seed, same draws.
export function random(seed = 88172645) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
export const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))];
