'use strict';
// Among 20,000 patients and 500,000 observations a page reads about as many rows as it must: counted by
// MariaDB's own counters, not by a clock. The rows are made in SQL; they have no versions, so that a
// search finds, sorts and counts them and shows none.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { Site } = require('./site');
const { p, ask } = require('./searching');

const PATIENTS = 20000, EACH = 25;
const O = 'KIND_OBSERVATION', E = 'KIND_ENCOUNTER', P = 'KIND_PATIENT';
const id = (what) => `UNHEX(MD5(CONCAT('${what}', seq)))`;
const hash = (text) => `LEFT(UNHEX(SHA2(${text}, 256)), 16)`;
const uuid = (what) => require('node:crypto').createHash('md5').update(what).digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
let site;

before(async () => {
  site = await Site.start({ services: ['records'] });
  await site.sql(`SET GLOBAL innodb_buffer_pool_size = ${512 << 20}; SET SESSION foreign_key_checks = 0, unique_checks = 0;
    INSERT INTO patient (patient_id, root_id, gender, birth_us, created_at_us, key_sha256)
      SELECT ${id('p')}, ${id('p')}, 1, CAST(seq AS SIGNED) * 86400000000, 1, REPEAT('x', 32) FROM seq_1_to_${PATIENTS};
    INSERT INTO resource (resource_id, patient_id, kind, version, written_at_us, status, wrong, labels, from_us, to_us)
      SELECT patient_id, patient_id, 1, 1, 1, 1, 0, 0, birth_us, birth_us + 86400000000 FROM patient;
    INSERT INTO resource (resource_id, patient_id, kind, version, written_at_us, status, wrong, labels, from_us, to_us)
      SELECT ${id('e')}, ${id('p')}, 2, 1, 1, 4, 0, 0, 1500000000000000 + seq * 1000000000,
        IF(seq % 500 = 0, 9223372036854775807, 1500000000000000 + seq * 1000000000 + 86400000000) FROM seq_1_to_${PATIENTS};
    INSERT INTO resource (resource_id, patient_id, kind, version, written_at_us, status, wrong, labels, from_us, to_us)
      SELECT ${id('o')}, UNHEX(MD5(CONCAT('p', 1 + seq % ${PATIENTS}))), 3, 1, seq, 3, 0, 0,
        1500000000000000 + (seq * 104729 % 3000000) * 100000000, 1500000000000000 + (seq * 104729 % 3000000) * 100000000 + 1000000
      FROM seq_1_to_${PATIENTS * EACH};
    INSERT INTO token (patient_id, param, hash, at_us, resource_id)
      SELECT patient_id, 1, ${hash("CONCAT('urn:x|c', CONV(SUBSTR(HEX(resource_id), 3, 2), 16, 10) % 10)")}, from_us, resource_id FROM resource WHERE kind = 3;
    INSERT INTO open_encounter (ward, patient_id, encounter_id) SELECT IF(seq <= 30, 'ward-3', 'big'), ${id('p')}, ${id('e')} FROM seq_1_to_5000;
    ANALYZE TABLE patient, resource, token, open_encounter`);
});
after(() => site?.stop());

// Rows that MariaDB read, by key or in a row, while this was answered.
async function read(kind, parameters, more) {
  const count = async () => {
    const rows = await site.sql("SHOW GLOBAL STATUS WHERE Variable_name REGEXP '^Handler_read_(first|key|last|next|prev|rnd|rnd_next|rnd_deleted)$'");
    return rows.reduce((sum, [, n]) => sum + Number(n), 0);
  };
  const before = await count();
  const idle = (await count()) - before; // of asking
  const from = await count();
  const answer = await ask(site, kind, parameters, more);
  return { rows: (await count()) - from - idle, answer };
}

const big = () => site.as('nurse', { ward: 'big' });
const cases = () => [
  ['a patient', O, [p('patient', uuid('p7'))], {}, 2000],
  ['a patient, a code', O, [p('patient', uuid('p7')), p('code', 'urn:x|c3')], {}, 1000],
  ['a patient, a month', O, [p('patient', uuid('p7')), p('date', '2020-05')], {}, 1000],
  ['a ward', O, [], {}, 25000],
  ['a ward, a code, since a day', O, [p('code', 'urn:x|c3'), p('date', 'ge2020-05-01')], {}, 5000],
  ['a ward, two codes', O, [p('code', 'urn:x|c3', 'urn:x|c4')], {}, 10000],
  ['a large ward', O, [], { by: big() }, 25000],
  ['a large ward, a code', O, [p('code', 'urn:x|c3')], { by: big() }, 25000],
  ['a large ward, two codes', O, [p('code', 'urn:x|c3', 'urn:x|c4')], { by: big() }, 40000],
  ['a large ward, a code, a day', O, [p('code', 'urn:x|c3'), p('date', '2020-05-01')], { by: big() }, 25000],
  ['a large ward, a code, since a day to come', O, [p('code', 'urn:x|c3'), p('date', 'ge2030')], { by: big() }, 25000],
  ['a large ward, a code, the oldest since a day', O, [p('code', 'urn:x|c3'), p('date', 'ge2026-11')], { by: big(), order: 'ORDER_DATE_ASC' }, 60000],
  ['everybody, by date', E, [], { by: 'registrar' }, 5000],
  ['everybody, since a day to come', E, [p('date', 'ge2030')], { by: 'registrar' }, 5000],
  ['everybody, by writing', E, [], { by: 'registrar', order: 'ORDER_UPDATED_DESC' }, 5000],
  ['everybody born on a day', P, [p('birthdate', '1980-05-05')], { by: 'registrar' }, 1000],
];

test('a page reads no more than it must', async (t) => {
  for (const [what, kind, parameters, more, limit] of cases()) {
    await read(kind, parameters, more); // the first has its plan made, and reads for it
    const { rows } = await read(kind, parameters, more);
    t.diagnostic(`${what}: ${rows} rows read`);
    assert.ok(rows <= limit, `${what}: ${rows} rows read, at most ${limit}`);
  }
});

test('totals of so many are counted as far as they are told', async () => {
  const total = async (kind, parameters, more) => {
    const { total: n, total_is_more } = await ask(site, kind, parameters, { total: 'TOTAL_BOUNDED', page_size: 1, ...more });
    return [n, total_is_more];
  };
  assert.deepStrictEqual(await total(O, [p('patient', uuid('p7'))]), [25, false]);
  assert.deepStrictEqual(await total(O, []), [750, false]);
  assert.deepStrictEqual(await total(O, [], { by: big() }), [10000, true]);
  // 40 encounters without an end, and none else in those years
  assert.deepStrictEqual(await total(E, [p('date', 'ge2030')], { by: 'registrar' }), [PATIENTS / 500, false]);
  assert.deepStrictEqual(await total(E, [p('date', 'ge2030')], { by: 'registrar', order: 'ORDER_UPDATED_DESC' }), [PATIENTS / 500, false]);
});
