'use strict';
// The demo is what a newcomer sees first: it must end well, with and without data, and say what is
// so. With photographs of one's own, too.

const { test, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { Proc, run } = require('../lib/proc');
const { Prometheus } = require('../lib/prometheus');
const { until } = require('../lib/until');
const { root, folder, photo, data } = require('../lib/paths');
const { dashboards } = require('../../deploy/k8s/monitoring/dashboards');
const { recording } = require('../../deploy/k8s/monitoring/rules');

const argv = [process.execPath, path.join(root, 'deploy/local/demo.js')];
const env = (more) => ({ PATH: process.env.PATH, HOME: folder(), BUILD: process.env.BUILD || 'build', WARD_DATA: '/nowhere', ...more });
const demo = (more) => run(argv, { env: env(more) });
const demoProc = (more) => new Proc('demo', argv, { env: env(more) });
const skipPrometheus = spawnSync('prometheus', ['--version']).error ? 'prometheus is not here' : false;

function journey(r) {
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  const lines = r.stdout.split('\n').map((l) => l.trim());
  const decisions = lines.filter((l) => /\d\.\d{3} +\d\.\d{3} +(MATCH|NO_MATCH)$/.test(l));
  return { text: r.stdout, lines, decisions };
}

// The demo's acts are what the dashboards are looked at with: Prometheus reads the services while it runs.
let prometheus;
let done; // a time at which all that the demo did had been read and evaluated, in seconds
after(() => prometheus?.stop());

const SERVICES = 5;
async function watched() {
  const scratch = folder('demo');
  prometheus = await Prometheus.start(path.join(scratch, 'ward'));
  const read = path.join(scratch, 'read');
  const proc = demoProc({ SCRATCH: scratch, UNTIL: read });
  await proc.line(/Done\./, { seconds: 600 });
  const told = Date.now() / 1000;
  // A second ago: a scrape that runs now can still fail, and then the series that it did not get are gone from its beginning on.
  await until('every service read and every recording rule evaluated', async () => {
    done = Date.now() / 1000 - 1;
    if (done < told + 1 || (await prometheus.ask('up == 1', done)).length < SERVICES) return false;
    return (await Promise.all(recording.map((r) => prometheus.ask(r.record, done)))).every((series) => series.length > 0);
  });
  fs.writeFileSync(read, '');
  return { status: await proc.exit, stdout: proc.stdout, lines: proc.lines };
}

test('the_demo_tells_the_whole_journey', async () => {
  const { text, decisions } = journey(skipPrometheus ? await demo() : await watched());
  assert.strictEqual(decisions.length, 4);
  for (const d of decisions) assert.strictEqual(d.endsWith(' MATCH'), d.includes('a second capture (*)'), d);
  assert.match(text, /derived from the only photograph/);
  assert.match(text, /UNUSABLE {2}FACE_TOO_SMALL: .* In this photograph: 18\./s);
  assert.match(text, /UNUSABLE {2}FACE_OCCLUDED/);
  assert.match(text, /UNUSABLE {2}LIVENESS_REQUIRED/);
  assert.match(text, /INVALID_ARGUMENT {2}IMAGE_FORMAT/);
  assert.match(text, /PPID_FOREIGN.*\n.*\n +spent {2}redeemed for this.*\n.*\n +ALREADY_EXISTS {2}PPID_SPENT/);
  assert.match(text, /FAILED_PRECONDITION {2}WAY_NOT_ALLOWED.*MATCH {2}A, score 0\.\d{3}: among 2/s);
  assert.match(text, /NO_MATCH {2}the answer does not reveal which.*\n.*\n +MATCH {2}the same kind of token, with the method wristband\+second-id/);
  assert.match(text, /seen {2}in ward-3.*: 38\.50 Cel, version 1/);
  assert.match(text, /NOT_FOUND {2}RESOURCE_NOT_FOUND.*\n.*\n.*\n +seen {2}for 15 minutes/);
  assert.match(text, /Read +SUCCESS +yes +\d+/);
  assert.match(text, /SECOND_PHARMACIST_NEEDED.*\n.*\n.*\n +active {2}\d+ drugs, \d+ rules, each with its source; sample: not for clinical use/);
  assert.match(text, /REFUSED {2}amoxicillin 500 mg.*\n +HARD {2}.*penicillin/);
  assert.match(text, /REFUSED {2}paracetamol 10000 mg.*\n +HARD {2}.*4000 mg/);
  assert.match(text, /ORDERED {2}paracetamol 1000 mg every 8 hours/);
  assert.match(text, /SYMPTOM +R50 +NEGATED +.* 发热\n.* text_zh +咳嗽\n.* HISTORICAL +PATIENT +rules +高血压病\n.* FAMILY +text_zh +糖尿病/);
  assert.match(text, /WARNED {2}cefuroxime 500 mg.*\n +WARN {2}(.*\n)+? +ORDERED {2}cefuroxime 500 mg/);
  for (const what of ['diagnosis infer', 'audit query']) assert.match(text, new RegExp(`--token NURSE ${what}.*\\n +PERMISSION_DENIED `), what);
  assert.match(text, /PATIENT +FAIL +ppid of another patient(.*\n){5} +REFUSED {2}the wrong patient/);
  assert.match(text, /PATIENT +PASS +ppid face.*bed-7\n(.*\n){4} +GIVEN {2}once/);
  assert.match(text, /GIVEN {2}once.*\n.*\n +ALREADY_EXISTS {2}SLOT_TAKEN/);
  assert.match(text, /FAILED_PRECONDITION {2}NO_CONSENT.*\n +[0-9a-f]{16}\.\. +\S+ +0 +0\n/s);
  for (const act of ['Enrol', 'Verify', 'SpendToken', 'Identify', 'SetUsePolicy', 'SetIdentifiers', 'VerifyWristband', 'WithdrawConsent', 'GetSubject', 'ActivateRuleSet', 'Place', 'Administer', 'Infer', 'Confirm', 'Extract']) {
    assert.match(text, new RegExp(`^ +\\d+ +\\d\\d:\\d\\d:\\d\\d +local:\\S+ +${act} `, 'm'), `no ${act} in the log`);
  }
  assert.match(text, /ABSTAINED {2}\S*FAR: the input is unlike/);
  assert.match(text, /Pneumonia +\d\.\d\d +\d\.\d\d +(not )?present +chest 1 +[0-9a-f]{16}\.\. +cpu/);
  assert.match(text, /FINAL {2}version 2, by \S+: Pneumonia: .* confirmed by a clinician/);
  assert.match(text, /verified {2}the log contains the event(.*\n){3}.*verified {2}the log contains the event/);
  assert.match(text, /ROOT {2}.*\n.*found {2}/s);
  assert.match(text, /Done\./);
});

test('every_panel_of_every_dashboard_has_something_to_show', { skip: skipPrometheus }, async (t) => {
  const exprs = dashboards.flatMap((d) => d.rows.flatMap(([, panels]) => panels.flatMap((p) => p.queries.map(([expr]) => expr))));
  // What was counted a second ago has a value and no rate yet: the value stands for the rate.
  const today = (e) => e.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', 'h').replaceAll('rate(', 'last_over_time(');
  const found = await Promise.all(exprs.map((e) => prometheus.ask(today(e), done)));
  const empty = exprs.filter((e, i) => found[i].length === 0);
  t.diagnostic(`${exprs.length - empty.length} of ${exprs.length} queries have series`);
  assert.deepStrictEqual(empty, []);
  for (const r of recording) assert.ok((await prometheus.ask(r.record, done)).length > 0, r.record);
  // Nothing of an ordinary day wakes anybody.
  assert.deepStrictEqual(await prometheus.ask('ALERTS{alertstate="firing",severity="page"}', done), []);
});

test('it_takes_photographs_of_one_s_own', async () => {
  const dir = folder('photos');
  for (const [person, names] of [['one', ['christian']], ['two', ['michael', 'team-4']]]) {
    fs.mkdirSync(path.join(dir, person));
    for (const name of names) fs.copyFileSync(photo(name), path.join(dir, person, `${name}.jpg`));
  }
  const { decisions, text } = journey(await demo({ PHOTOS: dir }));
  const of = (start) => decisions.find((d) => d.startsWith(start));
  assert.match(of('one'), / MATCH$/);
  assert.match(of('two       two, another photograph'), /NO_MATCH$/); // two people in one folder
  assert.match(text, /1 of 4 decisions differ from the names of the folders/);
});

test('a_folder_with_one_person_is_refused_in_words', async () => {
  const dir = folder('photos');
  fs.mkdirSync(path.join(dir, 'one'));
  fs.copyFileSync(photo('christian'), path.join(dir, 'one', 'a.jpg'));
  const r = await demo({ PHOTOS: dir });
  assert.strictEqual(r.status, 1);
  assert.match(r.lines.join('\n'), /two folders, one for each person/);
});

test('real_pairs_are_told_apart_where_they_are_at_hand', async (t) => {
  if (!fs.existsSync(path.join(data, 'face_lfw/pairs.tsv'))) return t.skip('no data (face_lfw)');
  const { decisions } = journey(await demo({ WARD_DATA: data }));
  assert.strictEqual(decisions.length, 8);
  for (const d of decisions) assert.strictEqual(d.endsWith(' MATCH'), /a second capture|another day/.test(d), d);
});
