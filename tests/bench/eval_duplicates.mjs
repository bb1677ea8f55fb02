// eval_duplicates SCORER DATA OUT - how well FindDuplicates finds people who were registered twice.
//
// The names, telephone numbers and postal codes of Synthea's patients are put together anew to a
// population of 2,000 (some of one household, some twins), and each is registered a second time
// with errors that clerks make. Identifiers are left away: they would be found by them. What is
// scored is what the service scores: those who share a token.
import { execFileSync } from 'node:child_process';
import { writeFileSync, existsSync } from 'node:fs';
import path from 'node:path';

const [scorer, data, out] = process.argv.slice(2);
const archive = path.resolve(data, 'fhir_synthea_r4/fhir_r4.tar.xz');
if (!existsSync(archive)) {
  console.log(`eval-duplicates: no data set fhir_synthea_r4 under ${data}`);
  process.exit(0);
}

// mulberry32: the same population every time.
let state = 20261121;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const int = (n) => Math.floor(random() * n);
const pick = (list) => list[int(list.length)];

const bundles = execFileSync('tar', ['-xJOf', archive], { maxBuffer: 1 << 28 }).toString();
const patients = [];
for (const m of bundles.matchAll(/"resourceType":\s*"Patient"/g)) {
  let at = bundles.lastIndexOf('{', m.index);
  for (let depth = 0, i = at, quoted = false; ; i++) {
    const c = bundles[i];
    if (quoted) { if (c === '\\') i++; else if (c === '"') quoted = false; continue; }
    if (c === '"') quoted = true;
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) { patients.push(JSON.parse(bundles.slice(at, i + 1))); break; }
  }
}
const bare = (s) => s.replace(/\d+$/, '');
const families = [...new Set(patients.map((p) => bare(p.name[0].family)))];
const given = { male: [], female: [] };
for (const p of patients) given[p.gender].push(bare(p.name[0].given[0]));
const codes = [...new Set(patients.flatMap((p) => (p.address || []).map((a) => a.postalCode).filter(Boolean)))];
// Synthea has few families: syllables of theirs make more.
const heads = families.map((f) => f.slice(0, Math.ceil(f.length / 2)));
const tails = families.map((f) => f.slice(Math.ceil(f.length / 2)));
const family = () => (random() < 0.3 ? pick(families) : pick(heads) + pick(tails));

const two = (n) => String(n).padStart(2, '0');
const birth = () => `${1930 + int(85)}-${two(1 + int(12))}-${two(1 + int(28))}`;
const phone = () => `555-${100 + int(900)}-${1000 + int(9000)}`;
const person = () => {
  const gender = random() < 0.5 ? 'male' : 'female';
  return { family: family(), given: pick(given[gender]), birth: birth(), gender, phone: phone(), code: pick(codes) };
};
const N = 2000;
const people = [];
while (people.length < N) {
  const p = person();
  people.push(p);
  const more = random();
  if (more < 0.15) people.push({ ...person(), family: p.family, phone: p.phone, code: p.code }); // a household
  if (more < 0.02) { // twins
    const twin = person();
    people.push({ ...p, given: pick(given[twin.gender].filter((g) => g !== p.given)), gender: twin.gender });
  }
}
people.length = N;

