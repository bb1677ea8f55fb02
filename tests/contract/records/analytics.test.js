'use strict';
// GetSeries: its counts are those of a filter in JavaScript, in fives; cells of few are not given, nor told
// by subtraction or by their order.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site, observation, condition, encounter, coded, quantity } = require('./site');
const { dice } = require('./searching');

const r = dice(7);
const SYSTEM = 'http://hl7.org/fhir/sid/icd-10';
const NAMES = { I10: 'Essential hypertension', E11: 'Type 2 diabetes', J18: 'Pneumonia', Z99: 'Something rare' };
const GENDERS = { ADMINISTRATIVE_GENDER_MALE: 'male', ADMINISTRATIVE_GENDER_FEMALE: 'female', ADMINISTRATIVE_GENDER_UNSPECIFIED: 'unknown' };
const WARDS = ['ward-3', 'icu', 'ward-4'];
const PATIENTS = 48;
let site, analyst, people, found;

const ask = (request, by = analyst) => site.api('analytics').call('GetSeries', request, by);
const refused = (request, by = analyst) => site.api('analytics').failure('GetSeries', request, by);

before(async () => {
  site = await Site.start({ services: ['records'] });
  analyst = site.tokens.analyst;
  people = [];
  found = [];
  for (let i = 0; i < PATIENTS; i++) {
    const one = { gender: r.pick(Object.keys(GENDERS).slice(0, i % 9 ? 2 : 3)), birth: 1930 + r.int(90), ward: WARDS[i % 8 ? i % 2 : 2] };
    one.id = await site.patient({ gender: one.gender, birth_date: `${one.birth}-06-15` });
    one.encounter = (await site.create(encounter(one.id, one.ward))).version.resource_id;
    people.push(one);
    for (let k = 0; k < 1 + r.int(3); k++) {
      const c = { who: one, code: r.chance(0.05) ? 'Z99' : r.pick(['I10', 'I10', 'E11', 'J18']), year: 2021 + r.int(3), month: 1 + r.int(12), seen: r.chance(0.8) };
      c.date = `${c.year}-${String(c.month).padStart(2, '0')}-10`;
      const by = site.as('physician', { ward: one.ward });
      c.record = await site.create(condition(one.id, {
        code: coded(SYSTEM, c.code, NAMES[c.code]), onset_date_time: c.date, ...(c.seen && { encounter: { reference: `Encounter/${one.encounter}` } }),
      }), by);
      found.push(c);
    }
  }
});
after(() => site?.stop());

const fives = (n) => 5 * Math.round(n / 5);
const decade = (age) => (age >= 90 ? '90+' : `${Math.floor(age / 10) * 10}-${Math.floor(age / 10) * 10 + 9}`);
const keys = {
  BY_CODE: (c) => c.code, BY_GENDER: (c) => GENDERS[c.who.gender], BY_WARD: (c) => (c.seen ? c.who.ward : ''), BY_YEAR: (c) => String(c.year),
  BY_MONTH: (c) => c.date.slice(0, 7), BY_DAY: (c) => c.date,
  BY_AGE: (c) => (c.year - c.who.birth - (c.month <= 6 ? 1 : 0) < 0 ? 'unknown' : decade(c.year - c.who.birth - (c.month <= 6 ? 1 : 0))),
};

// {"row|column": {count, people}} as it is.
function truth(list, by) {
  const cells = {};
  for (const c of list) {
    const key = by.length === 2 ? `${keys[by[0]](c)}|${keys[by[1]](c)}` : `|${keys[by[0]](c)}`;
    const cell = (cells[key] ||= { count: 0, who: new Set() });
    cell.count++;
    cell.who.add(c.who);
  }
  return cells;
}

function given(answer) {
  const cells = {};
  for (const s of answer.series) for (const point of s.points) cells[`${s.key}|${point.key}`] = point;
  return cells;
}

