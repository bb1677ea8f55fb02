'use strict';
// Patients who may be one person: found by identifier or score, or said to be two.

const test = require('node:test');
const assert = require('node:assert');
const { Site, nobody, PURPOSE, consent, coded } = require('./site');

let site;
let patients;
const clerk = () => site.tokens.registrar;
test.before(async () => {
  site = await Site.start({ services: ['records'] });
  patients = site.api('patients');
});
test.after(() => site && site.stop());

// A family and a birth date of their own for each test: candidates of one do not meet those of another.
const FAMILIES = ['Abendroth', 'Birnbaum', 'Czerny', 'Drosselmeyer', 'Eulenspiegel', 'Fjord', 'Grzimek', 'Humperdinck', 'Ilmenau', 'Jyrgal', 'Kowalczyk',
  'Lumumba', 'Mbeki', 'Nguyen', 'Okonkwo'];
let n = 0;
const name = () => FAMILIES[n++];
const born = () => `${1930 + n * 4}-${String(1 + (n % 9)).padStart(2, '0')}-${13 + n}`;
const anna = (family, more = {}) => ({ name: [{ family, given: ['Anna'] }], birth_date: born(), gender: 'ADMINISTRATIVE_GENDER_FEMALE', ...more });
const find = async (patient_id, by = clerk()) => (await patients.call('FindDuplicates', { patient_id }, by)).candidates;
const brief = (candidates) => candidates.map((c) => [c.patient_id, c.match]);
const id = (system, value, more = {}) => ({ identifier: [{ system, value, ...more }] });

test('the same identifier is certain, whatever else differs', async () => {
  const f = name();
  const a = await site.patient(anna(f, id('http://x/ssn', f)));
  const b = await site.patient({ name: [{ family: 'Other', given: ['Otto'] }], ...id('http://x/ssn', f) });
  assert.deepStrictEqual(brief(await find(a)), [[b, 'MATCH_CERTAIN']]);
  assert.deepStrictEqual(brief(await find(b)), [[a, 'MATCH_CERTAIN']]);
});

test('a Chinese name and its pinyin on one birth date are a candidate', async () => {
  const day = { birth_date: '1951-11-03', gender: 'ADMINISTRATIVE_GENDER_MALE' };
  const han = await site.patient({ name: [{ family: '欧阳', given: ['文博'] }], ...day });
  const { record, possible_duplicates: count } = await site.records.call('Create', { idempotency_key: 'pinyin-1',
    resource: { patient: { active: true, name: [{ family: 'Ouyang', given: ['Wenbo'] }], ...day } } }, clerk());
  assert.strictEqual(count, 1);
  assert.deepStrictEqual((await find(record.version.resource_id)).map((c) => c.patient_id), [han]);
});

test('an identifier that several share, or that is old, proves nothing', async () => {
  const f = name();
  const a = await site.patient({ name: [{ family: f }], ...id('http://x/insurance', f, { type: coded('http://terminology.hl7.org/CodeSystem/v2-0203', 'MB') }) });
  await site.patient({ name: [{ family: 'Quite', given: ['Else'] }], ...id('http://x/insurance', f, { type: coded('http://terminology.hl7.org/CodeSystem/v2-0203', 'MB') }) });
  assert.deepStrictEqual(await find(a), []);
});

test('names, birth date and gender make a score that says what agreed', async () => {
  const f = name();
  const a = await site.patient(anna(f));
  const b = await site.patient(anna(f));
  const [c] = await find(a);
  assert.deepStrictEqual([c.patient_id, c.match], [b, 'MATCH_PROBABLE']);
  assert.deepStrictEqual(c.agreements.map((x) => x.field), ['family', 'given', 'birth_date', 'gender']);
  assert.ok(c.agreements.every((x) => x.agrees));
  const sum = c.agreements.reduce((s, x) => s + x.weight, 0);
  assert.ok(Math.abs(sum - c.score) < 1e-6);
  assert.ok(c.score > 20);
});

test('errors of typing are found: transposed names, a typing error, day and month, one digit', async () => {
  const f = name();
  const [y, m] = born().split('-');
  const a = await site.patient(anna(f, { birth_date: `${y}-${m}-05` }));
  const birth_date = `${y}-${m}-05`;
  const transposed = await site.patient({ ...anna(f, { birth_date }), name: [{ family: 'Anna', given: [f] }] });
  const typed = await site.patient(anna(`${f.slice(0, -2)}ts`, { birth_date }));
  const swapped = await site.patient(anna(f, { birth_date: `${y}-05-${m}` }));
  const digit = await site.patient(anna(f, { birth_date: `${y}-${m}-06` }));
  const found = new Map(brief(await find(a)));
  for (const who of [transposed, typed, swapped, digit]) assert.strictEqual(found.get(who), 'MATCH_PROBABLE');
});

