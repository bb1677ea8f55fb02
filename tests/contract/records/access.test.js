'use strict';
// Who may do what: every role in every relation to a patient under every consent, for every purpose of
// use, by Read, by Search and by Create. What is expected stands in the tables here, written by hand
// from docs/records.md; services/records/rules_test.c holds the pure rules against the same.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Site, until, uuid, PURPOSE, person, encounter, observation, condition, allergy, note, consent, coded } = require('./site');

const ROLES = ['physician', 'nurse', 'pharmacist', 'registrar', 'privacy-officer', 'patient'];
const CLINICIANS = ['physician', 'nurse', 'pharmacist'];
const RELATIONS = ['none', 'treats', 'glass', 'self', 'expired-glass', 'closed'];
const CONSENTS = ['none', 'general', 'label', 'kind', 'person', 'role', 'expired', 'inactive'];

const PURPOSES = {
  physician: 'TREAT ETREAT CAREMGT', nurse: 'TREAT ETREAT CAREMGT', pharmacist: 'TREAT ETREAT CAREMGT', registrar: 'TREAT PATADMIN HOPERAT',
  'privacy-officer': 'HOPERAT PATRQT', patient: 'PATRQT',
};
const ALL_PURPOSES = ['TREAT', 'ETREAT', 'CAREMGT', 'PATADMIN', 'HOPERAT', 'PATRQT', 'HRESCH'];

// P Patient, O Observation, C a Condition that says HIV. -: not found. x: not for this role at all.
//            none general label kind person role expired inactive
const SEES = {
  clinician: {
    none: '           --- --- --- --- --- --- --- ---',
    treats: '         POC --- PO- PO- --- --- POC POC',
    glass: '          POC POC POC POC POC POC POC POC',
    self: '           --- --- --- --- --- --- --- ---',
    'expired-glass': '--- --- --- --- --- --- --- ---',
    closed: '         --- --- --- --- --- --- --- ---',
  },
  office: {
    none: '           Pxx Pxx Pxx Pxx -xx -xx Pxx Pxx',
    treats: '         Pxx Pxx Pxx Pxx -xx -xx Pxx Pxx',
    glass: '          Pxx Pxx Pxx Pxx -xx -xx Pxx Pxx',
    self: '           Pxx Pxx Pxx Pxx -xx -xx Pxx Pxx',
    'expired-glass': 'Pxx Pxx Pxx Pxx -xx -xx Pxx Pxx',
    closed: '         Pxx Pxx Pxx Pxx -xx -xx Pxx Pxx',
  },
  patient: {
    none: '           --- --- --- --- --- --- --- ---',
    treats: '         --- --- --- --- --- --- --- ---',
    glass: '          --- --- --- --- --- --- --- ---',
    self: '           POC POC POC POC POC POC POC POC',
    'expired-glass': '--- --- --- --- --- --- --- ---',
    closed: '         --- --- --- --- --- --- --- ---',
  },
};
const READER = { physician: 'clinician', nurse: 'clinician', pharmacist: 'clinician', registrar: 'office', 'privacy-officer': 'office', patient: 'patient' };

// E an Encounter that is open, O, C as above, A AllergyIntolerance, D DocumentReference, K Consent.
//        none    general label   kind    person  role    expired inactive
const WRITES = {
  physician: {
    treats: 'EOCADx -----x EO-ADx EO-ADx -----x -----x EOCADx EOCADx',
    glass: ' -OCADx -OCADx -OCADx -OCADx -OCADx -OCADx -OCADx -OCADx',
    other: ' -----x -----x -----x -----x -----x -----x -----x -----x',
  },
  nurse: {
    treats: 'EOxADx --x--x EOxADx EOxADx --x--x --x--x EOxADx EOxADx',
    glass: ' -OxADx -OxADx -OxADx -OxADx -OxADx -OxADx -OxADx -OxADx',
    other: ' --x--x --x--x --x--x --x--x --x--x --x--x --x--x --x--x',
  },
  pharmacist: {
    treats: 'xxxADx xxx--x xxxADx xxxADx xxx--x xxx--x xxxADx xxxADx',
    glass: ' xxxADx xxxADx xxxADx xxxADx xxxADx xxxADx xxxADx xxxADx',
    other: ' xxx--x xxx--x xxx--x xxx--x xxx--x xxx--x xxx--x xxx--x',
  },
  registrar: { other: 'ExxxxK ExxxxK ExxxxK ExxxxK -xxxx- -xxxx- ExxxxK ExxxxK' },
  'privacy-officer': { other: 'xxxxxK xxxxxK xxxxxK xxxxxK xxxxx- xxxxx- xxxxxK xxxxxK' },
  patient: { other: 'xxxxxx xxxxxx xxxxxx xxxxxx xxxxxx xxxxxx xxxxxx xxxxxx' },
};

