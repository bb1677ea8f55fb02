'use strict';
// So much in one hour that one look cannot hold it: a hospital's engine that charts for all its machines under one name, and a
// service that was away meanwhile. It is looked at piece by piece; nobody else's workaround is lost behind it.

const test = require('node:test');
const assert = require('node:assert');
const { start } = require('./cutoff');
const { until } = require('./site');

const ROWS = 120000;
const HOUR_US = 3600e6;

let site;
test.before(async () => { site = await start({ env: { dosage: { WARD_WATCH_S: '1' } } }); });
test.after(() => site?.stop());

const found = async (actor) => (await site.api('tracking').call('ListWorkarounds', { page_size: 200 }, site.tokens['safety-officer'])).workarounds
  .filter((w) => w.actor === actor && w.kind === 'WORKAROUND_KIND_BATCH');

// Doses of an hour as their rows say them in the clear, `n` of them by one, evenly; what is sealed nobody reads here.
function charted({ id }, actor, from_us, n) {
  return site.sql(`INSERT INTO administration (patient_id, administration_id, version, outcome, counts, given_at_us, recorded_at_us,
      recorded_by, second_person, ward, place, scanned, emergency, sealed)
    SELECT ${site.hex(id)}, UNHEX(MD5(CONCAT('${actor}', seq))), 1, 1, 1, ${from_us} + seq * ${HOUR_US / n}, ${from_us} + seq * ${HOUR_US / n},
      '${actor}', '', 'ward-3', '', 1, 0, '' FROM seq_1_to_${n}`);
}

test('an hour that does not fit into memory is looked at piece by piece', async () => {
  const patient = await site.patient();
  await site.check(patient, { drug_id: 'plainin', dose: { value: '10', unit: 'mg' }, route: 'ROUTE_PO', timing: { kind: 'KIND_ONCE' } }); // dosage knows them
  await site.ward.services.dosage.stop();
  const from = Math.floor(Date.now() / 864e5) * 864e8 - 14 * HOUR_US; // yesterday at ten: what is found is of one day
  await charted(patient, 'engine', from, ROWS);
  await charted(patient, 'nurse-calm', from, 120); // two a minute
  await charted(patient, 'nurse-quick', from + HOUR_US, 1800); // thirty a minute, an hour later
  await site.sql(`REPLACE INTO watch_position (one, looked_to_us) VALUES (1, ${from})`);
  await site.ward.services.dosage.start();
  await until('looked to this day', async () => Number((await site.sql('SELECT looked_to_us FROM watch_position'))[0][0]) > from + 2 * HOUR_US);
  const [engine] = await found('engine');
  assert.deepStrictEqual([Number(engine.last_at_us), engine.count, engine.evidence.length], [from + HOUR_US, Math.ceil(ROWS / 60), 50]);
  assert.strictEqual((await found('nurse-quick')).length, 1);
  assert.deepStrictEqual(await found('nurse-calm'), []);
});