test('chinese names are compared, in one piece or two', async () => {
  const birth = '1988-10-11';
  const a = await site.patient({ name: [{ text: '欧阳小明' }], birth_date: birth, gender: 'ADMINISTRATIVE_GENDER_MALE' });
  const b = await site.patient({ name: [{ family: '欧阳', given: ['小明'] }], birth_date: birth, gender: 'ADMINISTRATIVE_GENDER_MALE' });
  assert.deepStrictEqual(brief(await find(a)), [[b, 'MATCH_PROBABLE']]);
});

test('twins of one household are possible at most, strangers are nothing', async () => {
  const f = name();
  const home = { telecom: [{ system: 'SYSTEM_PHONE', value: `777 ${2000 + n}` }], address: [{ postal_code: '02101' }] };
  const a = await site.patient(anna(f, home));
  const twin = await site.patient({ ...anna(f, home), name: [{ family: f, given: ['Brigitte'] }] });
  await site.patient({ name: [{ family: 'Stranger', given: ['Other'] }], birth_date: '1930-01-01', gender: 'ADMINISTRATIVE_GENDER_MALE', telecom: home.telecom });
  assert.deepStrictEqual(brief(await find(a)), [[twin, 'MATCH_POSSIBLE']]);
});

test('best first: certain before probable before possible', async () => {
  const f = name();
  const a = await site.patient(anna(f, id('http://x/ssn', f)));
  const possible = await site.patient({ name: [{ family: f, given: ['Anna'] }], birth_date: '' });
  const probable = await site.patient(anna(f));
  const certain = await site.patient({ ...id('http://x/ssn', f) });
  assert.deepStrictEqual(brief(await find(a)), [[certain, 'MATCH_CERTAIN'], [probable, 'MATCH_PROBABLE'], [possible, 'MATCH_POSSIBLE']]);
});

test('those marked as different are left out, of both and of their charts, twice is once', async () => {
  const f = name();
  const [a, b] = [await site.patient(anna(f)), await site.patient(anna(f))];
  for (let i = 0; i < 2; i++) await patients.call('MarkDifferent', { patient_id: a, other_patient_id: b }, clerk());
  assert.deepStrictEqual(await find(a), []);
  assert.deepStrictEqual(await find(b), []);
  await patients.call('MarkDifferent', { patient_id: b, other_patient_id: a }, clerk());
  assert.strictEqual(await site.rows('patient_different', `a_id IN (${site.hex(a)}, ${site.hex(b)})`), 1);
});

test('those who are merged are left out, and found again after it is undone', async () => {
  const f = name();
  const [a, b, c] = [await site.patient(anna(f)), await site.patient(anna(f)), await site.patient(anna(f))];
  const merged = await patients.call('MergePatients',
    { idempotency_key: site.key(), into_patient_id: a, from_patient_id: b, into_version: 1, from_version: 1, reason: 'one person' }, clerk());
  assert.deepStrictEqual(brief(await find(a)).map(([x]) => x), [c]);
  assert.deepStrictEqual(brief(await find(b)).map(([x]) => x), [c]);
  assert.deepStrictEqual(brief(await find(c)).map(([x]) => x), [a]);
  const err = await patients.failure('MarkDifferent', { patient_id: a, other_patient_id: b }, clerk());
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'MERGE_CYCLE']);
  await patients.call('UnmergePatients', { idempotency_key: site.key(), merge_id: merged.merge_id, reason: 'two after all' }, clerk());
  assert.deepStrictEqual(brief(await find(c)).map(([x]) => x).sort(), [a, b].sort());
});

test('creating a patient says how many there might be already', async () => {
  const f = name();
  const create = async (resource) => (await site.records.call('Create', { idempotency_key: site.key(), resource: { patient: resource } }, clerk())).possible_duplicates;
  assert.strictEqual(await create(anna(f)), 0);
  assert.strictEqual(await create(anna(f)), 1);
  assert.strictEqual(await create(anna(f)), 2);
});

