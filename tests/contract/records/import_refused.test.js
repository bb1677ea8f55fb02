'use strict';
// ImportBundle: bad input, limits, and streams that are cut.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const { Site, uuid } = require('./site');
const { read, write, bundle, entry, importing, imported, notImported, importsOf } = require('./bundles');

const sanitized = Object.keys(process.env).some((k) => /SAN_OPTIONS$/.test(k));

let site;
before(async () => { site = await Site.start({ services: ['records'] }); });
after(() => site && site.stop());
const { patient, condition, counts, put, kept, version } = importsOf(() => site);

test('a_transaction_with_one_bad_entry_leaves_nothing', async () => {
  const p = patient();
  const good = Array.from({ length: 700 }, () => condition(`Patient/${p.id}`));
  const bad = condition(`Patient/${p.id}`, { onsetDateTime: '2019-13' });
  const text = bundle([p, ...good, bad].map((r) => entry(r)), 'transaction');
  const err = await notImported(site, { import_id: uuid() }, text);
  assert.deepStrictEqual([err.code, err.reason, err.field], ['FAILED_PRECONDITION', 'IMPORT_REFUSED', 'entry[701].Condition.onsetDateTime']);
  assert.strictEqual(err.messages.at(-1).first_problems[0].problems[0].reason, 'DATE_IMPOSSIBLE');
  assert.strictEqual(err.messages.at(-1).created, 0);
  assert.strictEqual(await kept(p.id), 0);
  // The same where it says so only at its end, or where on_problem does.
  const { type, entry: entries } = JSON.parse(text);
  const late = JSON.stringify({ entry: entries, resourceType: 'Bundle', type });
  assert.strictEqual((await notImported(site, { import_id: uuid() }, late, { chunk: 1000 })).reason, 'IMPORT_REFUSED');
  const asked = { import_id: uuid(), on_problem: 'ON_PROBLEM_REFUSE' };
  assert.strictEqual((await notImported(site, asked, bundle(entries, 'batch'))).reason, 'IMPORT_REFUSED');
  // A problem that only writing finds.
  const consent = {
    resourceType: 'Consent', id: uuid(), status: 'active', scope: { text: 'x' }, category: [{ text: 'x' }], patient: { reference: `Patient/${p.id}` },
    policyRule: { text: 'x' }, provision: { type: 'deny', purpose: [{ code: 'TREAT' }] },
  };
  const found = await notImported(site, { import_id: uuid() }, bundle([p, consent].map((r) => entry(r)), 'transaction'));
  assert.deepStrictEqual([found.code, found.reason, found.field.split('.')[0]], ['FAILED_PRECONDITION', 'IMPORT_REFUSED', 'entry[1]']);
  // An id twice, or a patient who is nowhere.
  for (const twice of [[p, p], [condition(`Patient/${uuid()}`)]]) {
    assert.strictEqual((await notImported(site, { import_id: uuid() }, bundle(twice.map((r) => entry(r)), 'transaction'))).reason, 'IMPORT_REFUSED');
  }
  assert.strictEqual(await kept(p.id), 0);
  assert.strictEqual((await imported(site, { import_id: uuid() }, bundle([p, ...good].map((r) => entry(r)), 'transaction'))).created, 701);
});

const charted = (id) => site.rows('resource', `patient_id = ${site.hex(id)}`);

// A transaction is written while the next one is read.
test('of_two_transactions_the_first_one_s_error_counts_and_what_came_before_stays', async () => {
  const first = patient(), second = patient();
  const good = bundle([entry(first), ...Array.from({ length: 300 }, () => entry(condition(`Patient/${first.id}`)))], 'transaction');
  const bad = bundle([second, condition(`Patient/${second.id}`, { onsetDateTime: '2019-13' })].map((r) => entry(r)), 'transaction');
  const broken = '{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"a":01}}]}';
  const refused = await notImported(site, { import_id: uuid() }, good + bad + broken);
  assert.deepStrictEqual([refused.reason, refused.field], ['IMPORT_REFUSED', 'entry[1].Condition.onsetDateTime']);
  assert.strictEqual(refused.messages.at(-1).first_problems[0].position, 'bundle 2, entry 2');
  assert.deepStrictEqual([refused.messages.at(-1).bundles, refused.messages.at(-1).created], [1, 301]);
  assert.deepStrictEqual([await charted(first.id), await charted(second.id)], [301, 0]);
  const start = { import_id: uuid() };
  assert.strictEqual((await notImported(site, start, good + broken)).reason, 'JSON_MALFORMED');
  assert.deepStrictEqual([(await imported(site, start, good)).unchanged, await charted(first.id)], [301, 301]);
});

