'use strict';
// Tables: patients and observations come in by a map of their columns; nothing is guessed.

const test = require('node:test');
const assert = require('node:assert');
const { Site, uuid, PURPOSE } = require('./site');

let site;
let exchange;
const admin = () => site.tokens['records-admin'];
test.before(async () => {
  site = await Site.shared();
  exchange = site.api('exchange');
});
test.after(() => site && site.stop());

const MRN = 'http://hospital.example/mrn';
const PATIENTS = [
  { column: 'MRN', field: `identifier:${MRN}` }, { column: 'Last', field: 'family' }, { column: 'First', field: 'given' },
  { column: 'Born', field: 'birth_date', date_format: 'DD.MM.YYYY' }, { column: 'Sex', field: 'gender' }, { column: 'Tel', field: 'phone' },
  { column: 'Remark', field: '-' },
];
const HEAD = 'MRN,Last,First,Born,Sex,Tel,Remark\r\n';
const OBSERVATIONS = [
  { column: 'who', field: `patient:${MRN}` }, { column: 'what', field: 'loinc' }, { column: 'much', field: 'value' }, { column: 'in', field: 'unit' },
  { column: 'when', field: 'effective' },
];
const OHEAD = 'who,what,much,in,when\n';

const patients = (more = {}) => ({ import_id: uuid(), source: 'his', kind: 'CSV_KIND_PATIENTS', columns: PATIENTS, ...more });
const observations = (more = {}) =>
  ({ import_id: uuid(), source: 'his', kind: 'CSV_KIND_OBSERVATIONS', columns: OBSERVATIONS, time_zone: 'Europe/Berlin', ...more });

// The last progress message; chunk: bytes a message.
async function load(start, text, { chunk = 1 << 20, by = admin() } = {}) {
  const call = exchange.duplex('ImportCsv', by);
  call.write({ start });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunk) call.write({ chunk: bytes.subarray(at, at + chunk) });
  call.end();
  let last;
  for await (const m of call) last = m;
  return last;
}

async function refused(start, text, options) {
  try {
    await load(start, text, options);
  } catch (err) {
    return err;
  }
  throw new Error('it was taken');
}

const mrn = () => `M${uuid().slice(0, 8)}`;
const counts = ({ created, updated, unchanged, quarantined, done }) => ({ created, updated, unchanged, quarantined, done });
const items = async (import_id) => (await exchange.call('ListQuarantine', { import_id, page_size: 100 }, admin())).items;
// The chart as a bundle says it.
async function chart(identifier) {
  const found = await site.records.call('Search', { kind: 'KIND_PATIENT', parameters: [{ name: 'identifier', values: [`${MRN}|${identifier}`] }] },
    site.tokens.registrar);
  return found.records.map((r) => r.resource.patient);
}
async function patientOf(identifier) {
  const [p] = await chart(identifier);
  await site.create({ encounter: { status: 'STATUS_IN_PROGRESS', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' },
    subject: { reference: `Patient/${p.id}` }, location: [{ location: { reference: 'Location/ward-3' } }] } });
  return p.id;
}
async function observed(patient) {
  const found = await site.records.call('Search', { kind: 'KIND_OBSERVATION', page_size: 100, order: 'ORDER_DATE_ASC',
    parameters: [{ name: 'patient', values: [patient] }] }, site.tokens.nurse);
  return found.records.map((r) => r.resource.observation);
}