const KIND = { P: 'KIND_PATIENT', O: 'KIND_OBSERVATION', C: 'KIND_CONDITION' };
const hiv = (patient) => condition(patient, { code: coded('http://hl7.org/fhir/sid/icd-10', 'B20', 'HIV disease') });
const cell = (row, c) => row.trim().split(/\s+/)[CONSENTS.indexOf(c)];

const deny = (more) => ({ provision: [{ type: 'PROVISION_TYPE_DENY', ...more }] });
// FHIR wants a reference beside the role: one that names nobody.
const role = (code) => ({ role: coded('http://ward/roles', code), reference: { display: `every ${code}` } });
const practitioner = (sub) => ({ role: coded('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'PRCP'), reference: { reference: `Practitioner/${sub}` } });
const ACTIVE = coded('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', 'active');
const kindClass = (code) => ({ system: 'http://hl7.org/fhir/resource-types', code });

// Several at a time, so that the table takes seconds.
async function each(items, fn, width = 24) {
  const queue = items.slice();
  await Promise.all(Array.from({ length: width }, async () => {
    while (queue.length) await fn(queue.shift());
  }));
}

const product = (...lists) => lists.reduce((all, list) => all.flatMap((one) => list.map((x) => [...one, x])), [[]]);

test('who may do what', async (t) => {
  const site = await Site.start();
  t.after(() => site.stop());
  const author = site.as('physician', { sub: 'physician-9', ward: 'ward-9' });
  const chart = {}; // by relation and consent: {P, O, C} ids
  const stranger = uuid();

  // The person of a role, as they stand to a patient.
  const who = (r, relation, patient, purpose = PURPOSE[r]) => {
    const sub = relation === 'self' ? patient : r === 'patient' ? stranger : `${r}-1`;
    return site.as(r, { sub, purpose });
  };

  const denial = {
    general: () => ({ type: 'PROVISION_TYPE_DENY' }),
    label: () => deny({ security_label: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }] }),
    kind: () => deny({ class: [kindClass('Condition')] }),
    person: (patient) => deny({ actor: [patient, stranger, ...ROLES.map((r) => `${r}-1`)].map(practitioner) }),
    role: () => deny({ actor: ROLES.map(role) }),
    expired: () => ({ type: 'PROVISION_TYPE_DENY', period: { start: '2019-01-01', end: '2020-01-01' } }),
    inactive: () => ({ type: 'PROVISION_TYPE_DENY' }),
  };

  async function make([relation, c]) {
    const P = (await site.create(person())).version.resource_id;
    await site.create(encounter(P, 'ward-9'));
    const O = (await site.create(observation(P), author)).version.resource_id;
    const C = (await site.create(hiv(P), author)).version.resource_id;
    if (relation === 'treats') await site.create(encounter(P));
    if (relation === 'closed') await site.create(encounter(P, 'ward-3', { status: 'STATUS_FINISHED' }));
    chart[`${relation} ${c}`] = { P, O, C };
  }

  async function close([relation, c]) {
    const { P } = chart[`${relation} ${c}`];
    if (c !== 'none') await site.create(consent(P, denial[c](P), c === 'inactive' ? { status: 'STATUS_INACTIVE' } : {}));
    if (relation.endsWith('glass')) for (const r of CLINICIANS) await open(P, r);
  }

  async function open(patient_id, r) {
    const glass = await site.api('recordsaccess').call('BreakGlass', {
      idempotency_key: site.key(), patient_id, reason: 'GLASS_REASON_EMERGENCY', explanation: 'unconscious, no relatives here', lifetime_s: 3600,
    }, site.as(r));
    return glass.glass_id;
  }

  // What the same person hears about something that does not exist.
  const absent = {};
  const nothing = async (key, ask) => {
    absent[key] ||= ask();
    const { code, details, reason, status } = await absent[key];
    return { code, details, reason, status };
  };
  const heard = ({ code, details, reason, status }) => ({ code, details, reason, status });

  await t.test('charts are made: a patient for every relation and consent', async () => {
    await each(product(RELATIONS, CONSENTS), make, 8);
    await each(product(RELATIONS, CONSENTS), close, 8);
    const ids = RELATIONS.flatMap((r) => CONSENTS.map((c) => [r, chart[`${r} ${c}`].P])).filter(([r]) => r === 'expired-glass');
    await site.sql(`UPDATE glass SET until_us = from_us + 1 WHERE patient_id IN (${ids.map(([, id]) => site.hex(id)).join(',')})`);
    assert.equal(await site.rows('glass'), 2 * CONSENTS.length * CLINICIANS.length);
  });

  await t.test('Read: role x relation x consent x purpose', async () => {
    const wrong = [];
    let seen = 0;
    await each(product(ROLES, RELATIONS, CONSENTS, ALL_PURPOSES, Object.keys(KIND)), async ([r, relation, c, purpose, k]) => {
      const ids = chart[`${relation} ${c}`];
      const right = PURPOSES[r].split(' ').includes(purpose);
      const expected = right ? cell(SEES[READER[r]][relation], c)['POC'.indexOf(k)] : '!';
      const person = who(r, relation, ids.P, purpose);
      const answer = await site.records.call('Read', { kind: KIND[k], id: ids[k] }, person).catch((e) => e);
      const missing = expected === '-' && await nothing(`read ${r} ${k} ${purpose}`, () => site.records.failure('Read', { kind: KIND[k], id: uuid() }, person));
      const got = answer.record ? (answer.record.version.resource_id === ids[k] ? k : '?') : `${answer.code}/${answer.reason}`;
      const other = r === 'registrar' || r === 'privacy-officer' ? k === 'P' : true;
      const want = {
        [k]: k, x: 'PERMISSION_DENIED/KIND_NOT_ALLOWED', '-': missing && `${missing.code}/${missing.reason}`,
        '!': other ? 'PERMISSION_DENIED/PURPOSE_NOT_ALLOWED' : 'PERMISSION_DENIED/KIND_NOT_ALLOWED',
      }[expected];
      if (got !== want) wrong.push(`${r} ${relation} ${c} ${purpose} ${k}: ${got}, not ${want}`);
      if (expected === '-') assert.deepEqual(heard(answer), missing);
      seen += answer.record ? 1 : 0;
    });
    assert.deepEqual(wrong, []);
    assert.ok(seen > 500, `${seen} readings were allowed`);
  });

  await t.test('Search by id finds, and counts, what Read gives', async () => {
    const wrong = [];
    await each(product(ROLES, RELATIONS, CONSENTS, Object.keys(KIND)), async ([r, relation, c, k]) => {
      const ids = chart[`${relation} ${c}`];
      const expected = cell(SEES[READER[r]][relation], c)['POC'.indexOf(k)];
      const ask = { kind: KIND[k], parameters: [{ name: '_id', values: [ids[k]] }], total: 'TOTAL_BOUNDED' };
      const answer = await site.records.call('Search', ask, who(r, relation, ids.P)).catch((e) => e);
      const got = answer.records ? `${answer.records.length}/${answer.total}` : `${answer.code}/${answer.reason}`;
      const want = { [k]: '1/1', '-': '0/0', x: 'PERMISSION_DENIED/KIND_NOT_ALLOWED' }[expected];
      if (got !== want) wrong.push(`${r} ${relation} ${c} ${k}: ${got}, not ${want}`);
    });
    assert.deepEqual(wrong, []);
  });

  await t.test('Search over everybody finds what Read gives, and nobody else', async () => {
    const wrong = [];
    await each(product(['physician', 'nurse', 'registrar', 'privacy-officer'], Object.keys(KIND)), async ([r, k]) => {
      if (READER[r] === 'office' && k !== 'P') return;
      const want = RELATIONS.flatMap((relation) => CONSENTS.filter((c) => cell(SEES[READER[r]][relation], c)['POC'.indexOf(k)] === k)
        .map((c) => chart[`${relation} ${c}`][k])).sort();
      const found = [];
      let page_token;
      let total;
      do {
        const page = await site.records.call('Search', { kind: KIND[k], page_size: 7, total: 'TOTAL_BOUNDED', page_token }, site.as(r));
        found.push(...page.records.map((x) => x.version.resource_id));
        page_token = page.next_page_token;
        total ??= page.total;
      } while (page_token.length);
      if (JSON.stringify(found.sort()) !== JSON.stringify(want)) wrong.push(`${r} ${k}: ${found.length} found, not ${want.length}`);
      if (total !== want.length) wrong.push(`${r} ${k}: ${total} counted, not ${want.length}`);
    });
    assert.deepEqual(wrong, []);
  });

  await t.test('Create: role x relation x consent', async () => {
    const made = {
      E: (p) => encounter(p, 'ward-77'), O: observation, C: hiv, A: (p) => allergy(p, { clinical_status: ACTIVE }), D: (p) => note(p, 'ate well'),
      K: (p) => consent(p, undefined, { status: 'STATUS_INACTIVE' }),
    };
    const wrong = [];
    await each(product(ROLES, RELATIONS, CONSENTS, Object.keys(made)), async ([r, relation, c, k]) => {
      const { P } = chart[`${relation} ${c}`];
      const table = WRITES[r];
      const expected = cell(table[relation] || table.other, c)['EOCADK'.indexOf(k)];
      const person = who(r, relation, P);
      const answer = await site.records.call('Create', { idempotency_key: site.key(), resource: made[k](P) }, person).catch((e) => e);
      const missing = expected === '-' && await nothing(`create ${r} ${k}`, () => site.refused(made[k](uuid()), person));
      const got = answer.record ? k : `${answer.code}/${answer.reason}`;
      const want = { [k]: k, x: `PERMISSION_DENIED/${r === 'patient' ? 'ROLE_MISSING' : 'KIND_NOT_ALLOWED'}`, '-': 'NOT_FOUND/PATIENT_NOT_FOUND' }[expected];
      if (got !== want) wrong.push(`${r} ${relation} ${c} ${k}: ${got}, not ${want}`);
      if (expected === '-') assert.deepEqual(heard(answer), missing);
    });
    assert.deepEqual(wrong, []);
  });

  await t.test('Create for a purpose that is not the role\'s', async () => {
    const { P } = chart['treats none'];
    for (const [r, purpose] of product(ROLES.slice(0, 5), ALL_PURPOSES).filter(([x, p]) => !PURPOSES[x].split(' ').includes(p))) {
      const resource = r === 'privacy-officer' || r === 'registrar' ? consent(P, undefined, { status: 'STATUS_INACTIVE' }) : allergy(P, { clinical_status: ACTIVE });
      const f = await site.refused(resource, site.as(r, { purpose }));
      assert.equal(`${f.code}/${f.reason}`, 'PERMISSION_DENIED/PURPOSE_NOT_ALLOWED', `${r} ${purpose}`);
    }
  });

  await t.test('several roles are a union', async () => {
    const { P, O } = chart['treats none'];
    const both = { token: site.ward.token({ roles: ['nurse', 'registrar'], sub: 'nurse-2', purpose: 'TREAT', ward: 'ward-3' }) };
    assert.equal((await site.records.call('Read', { kind: 'KIND_OBSERVATION', id: O }, both)).record.version.resource_id, O);
    const far = chart['none none'].P;
    assert.equal((await site.records.call('Read', { kind: 'KIND_PATIENT', id: far }, both)).record.version.resource_id, far);
    assert.equal((await site.records.failure('Read', { kind: 'KIND_OBSERVATION', id: chart['none none'].O }, both)).code, 'NOT_FOUND');
    // Reading as the registrar does not make the nurse treat them; P of who is denied to nurses is still the registrar's to see.
    assert.equal((await site.records.call('Read', { kind: 'KIND_PATIENT', id: chart['treats general'].P }, both)).record.version.resource_id, chart['treats general'].P);
    assert.ok(P);
  });

  await t.test('who has no ward treats nobody, whatever wards are called', async () => {
    const { O } = chart['treats none'];
    for (const ward of [undefined, '', ' ', 'WARD-3', 'ward-3 ', 'ward-4', '%', '急诊', 'wärd-3', 'w'.repeat(65), 'w'.repeat(100)]) {
      const by = site.as('nurse', { sub: 'nurse-77', ward }); // no glass of theirs is open
      const f = await site.records.failure('Read', { kind: 'KIND_OBSERVATION', id: O }, by);
      assert.equal(f.code, 'NOT_FOUND', `${ward}`);
      assert.equal((await site.records.call('Search', { kind: 'KIND_OBSERVATION', total: 'TOTAL_BOUNDED' }, by)).total, 0, `${ward}`);
    }
  });

  await t.test('names are compared byte for byte', async () => {
    const { O } = chart['glass none'];
    for (const sub of ['Nurse-1', 'nurse-1 ', 'nurse-2']) {
      const f = await site.records.failure('Read', { kind: 'KIND_OBSERVATION', id: O }, site.as('nurse', { sub, ward: 'ward-5' }));
      assert.equal(f.code, 'NOT_FOUND', sub);
    }
    const named = chart['treats person'];
    const other = site.as('nurse', { sub: 'NURSE-1' });
    assert.equal((await site.records.call('Read', { kind: 'KIND_OBSERVATION', id: named.O }, other)).record.version.resource_id, named.O);
  });

  await t.test('a consent that ends opens again, one that begins hides', async () => {
    const { id } = await site.treated();
    const O = (await site.create(observation(id), site.as('physician'))).version.resource_id;
    const made = await site.create(consent(id));
    assert.equal((await site.unread('KIND_OBSERVATION', O)).code, 'NOT_FOUND');
    const now = { consent: { ...made.resource.consent, status: 'STATUS_INACTIVE' } };
    await site.update(now, made.version.version);
    assert.equal((await site.read('KIND_OBSERVATION', O)).record.version.resource_id, O);
    const future = { type: 'PROVISION_TYPE_DENY', period: { start: '2199-01-01' } };
    await site.create(consent(id, future));
    assert.equal((await site.read('KIND_OBSERVATION', O)).record.version.resource_id, O);
  });

  await t.test('a consent\'s day holds from where it begins first to where it ends last', async () => {
    const day = (hours) => new Date(Date.now() + hours * 3600e3).toISOString().slice(0, 10);
    const rows = [
      [{ start: day(13.9) }, true], [{ start: day(14 + 24) }, false], // today at UTC+14; tomorrow there
      [{ end: day(-11.9) }, true], [{ end: day(-12 - 25) }, false], // today at UTC-12; yesterday there
    ];
    for (const [period, hides] of rows) {
      const { id } = await site.treated();
      await site.create(consent(id, { type: 'PROVISION_TYPE_DENY', period }));
      const answer = await site.read('KIND_PATIENT', id).then(() => 'READ', (e) => e.code);
      assert.equal(answer, hides ? 'NOT_FOUND' : 'READ', JSON.stringify(period));
    }
  });

  await t.test('an encounter that ends closes the chart to who treated', async () => {
    const { id, encounter: e } = await site.treated();
    const O = (await site.create(observation(id), site.as('physician'))).version.resource_id;
    assert.ok(await site.read('KIND_OBSERVATION', O));
    const { record } = await site.read('KIND_ENCOUNTER', e, 'registrar');
    await site.update({ encounter: { ...record.resource.encounter, status: 'STATUS_FINISHED' } }, 1);
    assert.equal((await site.unread('KIND_OBSERVATION', O)).code, 'NOT_FOUND');
    assert.equal((await site.unread('KIND_ENCOUNTER', e)).code, 'NOT_FOUND');
  });

  await t.test('who has left by an end, or is not there yet by a start, is not treated, whatever the status', async () => {
    const at = (hours) => new Date(Date.now() + hours * 3600e3).toISOString();
    const stay = (period, more = {}) => ({ period, location: [{ location: { reference: 'Location/ward-3' }, ...more }] });
    const rows = [
      [stay({ start: at(-9) }), 'READ'],
      [stay({ start: at(-9), end: at(9) }), 'READ'],
      [stay({ start: at(-9), end: at(-1) }), 'NOT_FOUND'],
      [stay({ start: at(-9) }, { period: { start: at(-8), end: at(-1) } }), 'NOT_FOUND'],
      [stay({ start: at(-9) }, { period: { start: at(-8) } }), 'READ'],
      [stay({ start: at(-9) }, { period: { start: at(2) } }), 'NOT_FOUND'],
      [stay({ start: at(-9) }, { period: { end: at(-48).slice(0, 10) } }), 'NOT_FOUND'],
      [stay({ start: at(-9) }, { period: { end: at(-11.9).slice(0, 10) } }), 'READ'],
    ];
    for (const [more, expected] of rows) {
      const id = await site.patient();
      await site.create(encounter(id, 'ward-3', more));
      assert.equal(await site.read('KIND_PATIENT', id).then(() => 'READ', (e) => e.code), expected, JSON.stringify(more));
      const { records } = await site.records.call('Search', { kind: 'KIND_PATIENT', parameters: [{ name: '_id', values: [id] }] }, site.as('nurse'));
      assert.equal(records.length, expected === 'READ' ? 1 : 0);
    }
  });

  await t.test('a stay ends by itself', async () => {
    const id = await site.patient();
    const end = new Date(Date.now() + 5000).toISOString();
    await site.create(encounter(id, 'ward-3', { period: { start: '2026-03-01T08:00:00Z', end } }));
    await until('over: the stay', () => site.read('KIND_PATIENT', id).then(() => false, (e) => e.code === 'NOT_FOUND'));
    assert.ok(Date.now() >= Date.parse(end));
    assert.equal(await site.rows('open_encounter', `patient_id = ${site.hex(id)}`), 1);
  });
});
