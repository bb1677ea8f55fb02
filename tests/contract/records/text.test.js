'use strict';
// Extract: what a note says, in Chinese and English, with the words that decided it; of a text, and of a document that the caller may see.

const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { Site, note, uuid } = require('./site');
const { build, root } = require('../../lib/paths');

let site, text;
before(async () => {
  site = await Site.shared();
  text = site.api('text');
});
after(() => site && site.stop());

const extract = (request, by = 'nurse') => text.call('Extract', request, typeof by === 'string' ? site.tokens[by] : by);
const refused = (request, by = 'nurse') => text.failure('Extract', request, typeof by === 'string' ? site.tokens[by] : by);
// What a finding's span covers, by bytes and by code points: they must agree.
function covered(note_, span) {
  const bytes = Buffer.from(note_).subarray(span.start_byte, span.end_byte).toString();
  assert.strictEqual([...note_].slice(span.start, span.end).join(''), bytes);
  return bytes;
}
const find = (findings, note_, words) => findings.find((f) => covered(note_, f.span) === words);

test('a_chinese_note_is_read_with_what_it_denies_and_why', async () => {
  const said = '患者无发热，咳嗽3天，既往高血压病史，父亲患糖尿病。血压150/90mmHg。无尿频、尿急。';
  const { findings } = await extract({ text: said });
  const fever = find(findings, said, '发热');
  assert.deepStrictEqual([fever.kind, fever.assertion], ['FINDING_KIND_SYMPTOM', 'ASSERTION_NEGATED']);
  const cue = fever.cues.find((c) => c.kind === 'negation');
  assert.deepStrictEqual([cue.kind, covered(said, cue.span)], ['negation', '无']);
  assert.ok(cue.scope.end > cue.scope.start && cue.id !== '');
  assert.strictEqual(find(findings, said, '咳嗽').assertion, 'ASSERTION_AFFIRMED');
  const hypertension = find(findings, said, '高血压病');
  assert.deepStrictEqual([hypertension.kind, hypertension.temporality, hypertension.code, hypertension.experiencer],
    ['FINDING_KIND_DISEASE', 'TEMPORALITY_HISTORICAL', 'I10', 'EXPERIENCER_PATIENT']); // the father is named after it
  assert.strictEqual(find(findings, said, '糖尿病').experiencer, 'EXPERIENCER_FAMILY');
  for (const words of ['尿频', '尿急']) assert.strictEqual(find(findings, said, words).assertion, 'ASSERTION_NEGATED', words);
  const pressure = findings.find((f) => f.kind === 'FINDING_KIND_MEASUREMENT');
  assert.deepStrictEqual([pressure.measured.value, pressure.measured.value2, pressure.measured.ucum], ['150', '90', 'mm[Hg]']);
});

test('a_note_in_traditional_characters_is_read_and_its_places_are_the_note_s', async () => {
  const said = '😀 患者無發熱、咳嗽，頭痛3天，肺栓塞可排除。';
  const { findings } = await extract({ text: said });
  const fever = find(findings, said, '發熱');
  assert.deepStrictEqual([fever.code, fever.assertion, covered(said, fever.cues[0].span)], ['R50', 'ASSERTION_NEGATED', '無']);
  assert.strictEqual(find(findings, said, '頭痛').assertion, 'ASSERTION_AFFIRMED');
  assert.strictEqual(find(findings, said, '肺栓塞').assertion, 'ASSERTION_NEGATED');
});

test('a_drug_that_the_note_says_was_stopped_is_stopped', async () => {
  for (const [said, drug, when, words] of [
    ['停用华法林，改用利伐沙班。', '华法林', 'TEMPORALITY_STOPPED', '停用'],
    ['长期口服阿司匹林，已停3天。', '阿司匹林', 'TEMPORALITY_STOPPED', '已停'],
    ['未停用阿司匹林。', '阿司匹林', 'TEMPORALITY_CURRENT', undefined],
    ['Aspirin was discontinued in May.', 'Aspirin', 'TEMPORALITY_STOPPED', 'was discontinued'],
    ['She stopped metformin.', 'metformin', 'TEMPORALITY_STOPPED', 'stopped'],
  ]) {
    const found = find((await extract({ text: said })).findings, said, drug);
    assert.deepStrictEqual([found.kind, found.assertion, found.temporality], ['FINDING_KIND_DRUG', 'ASSERTION_AFFIRMED', when], said);
    const cue = found.cues.find((c) => c.kind === 'stop');
    assert.strictEqual(cue && covered(said, cue.span), words, said);
  }
});

test('an_english_note_is_read_too', async () => {
  const said = 'Denies chest pain. Possible pneumonia. Temp 38.5 C. Takes metformin. HIV negative.';
  const { findings } = await extract({ text: said, language: 'LANGUAGE_ENGLISH' });
  assert.strictEqual(find(findings, said, 'chest pain').assertion, 'ASSERTION_NEGATED');
  const pneumonia = find(findings, said, 'pneumonia');
  assert.strictEqual(pneumonia.assertion, 'ASSERTION_UNCERTAIN');
  assert.match(pneumonia.code, /^J18/);
  assert.strictEqual(find(findings, said, 'HIV').assertion, 'ASSERTION_NEGATED');
  assert.strictEqual(find(findings, said, 'metformin').kind, 'FINDING_KIND_DRUG');
  assert.strictEqual(findings.find((f) => f.kind === 'FINDING_KIND_MEASUREMENT').measured.value, '38.5');
});

