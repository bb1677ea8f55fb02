'use strict';
// Rows of clinical/doses_*.tsv: what a label or paper says of one rule, as published. Of each limit two orders are made, one at it,
// that it must let pass, and one a ten-thousandth above, that it must not; of each bound of the patients it is for, two patients.
// All of it is worked out from the row alone, never from the rule set.

const fs = require('node:fs');
const path = require('node:path');
const { NOON, DAY, MINUTE, creatinineFor, orderOf, givenOf, snapshotOf } = require('./clinical_patient');

const FOLDER = path.join(__dirname, 'clinical');

function readTable(file) {
  const [head, ...lines] = fs.readFileSync(path.join(FOLDER, file), 'utf8').trimEnd().split('\n');
  const names = head.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    if (cells.length !== names.length) throw new Error(`${file}: not ${names.length} cells: ${line}`);
    return Object.fromEntries(names.map((n, i) => [n, cells[i]]));
  });
}
const readTables = (prefix) => fs.readdirSync(FOLDER).filter((f) => f.startsWith(prefix) && f.endsWith('.tsv')).sort().flatMap(readTable);

// ---- exact decimals: BigInt with a scale ----

const parse = (text) => {
  const [whole, part = ''] = String(text).split('.');
  return { n: BigInt(whole + part), scale: part.length };
};
const print = ({ n, scale }) => {
  const digits = n.toString().padStart(scale + 1, '0');
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`.replace(/\.?0+$/, '');
};
const times = (a, b) => print({ n: parse(a).n * parse(b).n, scale: parse(a).scale + parse(b).scale });
const above = (a) => times(a, '1.0001');
const below = (a) => times(a, '0.9999');

// ---- ages and limits as published ----

// "18y" in days, of 365.25 each; "6mo" a half year; "29d".
function daysOf(text) {
  const [, n, unit] = /^(\d+)(y|mo|d)$/.exec(text);
  return unit === 'd' ? Number(n) : Math.round(Number(n) * (unit === 'y' ? 365.25 : 365.25 / 12));
}
const MINUTES = { min: 1, h: 60, d: 1440 };

function patientOf(text) {
  const bounds = {};
  for (const part of text.split(' ').filter(Boolean)) {
    if (part.startsWith('indication=')) { bounds.indications = part.slice(11).split(','); continue; }
    const [, name, from, to] = /^(age|weight|crcl|egfr)=([^.]*(?:\.\d+)?)\.\.(.*)$/.exec(part);
    bounds[name] = name === 'age' ? { from: from && daysOf(from), to: to && daysOf(to) } : { from, to };
  }
  return bounds;
}

const WHAT = {
  single: 'single-dose', 'single/kg': 'dose-per-kg', 'single/m2': 'dose-per-m2', daily: 'daily', 'daily/kg': 'daily-per-kg', 'daily/m2': 'daily-per-m2',
  total: 'cumulative', 'total/m2': 'cumulative-per-m2', rate: 'rate', 'rate/kg': 'rate-per-kg', least: 'least-dose', 'least/kg': 'least-dose-per-kg',
  conc: 'concentration', infuse: 'infusion-rate', 'infuse/kg': 'infusion-rate-per-kg',
};
// "never" ("never=[IU]": its dose's unit), "daily=75mg/kg", "every=4h" ("every=8h@[IU]": its dose's unit), "doses=5", "days=7", "total=10mg:7d", "rate=2ug/kg/min";
// of one dose that is infused "over=60min", "conc=0.4meq/mL", "infuse=50mg/min".
function limitOf(text) {
  const never = /^never(?:=(.+))?$/.exec(text);
  if (never) return { kind: 'never', dose: never[1] };
  const every = /^every=(\d+)(min|h|d)(?:@(.+))?$/.exec(text);
  if (every) return { kind: 'every', minutes: Number(every[1]) * MINUTES[every[2]], dose: every[3] };
  const [, kind, value, unit, window] = /^(\w+)=([\d.]+)([^:]*)(?::(\d+)d)?$/.exec(text);
  if (kind === 'over') return { kind, n: Number(value) };
  if (kind === 'doses' || kind === 'days') return { kind, n: Number(value) };
  const over = /\/(kg|m2)(?=\/|$)/.exec(unit);
  const name = over ? `${kind}/${over[1]}` : kind;
  return { kind, value, unit, over: over?.[1], what: WHAT[name], window: window && Number(window) };
}

// ---- patients within and beside a row's bounds ----

const ADULT = 14700; // 40 years
const ADULT_DAYS = 6575;
function within({ from, to }, usual, last) {
  const low = from === '' || from === undefined ? 0 : Number(from);
  const high = to === '' || to === undefined ? Infinity : Number(to);
  if (usual >= low && usual < high) return usual;
  return high === Infinity ? low + last : low + (high - low) / 2;
}

// kg and cm by age, so that the surface is a whole number of tenths: 80 kg and 180 cm are 2 m2.
function bodyOf(days) {
  if (days >= 6575) return { kg: '80', cm: '180' };
  if (days >= 3000) return { kg: '36', cm: '144' }; // 1.2 m2
  if (days >= 365) return { kg: '20', cm: '80' }; // 0.67 m2
  return { kg: '4', cm: '50' };
}
const SURFACE = { 80: '2', 36: '1.2' };

function basePatient(bounds) {
  const days = Math.floor(within(bounds.age ?? {}, ADULT, 1));
  const body = bodyOf(days);
  const kg = String(within(bounds.weight ?? {}, Number(body.kg), 5));
  const p = { days, kg, cm: body.cm };
  if (bounds.crcl) p.crcl = within(bounds.crcl, 100, 5);
  if (bounds.egfr) p.egfr = String(within(bounds.egfr, 100, 5));
  return p;
}
function chartOf(p) {
  const { crcl, ...rest } = p;
  return { ...rest, creatinine: creatinineFor(crcl ?? 100, p.days, Number(p.kg)) };
}

// ---- an order that keeps, or breaks, one limit ----

const perDose = (limit, p) => {
  if (limit.over === 'kg') return times(limit.value, p.kg);
  if (limit.over === 'm2') return times(limit.value, SURFACE[p.kg]);
  return limit.value;
};
const plain = (unit) => unit.replace(/\/(kg|m2)$/, '');

// "drug", or for a rule of another than its first ingredient "drug:product:0.008{tablet}": what one mg of that is of the product.
function drugOf(cell) {
  const [drug, product_id = '', part = ''] = cell.split(':');
  const [, factor, unit] = /^([\d.]*)(.*)$/.exec(part);
  return { drug, product_id, dose: (value, own) => (part ? `${times(value, factor)} ${unit}` : `${value} ${own}`) };
}

const LITRE = { value: '1000', unit: 'mL' };
const milligrams = (limit) => (limit.unit.startsWith('g') ? times(limit.value, '1000') : limit.value);

function orderFor(row, limit, p, broken, route) {
  const { drug, product_id, dose } = drugOf(row.drug);
  const small = `1 ${limit.dose ?? row.unit}`;
  const one = (more, given) => snapshotOf(chartOf(p), orderOf(drug, small, route, { ...row.of, ...more }), given ? { given } : {});
  const infused = (amount, unit, minutes) => snapshotOf(chartOf(p), orderOf(drug, `${amount} ${unit.split('/')[0]}`, route, { infuse_over_minutes: minutes, volume: LITRE }));
  switch (limit.kind) {
    case 'never': return snapshotOf(chartOf(p), orderOf(drug, `1 ${limit.dose ?? 'mg'}`, route, { product_id }));
    case 'every': return one({}, [givenOf(drug, small, limit.minutes - (broken ? 1 : 0))]);
    case 'doses': return one({}, Array.from({ length: limit.n - (broken ? 0 : 1) }, (_, i) => givenOf(drug, small, 1430 - 20 * i, { administration_id: `g${i}` })));
    case 'days': return one({ timing: { kind: 'KIND_INTERVAL', interval_minutes: 1440 }, ends_at_us: NOON + limit.n * DAY + (broken ? MINUTE : 0) });
    case 'over': return one({ infuse_over_minutes: limit.n - (broken ? 1 : 0), volume: LITRE });
    case 'conc': return infused(times(broken ? above(limit.value) : limit.value, '1000'), limit.unit, 1440);
    case 'infuse': return infused(broken ? above(perDose(limit, p)) : perDose(limit, p), plain(limit.unit.replace(/\/(h|min)$/, '')), limit.unit.endsWith('/h') ? 60 : 1);
    case 'rate': return snapshotOf(chartOf(p), orderOf(drug, `${broken ? above(limit.value) : limit.value} ${limit.unit}`, route, { timing: { kind: 'KIND_CONTINUOUS' } }));
    case 'least': return snapshotOf(chartOf(p), orderOf(drug, `${broken ? below(perDose(limit, p)) : perDose(limit, p)} ${plain(limit.unit)}`, route));
    default: {
      const most = perDose(product_id ? { ...limit, value: milligrams(limit) } : limit, p);
      return snapshotOf(chartOf(p), orderOf(drug, dose(broken ? above(most) : most, plain(limit.unit)), route, { product_id }));
    }
  }
}

// ---- what a decision must say ----

const GRAMS = { g: 1, mg: 1e-3, ug: 1e-6, ng: 1e-9 };
const PER_MINUTE = { '/min': 1, '/h': 1 / 60, '/d': 1 / 1440, '/s': 60 };
function factorOf(unit) {
  const [, of, rest] = /^([^/]+)(.*)$/.exec(unit);
  const time = /\/(min|h|d|s)$/.exec(rest);
  return (GRAMS[of] ?? 1) * (time ? PER_MINUTE[time[0]] : 1);
}
const near = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

const found = (decision, rule) => (decision.findings ?? []).filter((f) => f.rule_id === rule);
function entry(decision, rule, what) {
  return found(decision, rule).flatMap((f) => f.compared ?? []).find((c) => what.includes(c.what));
}

function wrongOf(row, limit, broken, decision) {
  if (decision.error) return `no decision: ${decision.error}`;
  const { rule } = row;
  if (limit.kind === 'never') return (found(decision, rule).length > 0) === broken ? null : (broken ? 'it should fire' : 'it should not fire');
  const what = { every: ['since-last-minutes', 'interval-minutes'], doses: ['doses-per-day'], days: ['duration-days'], over: ['infusion-minutes'] }[limit.kind] ?? [limit.what];
  const c = entry(decision, rule, what);
  if (!broken) return c ? `it should not fire on ${what[0]}, compared ${JSON.stringify(c)}` : null;
  if (!c) return `it should fire on ${what[0]}`;
  const want = limit.minutes ?? limit.n ?? Number(limit.value) * factorOf(limit.unit);
  const got = limit.minutes || limit.n ? Number(c.limit.value) : Number(c.limit.value) * factorOf(c.limit.unit);
  return near(want, got) ? null : `its limit is ${c.limit.value} ${c.limit.unit}, published is ${limit.minutes ?? limit.n ?? limit.value + limit.unit}`;
}

// ---- all checks of a row: { id, rule, snapshot, wrong(decision) → null or a sentence } ----

function limitChecks(row, limits, base) {
  const route = row.routes.split(',')[0];
  return limits.flatMap((limit) => [false, true].map((broken) => ({
    id: `${row.rule} ${limit.kind}${limit.over ? `/${limit.over}` : ''} ${broken ? 'above' : 'at'}`, rule: row.rule,
    snapshot: orderFor(row, limit, base, broken, route),
    wrong: (d) => wrongOf(row, limit, limit.kind === 'never' || broken, d),
  })));
}

function windowChecks(row, limits, base) {
  const route = row.routes.split(',')[0];
  return limits.filter((l) => l.window).flatMap((limit) => [false, true].map((inside) => ({
    id: `${row.rule} ${limit.window} days ${inside ? 'inside' : 'outside'}`, rule: row.rule,
    snapshot: snapshotOf(chartOf(base), orderOf(row.drug, `${times(limit.value, '0.01')} ${limit.unit}`, route), {
      given: [givenOf(row.drug, `${limit.value} ${limit.unit}`, limit.window * 1440 - (inside ? 1 : 0))],
    }),
    wrong: (d) => wrongOf(row, limit, inside, d),
  })));
}

// Every route the row names, with the first limit broken.
function routeChecks(row, limits, base) {
  return row.routes.split(',').map((route) => ({
    id: `${row.rule} by ${route}`, rule: row.rule, snapshot: orderFor(row, limits[0], base, true, route), wrong: (d) => wrongOf(row, limits[0], true, d),
  }));
}

// Clearance is not reckoned below 18: an estimate stands for it there, and that is a finding.
const estimated = (inside) => (d) => {
  if (d.error) return `no decision: ${d.error}`;
  return (found(d, 'ward.renal-estimated').length > 0) === inside ? null : `kidney function should ${inside ? '' : 'not '}be estimated`;
};

function boundChecks(row, limits, bounds, base) {
  const route = row.routes.split(',')[0];
  const checks = [];
  const check = (name, patient, inside) => checks.push({
    id: `${row.rule} ${name} ${inside ? 'within' : 'outside'}`, rule: row.rule,
    snapshot: orderFor(row, limits[0], { ...base, ...patient }, true, route),
    wrong: bounds.crcl && patient.days < ADULT_DAYS ? (inside ? estimated(true) : (d) => wrongOf(row, limits[0], false, d) ?? estimated(false)(d))
      : (d) => wrongOf(row, limits[0], inside, d),
  });
  const sides = (name, { from, to }, patientAt, least) => {
    if (from) {
      check(`${name} from ${from}`, patientAt(Number(from)), true);
      check(`${name} from ${from}`, patientAt(Number(from) - least), false);
    }
    if (to) {
      check(`${name} to ${to}`, patientAt(Number(to)), false);
      check(`${name} to ${to}`, patientAt(Number(to) - least), true);
    }
  };
  sides('age', bounds.age ?? {}, (days) => ({ days }), 1);
  sides('weight', bounds.weight ?? {}, (kg) => ({ kg: String(kg) }), 0.01);
  sides('crcl', bounds.crcl ?? {}, (crcl) => ({ crcl }), 0.1);
  sides('egfr', bounds.egfr ?? {}, (egfr) => ({ egfr: egfr.toFixed(2) }), 0.01);
  return checks;
}

function checksOf(row) {
  const bounds = patientOf(row.patient);
  const base = basePatient(bounds);
  const limits = row.limits.split(' ').map(limitOf);
  const amount = limits.find((l) => l.unit);
  const of = bounds.indications ? { indication: { system: 'http://hl7.org/fhir/sid/icd-10', code: bounds.indications[0] } } : {};
  const full = { ...row, of, unit: amount ? plain(amount.unit.replace(/\/(min|h|d|s)$/, '')) : row.unit || 'mg' };
  return [...limitChecks(full, limits, base), ...windowChecks(full, limits, base), ...routeChecks(full, limits, base), ...boundChecks(full, limits, bounds, base)];
}

module.exports = { readTable, readTables, checksOf, daysOf, found, patientOf, basePatient, chartOf, perDose, drugOf, times, plain };