// ---- errors ----
const typo = (s) => {
  const i = 1 + int(Math.max(1, s.length - 1));
  const kind = int(4);
  const letter = String.fromCharCode(97 + int(26));
  if (kind === 0) return s.slice(0, i) + letter + s.slice(i + 1);
  if (kind === 1) return s.slice(0, i) + s.slice(i + 1);
  if (kind === 2) return s.slice(0, i) + letter + s.slice(i);
  return i + 1 < s.length ? s.slice(0, i) + s[i + 1] + s[i] + s.slice(i + 2) : s + letter;
};
const errors = {
  'typing error in the family name': (p) => ({ ...p, family: typo(p.family) }),
  'typing error in the given name': (p) => ({ ...p, given: typo(p.given) }),
  'names transposed': (p) => ({ ...p, family: p.given, given: p.family }),
  'another family name': (p) => ({ ...p, family: family() }),
  'given name cut to three letters': (p) => ({ ...p, given: p.given.slice(0, 3) }),
  'day and month transposed': (p) => {
    if (!p.birth) return p;
    const [y, m, d] = p.birth.split('-');
    return { ...p, birth: Number(d) <= 12 ? `${y}-${d}-${m}` : p.birth };
  },
  'one digit of the birth date': (p) => {
    if (!p.birth) return p;
    const [y, m, d] = p.birth.split('-');
    return { ...p, birth: random() < 0.5 ? `${y.slice(0, 3)}${(Number(y[3]) + 1 + int(9)) % 10}-${m}-${d}` : `${y}-${m}-${two(1 + ((Number(d) + int(8)) % 28))}` };
  },
  'no birth date': (p) => ({ ...p, birth: '' }),
  'moved, another telephone': (p) => ({ ...p, phone: phone(), code: pick(codes) }),
  'no telephone, no address': (p) => ({ ...p, phone: '', code: '' }),
  'wrong gender': (p) => ({ ...p, gender: p.gender === 'male' ? 'female' : 'male' }),
  'in capitals, in one piece': (p) => ({ ...p, text: `${p.given} ${p.family}`.toUpperCase(), family: '', given: '' }),
};
const names = Object.keys(errors);
const resource = (p) => ({
  resourceType: 'Patient',
  name: [p.text ? { text: p.text } : { family: p.family, given: [p.given] }],
  ...(p.phone && { telecom: [{ system: 'phone', value: p.phone }] }),
  gender: p.gender,
  ...(p.birth && { birthDate: p.birth }),
  ...(p.code && { address: [{ postalCode: p.code }] }),
});

// Twice registered with the errors named.
function round(label, damage) {
  const records = [...people, ...people.map(damage)];
  const input = records.map((r) => JSON.stringify(resource(r))).join('\n');
  const lines = execFileSync(scorer, [], { input, maxBuffer: 1 << 28 }).toString().trim().split('\n');
  const scored = Number(lines.pop().split(' ')[1]);
  const tally = { probable: [0, 0], possible: [0, 0] };
  for (const line of lines) {
    const [a, b, match] = line.split(' ').map(Number);
    const right = b === a + N ? 0 : 1;
    tally.possible[right]++;
    if (match <= 2) tally.probable[right]++;
  }
  const of = ([right, wrong]) => ({
    recall: +(right / N).toFixed(4), precision: +(right / Math.max(1, right + wrong)).toFixed(4), found: right, wrong,
  });
  return { errors: label, scored_pairs: scored, probable: of(tally.probable), possible: of(tally.possible) };
}

const rounds = [round('none', (p) => p)];
for (const n of names) rounds.push(round(n, errors[n]));
const some = (k) => (p) => {
  const left = [...names];
  let q = p;
  for (let i = 0; i < k; i++) {
    const [name] = left.splice(int(left.length), 1);
    if (!q.text) q = errors[name](q);
  }
  return q;
};
rounds.push(round('two of these', some(2)), round('three of these', some(3)));

console.log(`duplicates among ${2 * N} records of ${N} people, by names, birth date, gender, telephone and postal code`);
console.log('errors in the second record'.padEnd(36), 'PROBABLE recall, precision', '  POSSIBLE recall, precision');
const pct = (x) => `${(100 * x).toFixed(1)} %`.padStart(9);
for (const r of rounds) {
  console.log(r.errors.padEnd(36), pct(r.probable.recall), pct(r.probable.precision), '       ', pct(r.possible.recall), pct(r.possible.precision));
}
writeFileSync(out, `${JSON.stringify({ people: N, source: 'fhir_synthea_r4, names and codes recombined', rounds }, null, 2)}\n`);