test('a table of patients goes in by its map', async () => {
  const [a, b] = [mrn(), mrn()];
  const text = `${HEAD}${a},Müller,"Anna, Maria",02.08.1949,female,+49 30 1,\r\n${b},王,小明,01.01.2000,男,,"two\r\nlines, and a ""quote"""\r\n`;
  const progress = await load(patients(), text);
  assert.deepStrictEqual(counts(progress), { created: 2, updated: 0, unchanged: 0, quarantined: 0, done: true });
  assert.strictEqual(Number(progress.bytes), Buffer.byteLength(text));
  const [anna] = await chart(a);
  assert.strictEqual(anna.name[0].family, 'Müller');
  assert.deepStrictEqual(anna.name[0].given, ['Anna, Maria']);
  assert.strictEqual(anna.birth_date, '1949-08-02');
  assert.strictEqual(anna.gender, 'ADMINISTRATIVE_GENDER_FEMALE');
  assert.strictEqual(anna.telecom[0].value, '+49 30 1');
  const [wang] = await chart(b);
  assert.strictEqual(wang.gender, 'ADMINISTRATIVE_GENDER_MALE');
  assert.doesNotMatch(JSON.stringify(wang), /two/); // left out on purpose
});

test('the same table again changes nothing, a changed line is the next version', async () => {
  const [a, b] = [mrn(), mrn()];
  const text = `${HEAD}${a},A,B,02.08.1949,F,,\n${b},C,D,03.08.1949,M,,\n`;
  const start = patients();
  await load(start, text);
  assert.deepStrictEqual(counts(await load(start, text)), { created: 0, updated: 0, unchanged: 2, quarantined: 0, done: true });
  const again = await load(patients(), text.replace('C,D', 'C,E'));
  assert.deepStrictEqual(counts(again), { created: 0, updated: 1, unchanged: 1, quarantined: 0, done: true });
  assert.strictEqual((await chart(b)).length, 1);
});

test('bytes may come in any pieces, with a mark before them or without an end of line', async () => {
  for (const chunk of [1, 2, 3, 7]) {
    const a = mrn();
    const progress = await load(patients(), `\ufeff${HEAD}${a},"Æ""x\ny",B,02.08.1949,F,,`, { chunk });
    assert.strictEqual(progress.created, 1);
    assert.strictEqual((await chart(a))[0].name[0].family, 'Æ"x\ny');
  }
});

test('semicolons and tabs separate where it is said', async () => {
  for (const separator of [';', '\t']) {
    const a = mrn();
    const text = `${HEAD.replaceAll(',', separator)}${[a, 'A,1', 'B', '02.08.1949', 'F', '', ''].join(separator)}\n`;
    assert.strictEqual((await load(patients({ separator }), text)).created, 1);
    assert.strictEqual((await chart(a))[0].name[0].family, 'A,1');
  }
});

test('observations go in with their units put right and their local times placed', async () => {
  const a = mrn();
  await load(patients(), `${HEAD}${a},A,B,02.08.1949,F,,\n`);
  const lines = [
    `${a},8867-4,72.0,/min,2020-01-15 08:30`, `${a},8480-6,<140,mmHg,2020-07-15T08:30:01.5`, `${a},29463-7,70.10,kg,2020-07-16T08:30:00+05:30`,
    `${a},8302-2,171,cm,2020-07-17`,
  ];
  const progress = await load(observations(), OHEAD + lines.join('\n'));
  assert.deepStrictEqual(counts(progress), { created: 4, updated: 0, unchanged: 0, quarantined: 0, done: true }, JSON.stringify(progress.first_problems));
  const all = await observed(await patientOf(a));
  assert.deepStrictEqual(all.map((o) => o.effective_date_time),
    ['2020-01-15T08:30:00+01:00', '2020-07-15T08:30:01.5+02:00', '2020-07-16T08:30:00+05:30', '2020-07-17']);
  const [hr, bp, kg] = all.map((o) => o.value_quantity);
  assert.deepStrictEqual([hr.value.value, hr.unit, hr.code, hr.system], ['72.0', '/min', '/min', 'http://unitsofmeasure.org']);
  assert.deepStrictEqual([bp.comparator, bp.value.value, bp.unit, bp.code], ['<', '140', 'mmHg', 'mm[Hg]']);
  assert.strictEqual(kg.value.value, '70.10');
  assert.strictEqual(all[0].status, 'STATUS_FINAL');
  assert.deepStrictEqual(all[0].code.coding.map((c) => [c.system, c.code]), [['http://loinc.org', '8867-4']]);
});