// Nothing that is given is wrong, nothing of few is given, and no row or column tells by subtraction.
function check(answer, list, by, measure, said) {
  const want = truth(list, by), got = given(answer);
  assert.deepStrictEqual(Object.keys(got).sort(), Object.keys(want).sort(), said);
  const lines = {};
  for (const [key, cell] of Object.entries(want)) {
    const point = got[key];
    if (cell.who.size < 5) assert.ok(point.suppressed, `${said} ${key}: ${cell.who.size} patients are told`);
    if (point.suppressed) assert.deepStrictEqual([point.count, point.mean, point.max, point.display], ['0', 0, 0, ''], `${said} ${key}`);
    else assert.strictEqual(Number(point.count), fives(measure === 'MEASURE_PATIENTS' ? cell.who.size : cell.count), `${said} ${key}`);
    const [row, column] = key.split('|');
    for (const name of by.length === 2 ? [`row ${row}`, `column ${column}`] : ['row']) {
      const line = (lines[name] ||= { hidden: 0, people: 0, shown: 0 });
      if (point.suppressed) Object.assign(line, { hidden: line.hidden + 1, people: line.people + cell.who.size });
      else line.shown++;
    }
  }
  for (const [name, l] of Object.entries(lines)) {
    assert.ok(l.shown === 0 || l.hidden === 0 || (l.hidden > 1 && l.people >= 5), `${said} ${name} tells what it hides: ${JSON.stringify(l)}`);
  }
  assert.strictEqual(answer.suppressed_cells, Object.values(got).filter((x) => x.suppressed).length, said);
  return answer.suppressed_cells;
}

test('conditions by every pair of dimensions, as a filter in JavaScript counts them', async () => {
  let suppressed = 0;
  for (const a of Object.keys(keys)) {
    for (const b of [undefined, ...Object.keys(keys)]) {
      if (a === b) continue;
      for (const measure of ['MEASURE_PATIENTS', 'MEASURE_RESOURCES']) {
        const by = b ? [a, b] : [a];
        suppressed += check(await ask({ measure, of: 'OF_CONDITIONS', by, most: 100 }), found, by, measure, `${measure} ${by}`);
      }
    }
  }
  assert.ok(suppressed > 0);
});

test('filters leave out what they should', async () => {
  const by = ['BY_CODE', 'BY_GENDER'], measure = 'MEASURE_RESOURCES', of = 'OF_CONDITIONS', most = 100;
  const us = (date) => Date.parse(date) * 1000;
  const cases = [
    [{ code: `${SYSTEM}|I10` }, (c) => c.code === 'I10'],
    [{ code: 'E11' }, (c) => c.code === 'E11'],
    [{ code: 'urn:other|E11' }, () => false],
    [{ ward: 'icu' }, (c) => c.seen && c.who.ward === 'icu'],
    [{ from_us: us('2022-01-01') }, (c) => c.year >= 2022],
    [{ to_us: us('2022-01-10') }, (c) => c.date < '2022-01-10'],
    [{ from_us: us('2022-01-10'), to_us: us('2022-08-10'), ward: 'ward-3' }, (c) => c.seen && c.who.ward === 'ward-3' && c.date >= '2022-01-10' && c.date < '2022-08-10'],
  ];
  for (const [more, keep] of cases) check(await ask({ measure, of, by, most, ...more }), found.filter(keep), by, measure, JSON.stringify(more));
});

