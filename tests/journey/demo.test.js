'use strict';
// The demo is what a newcomer sees first: it must end well, with and without data, and say what is
// so. With photographs of one's own, too.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../lib/proc');
const { root, folder, photo, data } = require('../lib/paths');

const demo = (more) => run([process.execPath, path.join(root, 'deploy/local/demo.js')], {
  env: { PATH: process.env.PATH, HOME: folder(), BUILD: process.env.BUILD || 'build', WARD_DATA: '/nowhere', ...more },
});

function journey(r) {
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  const lines = r.stdout.split('\n').map((l) => l.trim());
  const decisions = lines.filter((l) => /\d\.\d{3} +\d\.\d{3} +(MATCH|NO_MATCH)$/.test(l));
  return { text: r.stdout, lines, decisions };
}

test('the_demo_tells_the_whole_journey', async () => {
  const { text, decisions } = journey(await demo());
  assert.strictEqual(decisions.length, 4);
  for (const d of decisions) assert.strictEqual(d.endsWith(' MATCH'), d.includes('a second capture (*)'), d);
  assert.match(text, /made of the one photograph there is/);
  assert.match(text, /UNUSABLE {2}FACE_TOO_SMALL: .* These are 18\./s);
  assert.match(text, /UNUSABLE {2}FACE_OCCLUDED/);
  assert.match(text, /UNUSABLE {2}LIVENESS_REQUIRED/);
  assert.match(text, /INVALID_ARGUMENT {2}IMAGE_FORMAT/);
  assert.match(text, /PPID_FOREIGN.*\n.*\n +spent {2}by the step.*\n.*\n +ALREADY_EXISTS {2}PPID_SPENT/);
  assert.match(text, /FAILED_PRECONDITION {2}WAY_NOT_ALLOWED.*MATCH {2}A, score 0\.\d{3}: among 2/s);
  assert.match(text, /NO_MATCH {2}it does not say which.*\n.*\n +MATCH {2}the same token, its method says wristband\+second-id/);
  assert.match(text, /seen {2}by who works in ward-3.*: 38\.50 Cel, version 1/);
  assert.match(text, /NOT_FOUND {2}RESOURCE_NOT_FOUND.*\n.*\n.*\n +seen {2}for 15 minutes/);
  assert.match(text, /Read +SUCCESS +broken +\d+/);
  assert.match(text, /SECOND_PHARMACIST_NEEDED.*\n.*\n.*\n +active {2}\d+ drugs, \d+ rules, each with its source; sample: not for clinical use/);
  assert.match(text, /REFUSED {2}amoxicillin 500 mg.*\n +HARD {2}.*penicillin/);
  assert.match(text, /REFUSED {2}paracetamol 10000 mg.*\n +HARD {2}.*4000 mg/);
  assert.match(text, /ORDERED {2}paracetamol 1000 mg every 8 hours/);
  assert.match(text, /PATIENT +FAIL +ppid of another patient(.*\n){5} +REFUSED {2}the wrong patient/);
  assert.match(text, /PATIENT +PASS +ppid face.*bed-7\n(.*\n){4} +GIVEN {2}once/);
  assert.match(text, /GIVEN {2}once.*\n.*\n +ALREADY_EXISTS {2}SLOT_TAKEN/);
  assert.match(text, /FAILED_PRECONDITION {2}NO_CONSENT.*\n +[0-9a-f]{16}\.\. +\S+ +0 +0\n/s);
  for (const act of ['Enrol', 'Verify', 'SpendToken', 'Identify', 'SetUsePolicy', 'SetIdentifiers', 'VerifyWristband', 'WithdrawConsent', 'GetSubject', 'ActivateRuleSet', 'Place', 'Administer', 'Infer', 'Confirm']) {
    assert.match(text, new RegExp(`^ +\\d+ +\\d\\d:\\d\\d:\\d\\d +local:\\S+ +${act} `, 'm'), `no ${act} in the log`);
  }
  assert.match(text, /ABSTAINED {2}\S*FAR: this is nothing like/);
  assert.match(text, /Pneumonia +\d\.\d\d +\d\.\d\d +(not )?present +chest 1 +[0-9a-f]{16}\.\. +cpu/);
  assert.match(text, /FINAL {2}version 2, by \S+: Pneumonia: .* confirmed by a clinician/);
  assert.match(text, /verified {2}the act is in the log(.*\n){3}.*verified {2}the act is in the log/);
  assert.match(text, /ROOT {2}.*\n.*found {2}/s);
  assert.match(text, /Done\./);
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
  assert.match(text, /1 of 4 decisions are not what the photographs' folders say/);
});

test('a_folder_with_one_person_is_refused_in_words', async () => {
  const dir = folder('photos');
  fs.mkdirSync(path.join(dir, 'one'));
  fs.copyFileSync(photo('christian'), path.join(dir, 'one', 'a.jpg'));
  const r = await demo({ PHOTOS: dir });
  assert.strictEqual(r.status, 1);
  assert.match(r.lines.join('\n'), /two folders, one a person/);
});

test('real_pairs_are_told_apart_where_they_are_at_hand', async (t) => {
  if (!fs.existsSync(path.join(data, 'face_lfw/pairs.tsv'))) return t.skip('no data (face_lfw)');
  const { decisions } = journey(await demo({ WARD_DATA: data }));
  assert.strictEqual(decisions.length, 8);
  for (const d of decisions) assert.strictEqual(d.endsWith(' MATCH'), /a second capture|another day/.test(d), d);
});