test('a wide table has a column for each kind of observation, and empty cells are none', async () => {
  const a = mrn();
  await load(patients(), `${HEAD}${a},A,B,02.08.1949,F,,\n`);
  const columns = [{ column: 'p', field: `patient:${MRN}` }, { column: 't', field: 'effective', date_format: 'YYYYMMDD' },
    { column: 'HR', field: 'value:8867-4:/min' }, { column: 'Na', field: 'value:2951-2:mmol/L' }];
  const text = `p,t,HR,Na\n${a},20200102,80,140\n${a},20200103,,141\n${a},20200104,,\n`;
  const start = observations({ columns, time_zone: '' });
  assert.deepStrictEqual(counts(await load(start, text)), { created: 3, updated: 0, unchanged: 0, quarantined: 0, done: true });
  assert.deepStrictEqual(counts(await load(start, text)), { created: 0, updated: 0, unchanged: 3, quarantined: 0, done: true });
  const all = await observed(await patientOf(a));
  assert.deepStrictEqual(all.map((o) => `${o.effective_date_time} ${o.value_quantity.value.value} ${o.value_quantity.unit}`).sort(),
    ['2020-01-02 140 mmol/L', '2020-01-02 80 /min', '2020-01-03 141 mmol/L']);
});

test('a later file of the same day adds to what an earlier one brought, and never takes its place', async () => {
  const a = mrn();
  await load(patients(), `${HEAD}${a},A,B,02.08.1949,F,,\n`);
  const line = (value, day = '2020-01-15') => `${a},8867-4,${value},/min,${day}\n`;
  const of = (progress) => [progress.created, progress.updated, progress.unchanged, progress.quarantined];
  assert.deepStrictEqual(of(await load(observations(), OHEAD + line(70) + line(71) + line(72, '2020-01-16'))), [3, 0, 0, 0]);
  assert.deepStrictEqual(of(await load(observations(), OHEAD + line(90))), [1, 0, 0, 0], 'the first line of another file');
  assert.deepStrictEqual(of(await load(observations(), OHEAD + line(72, '2020-01-16') + line(71))), [0, 0, 2, 0], 'on other lines');
  assert.deepStrictEqual(of(await load(observations(), OHEAD + line(71) + line(71))), [1, 0, 1, 0], 'measured twice');
  const values = (await observed(await patientOf(a))).map((o) => o.value_quantity.value.value).sort();
  assert.deepStrictEqual(values, ['70', '71', '71', '72', '90']);
});

test('a file of some columns leaves the others as they are, and an empty cell takes nothing away', async () => {
  const a = mrn();
  await load(patients(), `${HEAD}${a},Müller,Anna,02.08.1949,F,+49 30 1,\n`);
  const contact = [{ column: 'MRN', field: `identifier:${MRN}` }, { column: 'Tel', field: 'phone' }, { column: 'City', field: 'city' }, { column: 'Last', field: 'family' }];
  const progress = await load(patients({ columns: contact }), `MRN,Tel,City,Last\n${a},+49 30 2,Berlin,\n`);
  assert.deepStrictEqual(counts(progress), { created: 0, updated: 1, unchanged: 0, quarantined: 0, done: true }, JSON.stringify(progress.first_problems));
  const [p] = await chart(a);
  assert.deepStrictEqual([p.name[0].family, p.name[0].given, p.birth_date, p.gender], ['Müller', ['Anna'], '1949-08-02', 'ADMINISTRATIVE_GENDER_FEMALE']);
  assert.deepStrictEqual([p.telecom.map((t) => t.value), p.address[0].city, p.identifier.length], [['+49 30 2'], 'Berlin', 1]);
  const again = await load(patients({ columns: contact }), `MRN,Tel,City,Last\n${a},,,\n`);
  assert.deepStrictEqual(counts(again), { created: 0, updated: 0, unchanged: 1, quarantined: 0, done: true });
});