test('series are the largest, points in their order, codes with their systems', async () => {
  const answer = await ask({ measure: 'MEASURE_RESOURCES', of: 'OF_CONDITIONS', by: ['BY_CODE', 'BY_YEAR'], most: 2 });
  const all = (await ask({ measure: 'MEASURE_RESOURCES', of: 'OF_CONDITIONS', by: ['BY_CODE', 'BY_YEAR'], most: 100 })).series;
  const sum = (s) => s.points.reduce((n, x) => n + Number(x.count), 0);
  const larger = (x, y) => sum(y) - sum(x) || (x.key < y.key ? -1 : 1);
  assert.deepStrictEqual(all.map((s) => s.key), [...all].sort(larger).map((s) => s.key));
  assert.ok(sum(all[0]) > 0);
  assert.deepStrictEqual(answer.series, all.slice(0, 2));
  const count = (code) => fives(found.filter((c) => c.code === code).length);
  const order = Object.keys(NAMES).sort((x, y) => count(y) - count(x) || (x < y ? -1 : 1));
  assert.strictEqual(answer.series[0].display, SYSTEM);
  const years = answer.series[0].points.map((x) => x.key);
  assert.deepStrictEqual(years, [...years].sort());
  const one = await ask({ measure: 'MEASURE_RESOURCES', of: 'OF_CONDITIONS', by: ['BY_CODE'], most: 2 });
  assert.deepStrictEqual(one.series.map((s) => s.key), ['']);
  assert.deepStrictEqual(one.series[0].points.map((x) => [x.key, x.display, Number(x.count)]), order.slice(0, 2).map((c) => [c, SYSTEM, count(c)]));
  assert.ok(Math.abs(Number(answer.at_us) / 1000 - Date.now()) < 60000);
});

test('encounters by ward, patients by gender and age', async () => {
  const wards = given(await ask({ measure: 'MEASURE_PATIENTS', of: 'OF_ENCOUNTERS', by: ['BY_WARD'] }));
  for (const ward of WARDS) assert.strictEqual(Number(wards[`|${ward}`].count), fives(people.filter((x) => x.ward === ward).length));
  const genders = given(await ask({ measure: 'MEASURE_PATIENTS', of: 'OF_PATIENTS', by: ['BY_GENDER'] }));
  const n = (key) => people.filter((x) => GENDERS[x.gender] === key).length;
  const [fewer, more] = ['male', 'female'].sort((x, y) => n(x) - n(y));
  assert.ok(n('unknown') > 0 && n('unknown') < 5);
  // the total is known to who asks by age: with one hidden alone it would tell
  assert.deepStrictEqual(['unknown', fewer, more].map((key) => Number(genders[`|${key}`].count)), [0, 0, fives(n(more))]);
  const years = await ask({ measure: 'MEASURE_RESOURCES', of: 'OF_PATIENTS', by: ['BY_AGE'] });
  assert.strictEqual(years.series.length, 1);
});

test('what hides a few is not undone by calls with filters, nor by the order', async () => {
  const code = (x) => coded(SYSTEM, x);
  const sizes = { A04: 3, A01: 9, A03: 8, A02: 8, A05: 4 };
  for (const [key, n] of Object.entries(sizes)) {
    for (const one of people.slice(0, n)) await site.create(condition(one.id, { code: code(key), onset_date_time: '2019-01-10' }), site.as('physician', { ward: one.ward }));
  }
  const until = { to_us: Date.parse('2019-06-01') * 1000, measure: 'MEASURE_PATIENTS', of: 'OF_CONDITIONS' };
  const points = async (more) => (await ask({ ...until, ...more })).series.flatMap((s) => s.points.map((x) => [x.key, Number(x.count), x.suppressed]));
  assert.deepStrictEqual(await points({ by: ['BY_CODE'] }), [['A01', 10, false], ['A02', 10, false], ['A03', 10, false], ['A04', 0, true], ['A05', 0, true]]);
  // the whole is 9 + 8 + 8 + 3 + 4 resources: each part by a filter, and what is left over is not the truth
  assert.deepStrictEqual(await points({ by: ['BY_YEAR'], measure: 'MEASURE_RESOURCES' }), [['2019', 30, false]]);
  for (const x of ['A01', 'A02', 'A03']) assert.deepStrictEqual(await points({ by: ['BY_CODE'], code: `${SYSTEM}|${x}` }), [[x, 10, false]]);
  assert.deepStrictEqual(await points({ by: ['BY_CODE'], code: `${SYSTEM}|A04` }), [['A04', 0, true]]);
  // rows too: the key decides, not who has more
  const rows = await ask({ ...until, by: ['BY_CODE', 'BY_YEAR'] });
  const shown = (s) => s.points.some((x) => !x.suppressed);
  const hidden = rows.series.filter((s) => !shown(s));
  assert.deepStrictEqual(hidden.map((s) => [s.key, s.display]), hidden.map((s) => [s.key, '']));
  assert.deepStrictEqual(hidden.map((s) => s.key), hidden.map((s) => s.key).sort());
  assert.ok(rows.series.findIndex((s) => !shown(s)) >= rows.series.filter(shown).length && hidden.length >= 2, JSON.stringify(rows.series));
});