test('a_transaction_finds_what_the_one_before_it_made', async () => {
  const texts = [], ids = [];
  for (let i = 0; i < 10; i++) {
    const p = patient(), encounter = uuid();
    ids.push(p.id);
    const visit = { resourceType: 'Encounter', id: encounter, status: 'finished', class: { code: 'AMB' }, subject: { reference: `Patient/${p.id}` } };
    texts.push(bundle([p, visit, ...Array.from({ length: 100 }, () => condition(`Patient/${p.id}`))].map((r) => entry(r)), 'transaction'));
    const after = [condition(`Patient/${p.id}`, { encounter: { reference: `Encounter/${encounter}` } }), { ...p, active: true }];
    texts.push(bundle([entry({ resourceType: 'Provenance', id: uuid(), target: [{ reference: `urn:uuid:${p.id}` }] })], 'transaction'));
    texts.push(bundle(after.map((r) => entry(r)), 'transaction'));
  }
  const last = await imported(site, { import_id: uuid() }, texts.join('\n'));
  assert.deepStrictEqual([last.bundles, last.created, last.updated, last.quarantined], [30, 1040, 10, 0]);
  for (const id of ids) assert.strictEqual(await charted(id), 104);
});

test('more_than_10000_that_must_go_in_at_once_are_refused', async () => {
  const p = patient();
  const many = function* () {
    yield `{"resourceType":"Bundle","type":"transaction","entry":[${write(entry(p))}`;
    for (let i = 0; i < 10; i++) {
      yield Array.from({ length: 1000 }, () => `,{"resource":${write(condition(`Patient/${p.id}`))}}`).join('');
    }
    yield ']}';
  };
  const err = await notImported(site, { import_id: uuid() }, [...many()]);
  assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'BUNDLE_INVALID']);
  assert.strictEqual(await kept(p.id), 0);
});

test('a_dry_run_tells_and_keeps_nothing', async () => {
  const p = patient();
  const before = [await site.rows('version'), await site.rows('quarantine'), await site.rows('import_run')];
  const entries = [p, ...Array.from({ length: 600 }, () => condition(`Patient/${p.id}`)), condition(`Patient/${uuid()}`)];
  const text = bundle(entries.map((r) => entry(r))) + bundle([entry(condition(`Patient/${p.id}`))]);
  const last = await imported(site, { import_id: uuid(), dry_run: true }, text);
  assert.deepStrictEqual(counts(last), { created: 602, updated: 0, unchanged: 0, quarantined: 1 });
  assert.deepStrictEqual([await site.rows('version'), await site.rows('quarantine'), await site.rows('import_run')], before);
});