test('blanks around an identifier are not part of it', async () => {
  const a = mrn();
  await load(patients(), `${HEAD}${a},A,B,02.08.1949,F,,\n`);
  const again = await load(patients(), `${HEAD} ${a}\u00a0\t,A,B,02.08.1949,F,,\n`);
  assert.deepStrictEqual(counts(again), { created: 0, updated: 0, unchanged: 1, quarantined: 0, done: true });
  assert.strictEqual((await load(observations(), `${OHEAD}\u3000${a} ,8867-4,72,/min,2020-01-15\n`)).created, 1);
  const start = patients();
  assert.strictEqual((await load(start, `${HEAD}  ,A,B,02.08.1949,F,,\n`)).quarantined, 1);
  assert.strictEqual((await items(start.import_id))[0].problems[0].reason, 'FIELD_REQUIRED');
});

test('lines that cannot be right wait in quarantine, each by its line, and the others go in', async () => {
  const a = mrn();
  await load(patients(), `${HEAD}${a},A,B,02.08.1949,F,,\n`);
  const start = observations();
  const wrong = [
    ['8867-4,"1,5",/min,2020-01-15', 'DECIMAL_INVALID'], ['8867-4,72,zebras,2020-01-15', 'UNIT_UNKNOWN'], ['8867-4,72,mg,2020-01-15', 'UNIT_UNKNOWN'],
    ['8867-4,4321,/min,2020-01-15', 'IMPLAUSIBLE_VALUE'], ['8867-4,72,/min,15.01.2020', 'DATE_MALFORMED'], ['8867-4,72,/min,2020-02-30', 'DATE_MALFORMED'],
    ['8867-4,72,/min,2999-01-01', 'IMPLAUSIBLE_DATE'], ['8867-4,72,/min,1940-01-01', 'IMPLAUSIBLE_DATE'],
    ['8867-4,72,/min,2020-03-29 02:30', 'DATE_MALFORMED'], ['8867-4,72,/min,2020-10-25 02:30', 'DATE_MALFORMED'],
    ['pulse,72,/min,2020-01-15', 'CODE_UNKNOWN'], ['8867-4,,/min,2020-01-15', 'FIELD_REQUIRED'], ['8867-4,72,/min,', 'FIELD_REQUIRED'],
  ];
  const text = `${OHEAD}${wrong.map(([line]) => `${a},${line}\n`).join('')}${a},8867-4,72,/min,2020-01-15\n`;
  const progress = await load(start, text);
  assert.deepStrictEqual(counts(progress), { created: 1, updated: 0, unchanged: 0, quarantined: wrong.length, done: true });
  const waiting = await items(start.import_id);
  const by = new Map(waiting.map((i) => [i.position, i]));
  wrong.forEach(([line, reason], i) => {
    const item = by.get(`line ${i + 2}`);
    assert.ok(item, `line ${i + 2}: ${line}`);
    assert.strictEqual(item.problems[0].reason, reason, line);
    assert.strictEqual(item.kind, 'KIND_OBSERVATION');
  });
  assert.match(by.get('line 10').problems[0].text, /set forward/);
  assert.match(by.get('line 11').problems[0].text, /occurred twice/);
  assert.strictEqual(progress.first_problems[0].position, 'line 2');
});

