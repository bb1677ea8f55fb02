'use strict';
// Anti-passback, on two replicas: who is in does not come in again, and what a lost answer does not cost.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { skip, nobody } = require('./site');
const { Doors, meeting } = require('./door');

let site, officer;
before(async () => {
  if (skip) return;
  site = await Doors.start();
  officer = site.tokens['security-officer'];
});
after(() => site && site.stop());

const enter = (door, more, client = site.controller) => client.call('RequestEntry', { door, ...more });
const byBadge = async (person, door, more = {}, client = site.controller) => enter(door, { token: await site.badge(person, door), ...more }, client);

describe('anti-passback', { skip }, () => {
  test('who is in does not come in again, who is out does not leave, whichever replica is asked', async () => {
    await site.room('apb', 'apb', { anti_passback: true });
    const p = await site.person(['apb']);
    const go = async (direction, client) => (await byBadge(p, 'apb', { direction }, client)).reason;
    assert.equal(await go('DIRECTION_IN', site.access), 'ALLOWED');
    assert.equal(await go('DIRECTION_IN', site.other), 'PASSBACK');
    assert.equal(await go('DIRECTION_OUT', site.other), 'ALLOWED');
    assert.equal(await go('DIRECTION_OUT', site.access), 'PASSBACK');
    assert.equal(await go('DIRECTION_UNSPECIFIED', site.access), 'ALLOWED'); // is IN
    assert.equal(await go('DIRECTION_IN', site.other), 'PASSBACK');
    // Forgotten after passback_minutes.
    await site.sql(`UPDATE presence SET since_us = since_us - 720 * 60000000 WHERE subject_id = ${site.hex(p.id)} AND zone = 'apb'`);
    assert.equal(await go('DIRECTION_IN', site.other), 'ALLOWED');
  });

  test('a badge passed back while both stand there lets one in', async () => {
    const p = await site.person(['apb']);
    const tokens = [];
    for (let i = 0; i < 8; i++) tokens.push(await site.badge(p, 'apb'));
    const answers = await meeting(site, p.id, 4, () => Promise.all(tokens.map((token, i) => enter('apb', { token }, i % 2 ? site.other : site.access))));
    assert.deepEqual(answers.map((a) => a.reason).sort(), ['ALLOWED', ...Array(7).fill('PASSBACK')]);
  });

  describe('when the answer was lost', () => {
    let anna;
    const byFace = async (direction, client) => (await enter('again', { photograph: site.anna, direction }, client)).reason;
    const age = (id, us) => site.sql(`UPDATE presence SET since_us = since_us - ${us} WHERE subject_id = ${site.hex(id)}`);
    before(async () => {
      if (skip) return;
      await site.room('again', 'again', { anti_passback: true });
      await site.door('again-side', 'again');
      anna = await site.staffFace(site.anna, ['again']);
      await site.followed();
    });
    after(async () => { if (!skip) await site.wardctl.call('EraseSubject', { subject_id: anna }, site.tokens['privacy-officer']); });

    test('the same face is allowed again for 15 s, by either replica, counted from the first time', async () => {
      for (const direction of ['DIRECTION_IN', 'DIRECTION_OUT']) {
        assert.equal(await byFace(direction, site.access), 'ALLOWED');
        assert.equal(await byFace(direction, site.other), 'ALLOWED');
        assert.equal((await site.lastEvent()).detail.again, 'yes');
        await age(anna, 15e6);
        assert.equal(await byFace(direction, site.other), 'PASSBACK');
      }
      await age(anna, 720 * 60e6);
    });

    test('not at another door, and not when they went through another since', async () => {
      assert.equal(await byFace('DIRECTION_IN', site.access), 'ALLOWED');
      assert.equal((await enter('again-side', { photograph: site.anna }, site.other)).reason, 'PASSBACK');
      assert.equal((await enter('again-side', { photograph: site.anna, direction: 'DIRECTION_OUT' }, site.other)).reason, 'ALLOWED');
      assert.equal(await byFace('DIRECTION_OUT', site.access), 'PASSBACK');
    });

    test('the same token is, to the other replica too; another of the same badge is not', async () => {
      const p = await site.person(['again']);
      const token = await site.badge(p, 'again');
      assert.equal((await enter('again', { token }, site.access)).reason, 'ALLOWED');
      assert.equal((await enter('again', { token }, site.other)).reason, 'ALLOWED');
      assert.equal((await byBadge(p, 'again', {}, site.other)).reason, 'PASSBACK');
    });
  });

  test('who is locked out is let in when a security officer forgets where they were seen', async () => {
    await site.room('apb-2', 'apb', { anti_passback: true });
    const p = await site.person(['apb']);
    const forget = (zone, more) => site.access.call('ForgetPresence', { subject_id: p.id, zone, ...more }, officer);
    const both = async () => [(await byBadge(p, 'apb')).reason, (await byBadge(p, 'apb-2', {}, site.other)).reason];
    assert.deepEqual(await both(), ['ALLOWED', 'ALLOWED']);
    assert.deepEqual(await both(), ['PASSBACK', 'PASSBACK']);
    assert.equal((await forget('apb')).forgotten, 1);
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.actor, e.patient, e.detail], ['/ward.identity.v1.Access/ForgetPresence', 'security-officer-1', p.id, { zone: 'apb', forgotten: '1' }]);
    assert.deepEqual(await both(), ['ALLOWED', 'PASSBACK']);
    assert.equal((await forget('')).forgotten, 2);
    assert.equal((await forget('')).forgotten, 0);
    assert.deepEqual(await both(), ['ALLOWED', 'ALLOWED']);
    const failure = (req) => site.access.failure('ForgetPresence', { subject_id: p.id, ...req }, officer);
    assert.equal((await failure({ subject_id: 'x' })).field, 'subject_id');
    assert.equal((await failure({ zone: 'A B' })).field, 'zone');
    assert.equal((await failure({ zone: 'nowhere' })).reason, 'ZONE_NOT_FOUND');
    assert.equal((await failure({ subject_id: nobody })).reason, 'SUBJECT_NOT_FOUND');
  });

  test('a door between two zones leaves one as it enters the other', async () => {
    await site.zone('outer', { rules: [{ role: 'apb' }], anti_passback: true });
    await site.zone('inner', { rules: [{ role: 'apb' }], anti_passback: true });
    await site.door('gate', 'outer');
    await site.door('inner', 'inner', 'outer');
    const p = await site.person(['apb']);
    const go = async (door, direction) => (await byBadge(p, door, { direction })).reason;
    assert.equal(await go('gate', 'DIRECTION_IN'), 'ALLOWED');
    assert.equal(await go('inner', 'DIRECTION_IN'), 'ALLOWED'); // out of outer, into inner
    assert.equal(await go('gate', 'DIRECTION_OUT'), 'PASSBACK'); // not in outer any more
    assert.equal(await go('inner', 'DIRECTION_OUT'), 'ALLOWED');
    assert.equal(await go('gate', 'DIRECTION_OUT'), 'ALLOWED');
  });

  test('a deny is no passage', async () => {
    const p = await site.person([]);
    assert.equal((await byBadge(p, 'apb')).reason, 'NO_ROLE');
    assert.equal(await site.rows('presence', p.id), 0);
  });

  test('is counted as what it is', async () => {
    const { text } = await site.ward.services.identity.admin('/metrics');
    assert.match(text, /ward_identity_door_decisions_total\{decision="DENY",reason="PASSBACK"\} [1-9]/);
  });
});