test('days are those of the zone that is named, summer time too', async () => {
  const at = ['2026-03-01T15:59:00Z', '2026-03-01T16:01:00Z', '2026-03-28T22:59:00Z', '2026-03-28T23:01:00Z', '2026-03-29T21:59:00Z', '2026-03-29T22:01:00Z'];
  const code = coded('urn:test', 'zoned', 'Zoned');
  for (const when of at) {
    for (const one of people.filter((x) => x.ward === 'ward-3').slice(0, 5)) {
      await site.create(observation(one.id, { code, effective_date_time: when, value_quantity: undefined }), 'nurse');
    }
  }
  const days = async (time_zone, by = 'BY_DAY', more = {}) => {
    const answer = await ask({ measure: 'MEASURE_RESOURCES', of: 'OF_OBSERVATIONS', code: 'urn:test|zoned', by: [by], time_zone, ...more });
    return Object.fromEntries(answer.series.flatMap((s) => s.points.map((x) => [x.key, Number(x.count)])));
  };
  assert.deepStrictEqual(await days(''), { '2026-03-01': 10, '2026-03-28': 10, '2026-03-29': 10 });
  assert.deepStrictEqual(await days('Asia/Shanghai'), { '2026-03-01': 5, '2026-03-02': 5, '2026-03-29': 10, '2026-03-30': 10 });
  assert.deepStrictEqual(await days('Europe/Berlin'), { '2026-03-01': 10, '2026-03-28': 5, '2026-03-29': 10, '2026-03-30': 5 });
  assert.deepStrictEqual(await days('Europe/Berlin', 'BY_WEEK'), { '2026-W09': 10, '2026-W13': 15, '2026-W14': 5 });
  assert.deepStrictEqual(await days('UTC', 'BY_MONTH'), { '2026-03': 30 });
  const from_us = Date.parse('2026-03-28T00:00:00Z') * 1000;
  assert.deepStrictEqual(await days('Europe/Berlin', 'BY_DAY', { from_us }), { '2026-03-28': 5, '2026-03-29': 10, '2026-03-30': 5 });
});

test('values: their mean, ends and quartiles in one unit', async () => {
  const code = coded('urn:test', 'measured', 'Measured');
  const values = [];
  for (const one of people.filter((x) => x.ward === 'icu').slice(0, 9)) {
    const grams = r.chance(0.5), n = 1 + r.int(900);
    values.push(grams ? n / 10 : n); // g/L and mg/dL are both kg/m3 in the end
    const by = site.as('nurse', { ward: 'icu' });
    await site.create(observation(one.id, { code, value_quantity: grams ? quantity(String(n / 1000), 'g/L') : quantity(String(n), 'mg/dL') }), by);
  }
  const answer = await ask({ measure: 'MEASURE_VALUES', of: 'OF_OBSERVATIONS', code: 'urn:test|measured', by: ['BY_YEAR'] });
  const [point] = answer.series[0].points;
  assert.ok(answer.unit);
  const mg = [...values].sort((x, y) => x - y); // mg/dL
  const quartile = (q) => {
    const at = (mg.length - 1) * q, low = Math.floor(at);
    return mg[low] + (at - low) * ((mg[low + 1] ?? mg[low]) - mg[low]);
  };
  const scale = 10 ** Math.round(Math.log10(point.p50 / quartile(0.5))); // of the unit that was taken
  assert.strictEqual(Number(point.count), 10);
  const near = (got, want) => assert.ok(Math.abs(got / scale - want) < 1e-9 * Math.max(1, want), `${got / scale} is not ${want}`);
  const figures = (x, n, round) => {
    const unit = 10 ** (Math.floor(Math.log10(x)) + 1 - n);
    return round(Number((x / unit).toFixed(9))) * unit;
  };
  near(point.min, figures(mg[0], 2, Math.floor));
  near(point.max, figures(mg.at(-1), 2, Math.ceil));
  near(point.mean, figures(mg.reduce((x, y) => x + y) / 9, 3, Math.round));
  near(point.p25, figures(quartile(0.25), 3, Math.round));
  near(point.p50, figures(quartile(0.5), 3, Math.round));
  near(point.p75, figures(quartile(0.75), 3, Math.round));
});