test('a line is replayed as the resource that it would be, once it is put right', async () => {
  const a = mrn();
  await load(patients(), `${HEAD}${a},A,B,02.08.1949,F,,\n`);
  const start = observations();
  await load(start, `${OHEAD}${a},8867-4,"7,2",/min,2020-01-15\n`);
  const [item] = await items(start.import_id);
  const again = await exchange.failure('ReplayQuarantined', { idempotency_key: site.key(), item_id: item.item_id }, admin());
  assert.strictEqual(again.code, 'INVALID_ARGUMENT');
  const { item: whole } = await exchange.call('GetQuarantined', { item_id: item.item_id }, admin());
  const resource = JSON.parse(whole.json);
  assert.strictEqual(resource.valueQuantity.value, '7,2');
  resource.valueQuantity.value = 72;
  await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: item.item_id, json: JSON.stringify(resource) }, admin());
  const all = await observed(await patientOf(a));
  assert.deepStrictEqual(all.map((o) => [o.value_quantity.value.value, o.value_quantity.code]), [['72', '/min']]);
});

test('observations of a patient who is not there yet wait, and go in when they came from the same source', async () => {
  const a = mrn();
  const start = observations();
  assert.strictEqual((await load(start, `${OHEAD}${a},8867-4,72,/min,2020-01-15\n`)).quarantined, 1);
  const [item] = await items(start.import_id);
  assert.strictEqual(item.problems[0].reason, 'PATIENT_NOT_FOUND');
  await load(patients(), `${HEAD}${a},A,B,02.08.1949,F,,\n`);
  await exchange.call('ReplayQuarantined', { idempotency_key: site.key(), item_id: item.item_id }, admin());
  assert.strictEqual((await observed(await patientOf(a))).length, 1);
});

test('a patient whom another source or a clerk has brought is a duplicate for a person to decide', async () => {
  const a = mrn();
  await site.patient({ identifier: [{ system: MRN, value: a }] });
  const start = patients();
  assert.strictEqual((await load(start, `${HEAD}${a},A,B,02.08.1949,F,,\n`)).quarantined, 1);
  const [item] = await items(start.import_id);
  assert.strictEqual(item.problems[0].reason, 'DUPLICATE_PATIENT');
  assert.strictEqual((await chart(a)).length, 1);
  // Their observations go to the one who is there.
  assert.strictEqual((await load(observations(), `${OHEAD}${a},8867-4,72,/min,2020-01-15\n`)).created, 1);
});

test('refuse means that nothing of the file goes in', async () => {
  const [a, b] = [mrn(), mrn()];
  const err = await refused(patients({ on_problem: 'ON_PROBLEM_REFUSE' }), `${HEAD}${a},A,B,02.08.1949,F,,\n${b},A,B,1949,F,,\n`);
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'IMPORT_REFUSED']);
  assert.match(err.details, /line 3/);
  assert.strictEqual((await chart(a)).length, 0);
});

test('a dry run says what would happen and keeps nothing', async () => {
  const a = mrn();
  const start = patients({ dry_run: true });
  const progress = await load(start, `${HEAD}${a},A,B,02.08.1949,F,,\n${mrn()},A,B,1949,F,,\n`);
  assert.deepStrictEqual(counts(progress), { created: 1, updated: 0, unchanged: 0, quarantined: 1, done: true });
  assert.strictEqual((await chart(a)).length, 0);
  assert.strictEqual((await items(start.import_id)).length, 0);
});

test('a file that cannot be read names its line', async () => {
  const row = `${mrn()},A,B,02.08.1949,F,,\n`;
  const bad = async (text, line, words) => {
    const err = await refused(patients(), text);
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'CSV_INVALID'], text);
    assert.match(err.details, new RegExp(`^line ${line}: .*${words}`));
  };
  await bad(`${HEAD}${row}x,y\n`, 3, '2 fields');
  await bad(`${HEAD}a,b"c,d,,,,\n`, 2, 'quote');
  await bad(`${HEAD}"a"b,c,d,,,,\n`, 2, 'quote');
  await bad(`${HEAD}${row}"a,b,c\nd,e,f`, 3, 'within a quoted field');
  await bad(`${HEAD}${row}"a\n\nb",\xff\n`.replace('\xff', ''), 3, '2 fields');
  await bad('', 1, 'the line with the names');
  await bad(`${HEAD}${'x'.repeat(1 << 20)},\n`, 2, '1 MiB');
  await bad(`${HEAD}a\0b,c,d,,,,\n`, 2, 'UTF-8');
  const bytes = Buffer.concat([Buffer.from(HEAD), Buffer.from([0x61, 0xff, 0x0a])]);
  assert.match((await refused(patients(), bytes)).details, /^line 2: .*UTF-8/);
  await bad(`${HEAD.replace('\r\n', '\r')}${row}`.replaceAll('\n', '\r'), 1, 'CR LF');
});

