'use strict';
// Units of measure beside @lhncbc/ucum-lhc, the National Library of Medicine's UCUM library, which
// nobody here wrote: every atom, every prefix on every metric atom, every unit in its list of
// those in use, and thousands of conversions.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { UcumLhcUtils } = require('@lhncbc/ucum-lhc');
const { UnitTables } = require('@lhncbc/ucum-lhc/source-cjs/unitTables.js');
const { build } = require('../../lib/paths');

const peer = UcumLhcUtils.getInstance();
const PREFIXES = ['Y', 'Z', 'E', 'P', 'T', 'G', 'M', 'k', 'h', 'da', 'd', 'c', 'm', 'u', 'n', 'p',
  'f', 'a', 'z', 'y', 'Ki', 'Mi', 'Gi', 'Ti'];
// The peer counts moles by UCUM's number; here they are a quality of their own.
const AVOGADRO = 6.0221367e23;
const EXACT = 1e-12; // both are doubles of the same fraction

function ask(questions) {
  const r = spawnSync(path.join(build, 'tests/ucum'),
    { input: `${questions.join('\n')}\n`, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.strictEqual(r.status, 0, r.stderr);
  const lines = r.stdout.split('\n');
  assert.strictEqual(lines.length, questions.length + 1);
  return lines.slice(0, -1);
}

const atoms = ask(['atoms'])[0].split('\t').filter(Boolean)
  .map((a) => ({ code: a.replace(/\+$/, ''), metric: a.endsWith('+') }));
const metric = atoms.filter((a) => a.metric).map((a) => a.code);
const listed = UnitTables.getInstance().allUnitsByDef().map((u) => u.csCode_.trim());
const prefixed = metric.flatMap((a) => PREFIXES.map((p) => p + a));

// What the peer holds otherwise than UCUM's tables say.
const PEER_DIFFERS = [
  /\[LPF\]/, // the table's 100 is lost on the way to its magnitude
];

function powers(canonical) {
  const of = {};
  for (const part of canonical.split('.')) {
    const [, code, power] = /^(.*?)(-?\d+)?$/.exec(part);
    of[code] = (of[code] || 0) + Number(power || 1);
  }
  return of;
}

// A unit of the peer's as ours: how much of the base units, and their powers.
function compare(code, answer) {
  const unit = peer.getSpecifiedUnit(code, 'validate').unit;
  assert.ok(unit, `the peer does not know ${code}`);
  assert.ok(!answer.startsWith('!'), `${code}: ${answer}`);
  if (unit.cnv_) return false; // a function of its unit: compared below
  const [canonical, factor] = answer.split('\t');
  const of = powers(canonical);
  const moles = (of.mol || 0) + (of.eq || 0) + (of.osm || 0);
  const ratio = Number(factor) * AVOGADRO ** moles / unit.magnitude_;
  assert.ok(Math.abs(ratio - 1) < EXACT, `${code}: ${factor}, the peer has ${unit.magnitude_}`);
  const dim = ['m', 's', 'g', 'rad', 'K', 'C', 'cd'].map((b) => of[b] || 0);
  assert.deepStrictEqual(dim, unit.dim_?.dimVec_ ?? [0, 0, 0, 0, 0, 0, 0], code);
  return true;
}

function compareAll(codes, least) {
  const ours = codes.filter((c) => !PEER_DIFFERS.some((p) => p.test(c)));
  const answers = ask(ours.map((c) => `canonical\t${c}`));
  const n = ours.filter((c, i) => compare(c, answers[i])).length;
  assert.ok(n >= least, `${n} compared`);
}

test('every atom is what the peer says it is', () => {
  assert.ok(atoms.length >= 300);
  compareAll(atoms.map((a) => a.code), 285);
});

test('every prefix on every metric atom is what the peer says it is', () => {
  compareAll(prefixed, 2000);
});

test('every unit in the peer\'s list of those in use is read, and is the same', () => {
  compareAll(listed, 700);
});

// How the peer converts: undefined where it refuses.
function peerConverts(x, from, to) {
  const r = peer.convertUnitTo(from, x, to);
  return r.status === 'succeeded' ? r.toVal : undefined;
}

// Where this library refuses and the peer does not, on purpose: see common/measure/ucum.h.
const STRICTER = ['UCUM_NEEDS_SUBSTANCE', 'UCUM_NOT_LINEAR'];

test('units of one dimension convert as the peer converts them', () => {
  const byDim = new Map();
  for (const u of UnitTables.getInstance().allUnitsByDef()) {
    if (u.cnv_ || u.isArbitrary_ || PEER_DIFFERS.some((p) => p.test(u.csCode_))) continue;
    const key = JSON.stringify([u.dim_?.dimVec_, u.moleExp_, u.equivalentExp_]);
    byDim.set(key, [...(byDim.get(key) || []), u.csCode_.trim()]);
  }
  const pairs = [...byDim.values()].flatMap((units) => units.flatMap((from, i) =>
    [1, 2, 5, 11].map((step) => [from, units[(i + step) % units.length]])));
  const answers = ask(pairs.map(([from, to]) => `canonical\t${from}\ncanonical\t${to}`)
    .join('\n').split('\n'));
  const rounded = ask(pairs.map(([from, to], i) => {
    // To 30 digits behind the first one that counts.
    const size = Number(answers[2 * i].split('\t')[1]) / Number(answers[2 * i + 1].split('\t')[1]);
    return `round\t7.25\t${from}\t${to}\t${Math.floor(Math.log10(size)) - 30}`;
  }));
  let n = 0;
  pairs.forEach(([from, to], i) => {
    const theirs = peerConverts(7.25, from, to);
    if (rounded[i].startsWith('!')) {
      const pi = answers[2 * i].split('\t')[0] === answers[2 * i + 1].split('\t')[0] &&
        rounded[i] === '!UCUM_INEXACT';
      assert.ok(theirs === undefined || pi || STRICTER.includes(rounded[i].slice(1)),
        `${from} to ${to}: ${rounded[i]}, the peer has ${theirs}`);
      return;
    }
    if (theirs === undefined) return; // such as arbitrary ones, which the peer never converts
    assert.ok(Math.abs(Number(rounded[i]) / theirs - 1) < EXACT,
      `${from} to ${to}: ${rounded[i]}, the peer has ${theirs}`);
    n++;
  });
  assert.ok(n >= 1500, `${n} compared`);
});

test('temperatures convert as the peer converts them', () => {
  // Not [degRe]: the peer takes 0 Cel for -54.63 of it, and it is 0.
  const units = ['Cel', '[degF]', 'K', '[degR]', 'mK'];
  for (const from of units) {
    for (const to of units) {
      for (const x of ['-40', '0', '36.6', '37.0', '98.6', '310.15', '1000.001']) {
        const [ours] = ask([`round\t${x}\t${from}\t${to}\t-12`]);
        const theirs = peerConverts(Number(x), from, to);
        assert.ok(Math.abs(Number(ours) - theirs) < 1e-9 * Math.max(1, Math.abs(theirs)),
          `${x} ${from} to ${to}: ${ours}, the peer has ${theirs}`);
      }
    }
  }
});

test('what cannot be compared is refused here and there', () => {
  const pairs = [['kg', 'm'], ['mg/dL', 'mm[Hg]'], ['Cel', 'g'], ['mL', 'cm2'], ['mg/dL', 's'],
    ['U/L', 'mg/L'], ['kcal', 'kg'], ['[in_i]', '[lb_av]'], ['mol', 'm'], ['cd', 'lm'],
    ['mmol/L', 'mg/dL'], ['meq/L', 'mg/dL']];
  const answers = ask(pairs.map(([from, to]) => `convert\t1\t${from}\t${to}`));
  pairs.forEach(([from, to], i) => {
    assert.match(answers[i], /^!UCUM_(NOT_COMMENSURABLE|NEEDS_SUBSTANCE)$/, `${from} to ${to}`);
    assert.strictEqual(peerConverts(1, from, to), undefined, `${from} to ${to}`);
  });
});

test('what is no unit is refused here and there', () => {
  const bad = ['', 'mgg', 'm//s', 'm.', '/', '(m', 'm)', '[in_i', '{a', 'm{a', 'kmin', 'm^2', '5e3',
    '1.5', 'foo', '2m', 'mmHg', 'Kg', 'kk', 'm-', 'mCelsius', '[foo]', 'm2.', 's--1', '0x5'];
  const answers = ask(bad.map((u) => `canonical\t${u}`));
  const laxer = bad.filter((u, i) => {
    assert.match(answers[i], /^!UCUM_/, `${u}: ${answers[i]}`);
    return peer.validateUnitString(u).status === 'valid';
  });
  // UCUM gives prefixes to metric units alone; of its 1.5, which is 1 times 5, see ucum.h.
  assert.deepStrictEqual(laxer, ['kmin', '1.5']);
});

test('conversions are exact to the last digit', () => {
  const rows = [
    ['70', '[lb_av]', 'kg', '31.7514659'], ['1', '[lb_av]', 'g', '453.59237'],
    ['98.6', '[degF]', 'Cel', '37'], ['0', 'Cel', '[degRe]', '0'], ['80', '[degRe]', 'Cel', '1e+2'], ['120', 'mm[Hg]', 'kPa', '15.99864'],
    ['0.1', 'mg', 'ug', '1e+2'], ['1', 'd', 's', '8.64e+4'], ['5', 'mL/min', 'L/h', '0.3'],
    ['1', '[ft_i]', 'cm', '30.48'], ['72', '[in_i]', 'm', '1.8288'], ['7.5', 'g%', 'g/L', '75'],
    ['3', '[drp]', 'mL', '0.15'], ['100', 'mg/dL', 'g/L', '1'], ['1', 'U/L', 'nkat/L', '!UCUM_INEXACT'],
    ['1', 'kg', '[lb_av]', '!UCUM_INEXACT'], ['1', 'deg', 'rad', '!UCUM_INEXACT'],
    ['1', 'deg', "'", '6e+1'], ['1', 'meq', 'mmol', '!UCUM_NEEDS_SUBSTANCE'],
    ['1', '[IU]', 'mg', '!UCUM_NEEDS_SUBSTANCE'], ['1', '[IU]', "[arb'U]", '!UCUM_NOT_COMMENSURABLE'],
    ['1', '[IU]/mL', 'k[iU]/L', '1'], ['7.4', '[pH]', 'mol/L', '!UCUM_NOT_LINEAR'],
    ['12345678901234567890.12345678', 'kg', 'g', '12345678901234567890123.45678'],
  ];
  const answers = ask(rows.map(([x, from, to]) => `convert\t${x}\t${from}\t${to}`));
  rows.forEach((row, i) => assert.strictEqual(answers[i], row[3], row.join(' ')));
});