test('merged patients are one, erased ones none, errors are not counted', async () => {
  const code = coded('urn:test', 'fused', 'Fused');
  const made = [];
  for (let i = 0; i < 8; i++) {
    const id = await site.patient({ birth_date: '2000-01-01' });
    await site.create(encounter(id, 'ward-3'));
    made.push({ id, record: await site.create(condition(id, { code }), 'physician') });
  }
  const count = async (measure) => {
    const answer = await ask({ measure, of: 'OF_CONDITIONS', code: 'urn:test|fused', by: ['BY_GENDER'] });
    const [point] = answer.series.flatMap((s) => s.points);
    return point.suppressed ? 'few' : Number(point.count);
  };
  assert.deepStrictEqual([await count('MEASURE_PATIENTS'), await count('MEASURE_RESOURCES')], [10, 10]);
  await site.api('patients').call('MergePatients', {
    idempotency_key: site.key(), into_patient_id: made[0].id, from_patient_id: made[1].id, into_version: 1, from_version: 1, reason: 'the same person',
  }, site.tokens.registrar);
  assert.deepStrictEqual([await count('MEASURE_PATIENTS'), await count('MEASURE_RESOURCES')], [5, 10]);
  await site.records.call('MarkEnteredInError', {
    idempotency_key: site.key(), kind: 'KIND_CONDITION', id: made[0].record.version.resource_id, expected_version: 1, reason: 'wrong',
  }, site.tokens.physician);
  assert.deepStrictEqual([await count('MEASURE_PATIENTS'), await count('MEASURE_RESOURCES')], [5, 5]);
  const erase = (one) => site.api('recordsadmin').call('ErasePatient', { idempotency_key: site.key(), patient_id: one.id, case_reference: 'C-1' }, site.tokens['privacy-officer']);
  await erase(made[2]);
  await erase(made[3]);
  assert.deepStrictEqual([await count('MEASURE_PATIENTS'), await count('MEASURE_RESOURCES')], [5, 5]);
  await erase(made[4]);
  assert.deepStrictEqual([await count('MEASURE_PATIENTS'), await count('MEASURE_RESOURCES')], ['few', 'few']);
});

test('what means nothing is refused, and by field', async () => {
  const fine = { measure: 'MEASURE_PATIENTS', of: 'OF_CONDITIONS', by: ['BY_CODE'] };
  const wrong = [
    [{ measure: 'MEASURE_UNSPECIFIED' }, 'measure'], [{ measure: 9 }, 'measure'], [{ of: 'OF_UNSPECIFIED' }, 'of'], [{ of: 12 }, 'of'],
    [{ by: [] }, 'by'], [{ by: ['BY_CODE', 'BY_AGE', 'BY_GENDER'] }, 'by'], [{ by: ['BY_CODE', 'BY_CODE'] }, 'by'], [{ by: ['BY_UNSPECIFIED'] }, 'by'],
    [{ by: [77] }, 'by'], [{ of: 'OF_PATIENTS' }, 'by'], [{ of: 'OF_PATIENTS', by: ['BY_WARD'] }, 'by'], [{ of: 'OF_PATIENTS', by: ['BY_AGE'], code: 'x' }, 'code'],
    [{ of: 'OF_PATIENTS', by: ['BY_AGE'], ward: 'x' }, 'ward'], [{ measure: 'MEASURE_VALUES' }, 'of'],
    [{ measure: 'MEASURE_VALUES', of: 'OF_OBSERVATIONS' }, 'code'], [{ from_us: 5, to_us: 5 }, 'to_us'], [{ most: 101 }, 'most'], [{ most: -1 }, 'most'],
    [{ time_zone: 'Mars/Olympus' }, 'time_zone'], [{ time_zone: '../../etc/passwd' }, 'time_zone'], [{ time_zone: '/etc/passwd' }, 'time_zone'],
    [{ code: 'x'.repeat(257) }, 'code'], [{ ward: 'x'.repeat(257) }, 'ward'],
  ];
  for (const [more, field] of wrong) {
    const err = await refused({ ...fine, ...more });
    assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', field], JSON.stringify(more));
  }
  assert.deepStrictEqual((await ask({ ...fine, code: 'nobody-has-this' })).series, []);
  assert.deepStrictEqual((await ask({ measure: 'MEASURE_VALUES', of: 'OF_OBSERVATIONS', code: 'none', by: ['BY_AGE'] })).series, []);
});