test('the map names every column of the file, once', async () => {
  const reason = async (text, columns = PATIENTS) => (await refused(patients({ columns }), text)).reason;
  assert.strictEqual(await reason('MRN,Last\n'), 'CSV_COLUMNS');
  assert.strictEqual(await reason(HEAD.replace('Remark', 'Other')), 'CSV_COLUMNS');
  assert.strictEqual(await reason(HEAD.replace('Remark', 'Last')), 'CSV_COLUMNS');
  assert.strictEqual(await reason(HEAD, PATIENTS.slice(1).concat({ column: 'X', field: `identifier:${MRN}` })), 'CSV_COLUMNS');
});

test('a start that makes no sense is refused by field', async () => {
  const field = async (start) => {
    const err = await refused(start, HEAD);
    assert.strictEqual(err.code, 'INVALID_ARGUMENT', JSON.stringify(start));
    return err.field;
  };
  const at = (i, column) => PATIENTS.map((c, k) => (k === i ? { ...c, ...column } : c));
  assert.strictEqual(await field(patients({ import_id: '' })), 'start.import_id');
  assert.strictEqual(await field(patients({ import_id: 'x'.repeat(129) })), 'start.import_id');
  assert.strictEqual(await field(patients({ source: '' })), 'start.source');
  assert.strictEqual(await field(patients({ kind: 'CSV_KIND_UNSPECIFIED' })), 'start.kind');
  assert.strictEqual(await field(patients({ separator: '|' })), 'start.separator');
  assert.strictEqual(await field(patients({ separator: ',,' })), 'start.separator');
  assert.strictEqual(await field(patients({ columns: [] })), 'start.columns');
  assert.strictEqual(await field(patients({ columns: PATIENTS.slice(1) })), 'start.columns');
  assert.strictEqual(await field(patients({ columns: at(2, { field: 'family' }) })), 'start.columns');
  assert.strictEqual(await field(patients({ columns: at(1, { field: 'surname' }) })), 'start.columns[1].field');
  assert.strictEqual(await field(patients({ columns: at(1, { field: 'loinc' }) })), 'start.columns[1].field');
  assert.strictEqual(await field(patients({ columns: at(0, { field: 'identifier:' }) })), 'start.columns[0].field');
  assert.strictEqual(await field(patients({ columns: at(2, { column: 'Last' }) })), 'start.columns[2].column');
  assert.strictEqual(await field(patients({ columns: at(2, { column: '' }) })), 'start.columns[2].column');
  assert.strictEqual(await field(patients({ columns: at(3, { date_format: 'DD/MM/YYYY' }) })), 'start.columns[3].date_format');
  assert.strictEqual(await field(patients({ columns: at(1, { date_format: 'YYYYMMDD' }) })), 'start.columns[1].date_format');
  assert.strictEqual(await field(observations({ time_zone: 'Berlin' })), 'start.time_zone');
  assert.strictEqual(await field(observations({ time_zone: '../../etc/passwd' })), 'start.time_zone');
  assert.strictEqual(await field(observations({ columns: OBSERVATIONS.slice(1) })), 'start.columns');
  assert.strictEqual(await field(observations({ columns: OBSERVATIONS.slice(0, 4) })), 'start.columns');
  const wide = (f) => observations({ columns: [...OBSERVATIONS.slice(0, 1), OBSERVATIONS[4], { column: 'x', field: f }] });
  assert.strictEqual(await field(wide('value:8867-4')), 'start.columns[2].field');
  assert.strictEqual(await field(wide('value:8867-4:zebras')), 'start.columns[2].field');
});