test('json_that_is_none_ends_the_import_and_says_where', async () => {
  const start = { import_id: uuid() };
  const head = '{"resourceType":"Bundle","type":"batch","entry":[{"resource":';
  const resource = write(patient());
  const cases = [
    ['JSON_MALFORMED', 'nonsense'],
    ['JSON_MALFORMED', '[1]'],
    ['JSON_MALFORMED', `${head}${resource}}`],
    ['JSON_MALFORMED', `${head}${resource}}]`],
    ['JSON_MALFORMED', `${head}{"resourceType":"Patient",}}]}`],
    ['JSON_MALFORMED', `${head}{"a":01}}]}`],
    ['JSON_DUPLICATE_KEY', `${head}{"resourceType":"Patient","active":true,"active":false}}]}`],
    ['JSON_DUPLICATE_KEY', `{"type":"batch","type":"transaction","resourceType":"Bundle","entry":[{"resource":${resource}}]}`],
    ['JSON_MALFORMED', `${head}{"resourceType":"Patient","name":[{"family":"a\nb"}]}}]}`],
    ['JSON_TOO_DEEP', `{"resourceType":"Bundle","type":"batch","x":${'['.repeat(100000)}`],
    ['JSON_NOT_UTF8', Buffer.concat([Buffer.from(`${head}{"resourceType":"Patient","name":[{"family":"`), Buffer.from([0xe9]), Buffer.from('"}]}}]}')])],
    ['JSON_NOT_UTF8', Buffer.concat([Buffer.from('{"resourceType":"Bundle","type":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
  ];
  for (const [reason, bytes] of cases) {
    const err = await notImported(site, start, bytes);
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', reason], String(bytes).slice(0, 120));
  }
});

test('an_entry_that_cannot_be_read_is_put_aside_and_the_others_go_in', async () => {
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`;
  for (const [reason, inside] of [
    ['JSON_BAD_STRING', '"name":[{"family":"\\ud800"}]'], ['JSON_BAD_STRING', '"name":[{"family":"\\u0000"}]'],
    ['JSON_MALFORMED', '"name":[{"family":"a\u0001b"}]'], ['JSON_TOO_DEEP', `"x":${deep}`],
  ]) {
    const [p, q] = [patient(), patient()];
    const bytes = `{"resourceType":"Bundle","type":"batch","entry":[${write(entry(p))},{"resource":{"resourceType":"Patient",${inside}}},${write(entry(q))}]}`;
    const last = await imported(site, { import_id: uuid() }, bytes);
    assert.deepStrictEqual(counts(last), { created: 2, updated: 0, unchanged: 0, quarantined: 1 }, inside);
    assert.strictEqual(last.first_problems[0].problems[0].reason, reason);
    // A transaction stays all or nothing.
    const whole = await notImported(site, { import_id: uuid() }, bytes.replace('"batch"', '"transaction"'));
    assert.deepStrictEqual([whole.code, whole.reason], ['FAILED_PRECONDITION', 'IMPORT_REFUSED']);
  }
});

test('what_is_no_bundle_is_refused', async () => {
  const start = { import_id: uuid() };
  const cases = ['', '  ', '{}', '{"resourceType":"Bundle"}', '{"resourceType":"Bundle","type":"history"}', '{"resourceType":"Patient","type":"batch"}',
    '{"resourceType":"Bundle","type":7}', '{"resourceType":"Bundle","type":"batch","entry":{}}', write(patient())];
  for (const text of cases) {
    const err = await notImported(site, start, text);
    assert.deepStrictEqual([err.code, err.reason], ['INVALID_ARGUMENT', 'BUNDLE_INVALID'], text);
  }
  // Nothing of it went in before that was known.
  const p = patient();
  await notImported(site, start, `{"type":"batch","entry":[{"resource":${write(p)}}],"resourceType":"Patient"}`, { chunk: 100 });
  assert.strictEqual(await kept(p.id), 0);
});

test('a_note_of_200_MB_is_put_aside_and_what_follows_goes_in', async () => {
  const fresh = await Site.start({ services: ['records'] });
  try {
    const p = patient();
    const note = condition(`Patient/${p.id}`, { note: [{ text: 'NOTE' }] });
    const [head, tail] = write({ resource: note }).split('NOTE');
    const after = write(entry(condition(`Patient/${p.id}`)));
    const bytes = [
      `{"resourceType":"Bundle","type":"batch","entry":[${write(entry(p))},${head}`, ...Array(200).fill(Buffer.alloc(1 << 20, 'a')), `${tail},${after}]}`,
    ];
    const most = () => Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${fresh.ward.services.records.proc.pid}/status`, 'utf8'))[1]) / 1024;
    const before = most();
    const last = await imported(fresh, { import_id: uuid() }, bytes, { chunk: 1 << 20 });
    assert.deepStrictEqual(counts(last), { created: 2, updated: 0, unchanged: 0, quarantined: 1 });
    assert.strictEqual(last.first_problems[0].problems[0].reason, 'JSON_TOO_LARGE');
    // A sanitizer keeps what was freed.
    if (!sanitized) assert.ok(most() - before < 100, `${before} MiB, then ${most()} MiB`);
  } finally {
    await fresh.stop();
  }
});