test('who may not be seen is no candidate and has none', async () => {
  const f = name();
  const [a, b] = [await site.patient(anna(f)), await site.patient(anna(f))];
  await site.create(consent(b, { type: 'PROVISION_TYPE_PERMIT', provision: [{ type: 'PROVISION_TYPE_DENY', actor: [{ role: coded('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'PRCP'), reference: { reference: 'Practitioner/registrar-1' } }] }] }),
    site.as('registrar', { sub: 'registrar-2' }));
  assert.deepStrictEqual(await find(a), []);
  assert.deepStrictEqual(brief(await find(a, site.as('registrar', { sub: 'registrar-2' }))), [[b, 'MATCH_PROBABLE']]);
  for (const method of ['FindDuplicates', 'MarkDifferent']) {
    const err = await patients.failure(method, { patient_id: b, other_patient_id: a }, clerk());
    assert.deepStrictEqual([err.code, err.reason], ['NOT_FOUND', 'PATIENT_NOT_FOUND'], method);
  }
});

test('each of whom something was seen is told of', async () => {
  const f = name();
  const [a, b] = [await site.patient(anna(f)), await site.patient(anna(f))];
  const seen = async () => [await site.rows('seen', `patient_id = ${site.hex(a)}`), await site.rows('seen', `patient_id = ${site.hex(b)}`)];
  const before = await seen();
  await find(a);
  assert.deepStrictEqual(await seen(), before.map((x) => x + 1));
});

test('requests that make no sense, patients who are not there, roles that may not', async () => {
  const a = await site.patient(anna(name()));
  const fails = async (method, request, by = clerk()) => {
    const err = await patients.failure(method, request, by);
    return [err.code, err.reason === err.code ? err.field : err.reason || err.field];
  };
  assert.strictEqual((await patients.failure('FindDuplicates', { patient_id: 'x' }, clerk())).field, 'patient_id');
  assert.strictEqual((await patients.failure('MarkDifferent', { patient_id: a, other_patient_id: '' }, clerk())).field, 'other_patient_id');
  assert.strictEqual((await patients.failure('MarkDifferent', { patient_id: a, other_patient_id: a }, clerk())).field, 'other_patient_id');
  assert.deepStrictEqual(await fails('FindDuplicates', { patient_id: nobody }), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  assert.deepStrictEqual(await fails('MarkDifferent', { patient_id: a, other_patient_id: nobody }), ['NOT_FOUND', 'PATIENT_NOT_FOUND']);
  for (const role of Object.keys(PURPOSE).filter((r) => r !== 'registrar')) {
    for (const method of ['FindDuplicates', 'MarkDifferent']) {
      assert.deepStrictEqual(await fails(method, { patient_id: a, other_patient_id: nobody }, site.tokens[role]), ['PERMISSION_DENIED', 'ROLE_MISSING'], role);
    }
  }
});

test('what thousands share is not gone through when one more is registered, nor when one is asked about', async () => {
  const [f, phone] = [name(), '777 31415'];
  const who = () => site.patient(anna(f, { telecom: [{ system: 'SYSTEM_PHONE', value: phone }] }));
  const a = await who();
  // Six thousand erased ones with her names, birth date and telephone: they are no candidates, and were rows to read.
  await site.sql(`SET SESSION foreign_key_checks = 0;
    INSERT INTO patient (patient_id, root_id, created_at_us, key_sha256, erased_at_us)
      SELECT UNHEX(MD5(CONCAT('many', seq))), UNHEX(MD5(CONCAT('many', seq))), 1, UNHEX(SHA2(seq, 256)), 2 FROM seq_1_to_6000;
    INSERT INTO token (patient_id, param, hash, at_us, resource_id)
      SELECT UNHEX(MD5(CONCAT('many', seq))), t.param, t.hash, t.at_us, UNHEX(MD5(CONCAT('many', seq)))
      FROM token t JOIN seq_1_to_6000 WHERE t.patient_id = ${site.hex(a)} AND t.param IN (34, 35, 37, 38)`);
  const reads = async () => (await site.sql("SHOW GLOBAL STATUS LIKE 'Handler_read_%'")).reduce((sum, [, value]) => sum + Number(value), 0);
  const before = await reads();
  const b = await who();
  const created = await reads();
  assert.ok(created - before < 6000, `${created - before} rows for a Create`);
  await find(b);
  const found = (await reads()) - created;
  assert.ok(found < 24000, `${found} rows for FindDuplicates`); // 2,000 of each token, and what each costs
});
