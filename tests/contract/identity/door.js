'use strict';
// What the tests of doors and attendance share: a Site of two replicas, staff with roles, tokens of
// the equal way, and faces among staff.

const { Site, until, to } = require('./site');

const ZONE = 'Asia/Kolkata'; // +05:30 all year: a day and a half hour that UTC's are not
const DAYS = [1, 2, 3, 4, 5, 6, 7];

class Doors extends Site {
  static async start(options = {}) {
    const site = Object.setPrototypeOf(await Site.start({
      services: ['identity', 'identity2'], ...options,
      env: Object.fromEntries(['identity', 'identity2'].map((s) => [s, { WARD_TIME_ZONE: ZONE, ...options.env }])),
    }), Doors.prototype);
    site.access = site.ward.client('identity', { api: 'access' });
    site.other = site.ward.client('identity2', { api: 'access' });
    site.controller = site.ward.client('identity', { api: 'access', as: 'devices' });
    for (const role of ['attendance-officer']) site.tokens[role] = { token: site.ward.token({ roles: [role], sub: `${role}-1` }) };
    return site;
  }

  // Someone without a face, with a wristband of their own, and with roles.
  async person(roles = [], kind = 'SUBJECT_KIND_STAFF', more = {}) {
    const { subject_id } = await this.wardctl.call('RegisterSubject', { idempotency_key: this.key(), kind, ...more }, this.tokens.registrar);
    const wristband = `BADGE-${this.key()}`;
    await this.wardctl.call('SetIdentifiers', { subject_id, wristband, second: [{ type: 'pin', value: '4711' }] }, this.tokens.registrar);
    if (kind === 'SUBJECT_KIND_STAFF') await this.roles(subject_id, roles);
    return { id: subject_id, wristband };
  }

  roles(subject_id, roles) { return this.access.call('SetStaffRoles', { subject_id, roles }, this.tokens['security-officer']); }

  // A token by badge and PIN for this place and purpose.
  async badge(person, place, purpose = 'door') {
    const a = await this.wardctl.call('VerifyWristband', {
      subject_id: person.id, wristband: person.wristband, second: { type: 'pin', value: '4711' }, place, purpose,
    }, this.tokens.nurse);
    return a.token;
  }

  async staffFace(photograph, roles, more = {}) {
    const { subject_id } = await this.enrol(photograph, { kind: 'SUBJECT_KIND_STAFF', consent: to('staff-access'), ...more });
    await this.roles(subject_id, roles);
    return subject_id;
  }

  // Both replicas have seen every change of the galleries so far.
  async followed() {
    const [[seq]] = await this.sql('SELECT seq FROM gallery_head');
    for (const service of ['identity', 'identity2']) {
      const admin = this.ward.client(service, { api: 'admin' });
      await until('followed', async () => {
        const s = await admin.call('GetStatus', {}, this.tokens.auditor);
        return s.gallery_ready && Number(s.gallery_seq) >= Number(seq);
      });
    }
  }

  zone(zone, more = {}) {
    return this.access.call('PutZone', { zone: { zone, liveness: 'LIVENESS_POLICY_NONE', rules: [], ...more } }, this.tokens['security-officer']);
  }

  door(door, to_zone, from_zone = '') {
    return this.access.call('PutDoor', { door: { door, from_zone, to_zone } }, this.tokens['security-officer']);
  }

  // A zone that `role` may come into by a door of the same name.
  async room(name, role, more = {}) {
    await this.zone(name, { rules: [{ role, hours: [] }], ...more });
    await this.door(name, name);
  }
}

// Calls that meet at one subject: its row is held by someone else until `waiting` of them wait for it,
// so that it is their order that is tested and not their luck. ask() sends them all.
async function meeting(site, id, waiting, ask) {
  const nap = `SELECT SLEEP(60) AS nap_${id.replaceAll('-', '')}`;
  const find = `SELECT id FROM information_schema.processlist WHERE info LIKE '${nap}%'`;
  const holder = site.sql(`BEGIN; SELECT 1 FROM subject WHERE subject_id = ${site.hex(id)} FOR UPDATE; ${nap}; COMMIT;`).catch(() => {}); // its nap is cut short
  const [[connection]] = await until('held', async () => { const rows = await site.sql(find); return rows.length > 0 && rows; });
  const answers = ask();
  try {
    await until('met', async () => {
      await new Promise((resolve) => setTimeout(resolve, 150)); // asked more often, MariaDB says what it said before
      const [[n]] = await site.sql("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'");
      return Number(n) >= waiting;
    }, { seconds: 20 }); // who waited for longer than InnoDB lets them asks again
  } finally {
    await site.sql(`KILL QUERY ${connection}`);
    await Promise.allSettled([holder, answers]);
  }
  return answers;
}

// The wall clock of ZONE: {weekday, minute}.
function wall(at = new Date()) {
  const local = new Date(at.getTime() + 330 * 60000);
  return { weekday: local.getUTCDay() || 7, minute: local.getUTCHours() * 60 + local.getUTCMinutes() };
}

module.exports = { Doors, ZONE, DAYS, meeting, wall };