test('a_resource_over_1_MiB_is_put_aside_as_it_came', async () => {
  const p = patient();
  const large = await put([p, condition(`Patient/${p.id}`, { note: [{ text: 'a'.repeat((1 << 20) + 1) }] })]);
  assert.deepStrictEqual(counts(large), { created: 1, updated: 0, unchanged: 0, quarantined: 1 });
  assert.deepStrictEqual(large.first_problems[0].problems.map((x) => x.reason), ['RESOURCE_TOO_LARGE']);
  const { items } = await site.api('exchange').call('ListQuarantine', { import_id: large.first_problems[0].import_id }, site.as('records-admin'));
  const { item } = await site.api('exchange').call('GetQuarantined', { item_id: items[0].item_id }, site.as('records-admin'));
  assert.strictEqual(read(item.json).note[0].text.length, (1 << 20) + 1);
});

test('the_stream_begins_with_one_start', async () => {
  const cases = [
    [[], 'start'],
    [[{ chunk: Buffer.from('{}') }], 'start'],
    [[{ start: { import_id: 'a', source: 's' } }, { start: { import_id: 'a', source: 's' } }], 'start'],
    [[{ start: { source: 's' } }], 'start.import_id'],
    [[{ start: { import_id: 'a'.repeat(129), source: 's' } }], 'start.import_id'],
    [[{ start: { import_id: 'a' } }], 'start.source'],
    [[{ start: { import_id: 'a', source: 's'.repeat(129) } }], 'start.source'],
    [[{ start: { import_id: 'a', source: 's', on_problem: 9 } }], 'start.on_problem'],
    [[{ start: { import_id: 'a', source: 's' } }, {}], 'part'],
    [[{ start: { import_id: 'a', source: 's' } }, { chunk: Buffer.alloc((1 << 20) + 1, ' ') }], 'chunk'],
  ];
  for (const [messages, field] of cases) {
    const stream = site.api('exchange').duplex('ImportBundle', site.as('records-admin'));
    for (const m of messages) stream.write(m);
    stream.end();
    await assert.rejects((async () => { for await (const _ of stream); })(), (err) => {
      assert.deepStrictEqual([err.code, err.field], ['INVALID_ARGUMENT', field]);
      return true;
    });
  }
});

test('two_replicas_that_import_the_same_at_once_make_it_once', async () => {
  const fresh = await Site.start({ services: ['records', 'records2'] });
  try {
    const ps = Array.from({ length: 40 }, () => patient());
    const all = ps.flatMap((p) => [p, ...Array.from({ length: 30 }, () => condition(`Patient/${p.id}`))]);
    const text = bundle(all.map((r) => entry(r)));
    const at = (on) => imported(fresh, { import_id: uuid() }, text, { on: fresh.api('exchange', { on }) });
    const both = await Promise.all([at('records'), at('records2')]);
    assert.strictEqual(both[0].created + both[1].created, all.length, JSON.stringify(both.map(counts)));
    for (const one of both) assert.strictEqual(one.created + one.unchanged, all.length, JSON.stringify(both.map(counts)));
    assert.strictEqual(await fresh.rows('version'), all.length);
    assert.strictEqual(await fresh.rows('quarantine'), 0);
  } finally {
    await fresh.stop();
  }
});

test('a_deadline_ends_an_import_and_what_is_in_stays', async () => {
  const p = patient();
  const ids = [];
  const parts = function* () {
    yield `{"resourceType":"Bundle","type":"batch","entry":[${write(entry(p))}`;
    for (let i = 0; i < 100; i++) {
      yield Array.from({ length: 300 }, () => {
        const c = condition(`Patient/${p.id}`);
        ids.push(c.id);
        return `,{"resource":${write(c)}}`;
      }).join('');
    }
    yield ']}';
  };
  const bytes = [...parts()];
  const start = { import_id: uuid() };
  const err = await notImported(site, start, bytes, { by: { ...site.as('records-admin'), deadline: 700 }, chunk: 20000 });
  assert.strictEqual(err.code, 'DEADLINE_EXCEEDED');
  const last = await imported(site, start, bytes);
  assert.deepStrictEqual([last.created + last.unchanged, last.updated, last.quarantined], [ids.length + 1, 0, 0]);
});

test('an_import_id_is_one_source_s', async () => {
  const start = { import_id: uuid(), source: 'one' };
  await imported(site, start, bundle([entry(patient())]));
  const err = await notImported(site, { ...start, source: 'two' }, bundle([entry(patient())]));
  assert.deepStrictEqual([err.code, err.reason], ['FAILED_PRECONDITION', 'IMPORT_DIFFERS']);
  assert.strictEqual((await notImported(site, { ...start, source: 'two', dry_run: true }, bundle([]))).reason, 'IMPORT_DIFFERS');
});