test('messages come in their order', async () => {
  const send = async (...messages) => {
    const call = exchange.duplex('ImportCsv', admin());
    for (const m of messages) call.write(m);
    call.end();
    try {
      for await (const m of call) void m;
    } catch (err) { return [err.code, err.field]; }
    return 'taken';
  };
  const start = patients();
  assert.deepStrictEqual(await send(), ['INVALID_ARGUMENT', 'start']);
  assert.deepStrictEqual(await send({ chunk: Buffer.from(HEAD) }), ['INVALID_ARGUMENT', 'start']);
  assert.deepStrictEqual(await send({ start }, { start }), ['INVALID_ARGUMENT', 'start']);
  assert.deepStrictEqual(await send({ start }, {}), ['INVALID_ARGUMENT', 'part']);
  assert.deepStrictEqual(await send({ start }, { chunk: Buffer.alloc((1 << 20) + 1) }), ['INVALID_ARGUMENT', 'chunk']);
});

test('an import_id is one source’s for good', async () => {
  const start = patients();
  await load(start, `${HEAD}${mrn()},A,B,02.08.1949,F,,\n`);
  assert.strictEqual((await refused({ ...start, source: 'other' }, HEAD)).reason, 'IMPORT_DIFFERS');
});

test('a table of several batches goes in whole, with lines of one patient one after the other', async () => {
  const many = Array.from({ length: 1200 }, (_, i) => `B${i}-${uuid().slice(0, 8)}`);
  const text = HEAD + many.map((m, i) => `${m},F${i},G,02.08.1949,F,,\n`).join('') + `${many[3]},Later,G,02.08.1949,F,,\n`;
  const progress = await load(patients(), text);
  assert.deepStrictEqual(counts(progress), { created: 1200, updated: 1, unchanged: 0, quarantined: 0, done: true });
  assert.strictEqual((await chart(many[3]))[0].name[0].family, 'Later');
  const twice = mrn();
  const both = await load(patients(), `${HEAD}${twice},A,B,02.08.1949,F,,\n${twice},A,C,02.08.1949,F,,\n`);
  assert.deepStrictEqual(counts(both), { created: 1, updated: 1, unchanged: 0, quarantined: 0, done: true });
});

test('a table that was cut is taken up: what was acknowledged is there, and nothing is twice', async () => {
  const many = Array.from({ length: 1500 }, () => mrn() + uuid().slice(0, 6));
  const text = HEAD + many.map((m, i) => `${m},F${i},G,02.08.1949,F,,\n`).join('');
  const start = patients({ source: 'cut' });
  const call = exchange.duplex('ImportCsv', admin());
  call.write({ start });
  call.write({ chunk: Buffer.from(text.slice(0, text.indexOf(many[1200]))) });
  let acknowledged = 0;
  try {
    for await (const m of call) {
      acknowledged = m.created;
      if (acknowledged >= 500) call.cancel();
    }
  } catch (err) {
    assert.strictEqual(err.code, 'CANCELLED');
  }
  assert.ok(acknowledged >= 500 && acknowledged < 1500);
  const again = await load(start, text);
  assert.strictEqual(again.created + again.unchanged, 1500);
  assert.ok(again.unchanged >= acknowledged);
  assert.strictEqual((await chart(many[0])).length, 1);
  assert.deepStrictEqual(counts(await load(start, text)), { created: 0, updated: 0, unchanged: 1500, quarantined: 0, done: true });
});

test('nobody but who runs the records may bring tables', async () => {
  for (const role of Object.keys(PURPOSE).filter((r) => r !== 'records-admin')) {
    const err = await refused(patients(), HEAD, { by: site.tokens[role] });
    assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'ROLE_MISSING'], role);
  }
});