test('a_former_call_s_deadline_ends_neither_a_reading_nor_a_feed', async () => {
  const brief = { ...site.tokens.nurse, deadline: 800 };
  for (let round = 0; round < 2; round++) {
    // Every worker serves a call whose deadline then passes.
    await Promise.all([...Array(24)].map(() => site.records.call('Read', { kind: 'KIND_PATIENT', id: uuid() }, brief).catch(() => {})));
    await new Promise((done) => { setTimeout(done, 1000); });
    if (round === 0) {
      for (let i = 0; i < 12; i++) await extract({ text: '发热' }, { ...site.tokens.nurse, deadline: 30000 });
    } else {
      const stream = site.api('feed').stream('Follow', {}, { ...site.tokens['records-admin'], deadline: 30000 });
      for await (const m of stream) { assert.ok(m.resume_token.length > 0); break; }
      stream.cancel();
    }
  }
});

test('every_finding_says_what_made_it', async () => {
  const { findings } = await extract({ text: 'No fever, but cough.' });
  assert.ok(findings.length >= 2);
  for (const f of findings) {
    assert.match(f.maker.sha256, /^[0-9a-f]{64}$/);
    assert.ok(f.maker.name !== '' && f.maker.version !== '');
  }
});

test('a_note_of_the_chart_is_read_by_who_may_see_it', async () => {
  const { id } = await site.treated();
  const record = await site.create(note(id, 'No fever. Cough for 3 days.'), 'nurse');
  const document_id = record.version.resource_id;
  const { findings } = await extract({ document_id });
  assert.ok(findings.some((f) => f.assertion === 'ASSERTION_NEGATED'));
  const event = await site.lastEvent();
  assert.deepStrictEqual([event.action, event.patient, event.detail.findings], ['/ward.records.v1.Text/Extract', id, String(findings.length)]);
  const elsewhere = await refused({ document_id }, site.as('nurse', { ward: 'ward-9' }));
  assert.deepStrictEqual([elsewhere.code, elsewhere.reason], ['NOT_FOUND', 'RESOURCE_NOT_FOUND']);
  const nothing = await refused({ document_id: uuid() }, site.as('nurse', { ward: 'ward-9' }));
  assert.strictEqual(nothing.details, elsewhere.details);
});

test('what_cannot_be_read_is_refused_with_its_reason', async () => {
  assert.deepStrictEqual(((e) => [e.code, e.field])(await refused({})), ['INVALID_ARGUMENT', 'text']);
  assert.deepStrictEqual(((e) => [e.code, e.field])(await refused({ document_id: 'none' })), ['INVALID_ARGUMENT', 'document_id']);
  assert.deepStrictEqual(((e) => [e.code, e.reason])(await refused({ text: 'a'.repeat((1 << 20) + 1) })), ['INVALID_ARGUMENT', 'TEXT_TOO_LONG']);
  assert.strictEqual((await refused({ text: 'x', language: 9 })).code, 'INVALID_ARGUMENT');
  const { id } = await site.treated();
  const film = note(id, 'x');
  film.document_reference.content[0].attachment.content_type = 'application/pdf';
  const record = await site.create(film, 'nurse');
  assert.strictEqual((await refused({ document_id: record.version.resource_id })).field, 'document_id');
});

test('who_may_not_read_notes_is_refused', async () => {
  for (const role of ['registrar', 'auditor', 'researcher', 'patient']) assert.strictEqual((await refused({ text: 'x' }, role)).code, 'PERMISSION_DENIED', role);
  assert.strictEqual((await refused({ text: 'x' }, site.as('nurse', { purpose: 'HRESCH' }))).reason, 'PURPOSE_NOT_ALLOWED');
});

test('a_note_leaves_no_word_in_log_event_or_error', async () => {
  const word = 'Zebrafieberkrankheit';
  await extract({ text: `No fever. ${word}.` });
  await refused({ text: word, language: 9 });
  assert.ok(!site.ward.services.records.proc.lines.join('\n').includes(word));
  assert.ok(!JSON.stringify(await site.outbox()).includes(word));
});

test('a_model_takes_over_where_one_is_given', async (t) => {
  if (!fs.existsSync(path.join(build, 'plugins/cpu.so'))) return t.skip('no cpu plugin');
  const other = await Site.start({ services: ['records'], env: { records: {
    WARD_TEXT_MODEL: path.join(root, 'models/text_zh/1'), WARD_PLUGINS: path.join(build, 'plugins') } } });
  try {
    const said = '患者因直肠癌入院，无发热。';
    const { findings } = await other.api('text').call('Extract', { text: said }, other.tokens.nurse);
    const makers = new Set(findings.map((f) => f.maker.name));
    const cancer = find(findings, said, '直肠癌');
    assert.strictEqual(cancer.kind, 'FINDING_KIND_DISEASE');
    assert.ok(makers.size >= 1 && !makers.has('rules') || makers.size > 1, [...makers].join());
    assert.strictEqual(find(findings, said, '发热').assertion, 'ASSERTION_NEGATED');
  } finally {
    await other.stop();
  }
});

test('a_model_that_is_not_there_stops_the_service_in_words', async () => {
  await assert.rejects(Site.start({ services: ['records'], env: { records: { WARD_TEXT_MODEL: '/nowhere' } } }), /card\.tsv|\/nowhere/);
});