test('only_records_admin_may_import', async () => {
  const text = bundle([entry(patient())]);
  for (const role of ['physician', 'nurse', 'registrar', 'patient', 'researcher']) {
    assert.strictEqual((await notImported(site, { import_id: uuid() }, text, { by: role })).code, 'PERMISSION_DENIED', role);
  }
  assert.strictEqual((await notImported(site, { import_id: uuid() }, text, { by: {} })).code, 'UNAUTHENTICATED');
  const stranger = site.api('exchange', { as: 'dosage' });
  assert.strictEqual((await notImported(site, { import_id: uuid() }, text, { on: stranger })).code, 'PERMISSION_DENIED');
});

test('each_patient_s_log_tells_of_it_and_so_does_the_import_s_end', async () => {
  const fresh = await Site.start({ services: ['records'] });
  try {
    const ps = [patient(), patient()];
    const start = { import_id: 'told', source: 'test' };
    await importing(fresh, start, bundle([...ps, condition(`Patient/${ps[0].id}`)].map((r) => entry(r))));
    const events = (await fresh.outbox()).filter((e) => e.action.endsWith('/ImportBundle'));
    const detail = (e) => ({ ...e.detail });
    assert.deepStrictEqual(events.map((e) => e.patient).sort(), ['', ...ps.map((p) => p.id)].sort());
    const first = events.find((e) => e.patient === ps[0].id);
    assert.deepStrictEqual(detail(first), { import: 'told', created: '2', updated: '0' });
    assert.deepStrictEqual(detail(events.at(-1)),
      { import: 'told', bundles: '1', created: '3', updated: '0', unchanged: '0', quarantined: '0', dry_run: 'false' });
    // Each version names the event of its patient's.
    assert.strictEqual(await fresh.rows('version v', `NOT EXISTS (SELECT 1 FROM seen s WHERE s.patient_id = v.patient_id AND s.event_id = v.event_id)`), 0);
    // What was there already is nobody's to be told of.
    await importing(fresh, start, bundle(ps.map((r) => entry(r))));
    assert.strictEqual((await fresh.outbox()).filter((e) => e.action.endsWith('/ImportBundle')).length, 4);
  } finally {
    await fresh.stop();
  }
});

test('nothing_of_a_resource_is_in_the_log_or_an_error', async () => {
  const secret = `Geheim${uuid()}`;
  const p = patient(uuid(), { name: [{ family: secret }], gender: secret, [secret]: 1 });
  const last = await put([p, { ...patient(), birthDate: secret }, { ...patient(), name: [{ [secret]: 'x' }] }]);
  assert.ok(last.quarantined > 0 && last.unmodelled.length > 0);
  assert.ok(!JSON.stringify(last).includes(secret));
  const err = await notImported(site, { import_id: uuid() }, `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","x":"${secret}`);
  assert.ok(!JSON.stringify([err.details, err.field, err.violation]).includes(secret));
  assert.ok(!site.ward.services.records.proc.lines.join('').includes(secret));
});

test('a_stream_that_ends_before_or_after_its_total_is_no_complete_import', async () => {
  const p = patient();
  const texts = [bundle([entry(p)]), bundle([entry(condition(`Patient/${p.id}`))])];
  const total_bytes = texts.reduce((n, t) => n + Buffer.byteLength(t), 0);
  const start = { import_id: uuid(), total_bytes };
  for (const sent of [texts.slice(0, 1), [...texts, bundle([])]]) {
    const err = await notImported(site, start, sent);
    assert.deepStrictEqual([err.code, err.reason], ['ABORTED', 'IMPORT_INCOMPLETE']);
    assert.strictEqual(await site.rows('import_run', `import_id = '${start.import_id}' AND done_at_us IS NOT NULL`), 0);
  }
  const last = await imported(site, start, texts);
  assert.deepStrictEqual([last.done, last.created + last.unchanged], [true, 2]);
  const negative = await notImported(site, { import_id: uuid(), total_bytes: -1 }, texts);
  assert.deepStrictEqual([negative.code, negative.field], ['INVALID_ARGUMENT', 'start.total_bytes']);
});