test('more than 5,000 points are too many', async () => {
  await site.sql(`SET SESSION foreign_key_checks = 0;
    INSERT INTO patient (patient_id, root_id, gender, birth_us, created_at_us, key_sha256)
      SELECT UNHEX(MD5(CONCAT('many', seq))), UNHEX(MD5(CONCAT('many', seq))), 1, 0, 1, REPEAT('x', 32) FROM seq_1_to_5001;
    INSERT INTO resource (resource_id, patient_id, kind, version, written_at_us, status, wrong, labels, from_us, to_us)
      SELECT patient_id, patient_id, 2, 1, 1, 1, 0, 0, ROW_NUMBER() OVER () * 86400000000, ROW_NUMBER() OVER () * 86400000000 + 1 FROM patient WHERE birth_us = 0`);
  const many = { measure: 'MEASURE_PATIENTS', of: 'OF_ENCOUNTERS', by: ['BY_DAY'] };
  const err = await refused(many);
  assert.deepStrictEqual([err.code, err.reason], ['RESOURCE_EXHAUSTED', 'SERIES_TOO_LARGE']);
  assert.ok((await ask({ ...many, by: ['BY_YEAR'] })).series[0].points.length < 100);
});

test('roles: analysts, physicians and those who run it; each call is an event about nobody', async () => {
  const fine = { measure: 'MEASURE_PATIENTS', of: 'OF_CONDITIONS', by: ['BY_GENDER'] };
  for (const role of ['analyst', 'physician', 'records-admin']) await ask(fine, site.tokens[role]);
  for (const role of ['nurse', 'registrar', 'patient', 'porter', 'auditor']) assert.strictEqual((await refused(fine, site.tokens[role])).code, 'PERMISSION_DENIED', role);
  await ask(fine);
  const event = await site.lastEvent();
  assert.deepStrictEqual([event.action, event.patient, event.outcome], ['/ward.records.v1.Analytics/GetSeries', '', 'OUTCOME_SUCCESS']);
  // an analyst sees counts and nothing else
  const err = await site.records.failure('Search', { kind: 'KIND_CONDITION' }, analyst);
  assert.strictEqual(err.code, 'PERMISSION_DENIED');
});

test('what somebody writes as a code or its name is not kept in the clear', async () => {
  const { id } = await site.treated();
  const name = 'Zhang-San';
  const codings = [
    ['http://local', name, 'x'], ['http://loinc.org', name, 'x'], ['http://loinc.org', '8867-4', name], ['http://terminology.hl7.org/CodeSystem/v3-ActCode', name, 'x'],
    ['http://hl7.org/fhir/names', name, 'x'], ['http://hl7.org/fhir/sid/icd-10', 'I10', name], [`http://terminology.hl7.org/CodeSystem/${name}`, 'x', 'x'],
  ];
  for (const c of codings) await site.create(observation(id, { code: coded(...c) }), 'nurse');
  const rows = await site.sql('SELECT * FROM coding');
  assert.ok(rows.some((row) => row.includes('8867-4')));
  assert.ok(!JSON.stringify(rows).includes(name));
});
