'use strict';
// What the tests of identity share: a Ward with the service alone (audit is not running, so that its
// events stay in the outbox to be looked at), people with roles, the demo's portraits. The small ones
// are scaled up, because it is the service that is tested here and not the camera.

const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');
const { Ward } = require('../../lib/ward');
const { sharedWard } = require('../../lib/shared');
const { until } = require('../../lib/until');
const { root, models } = require('../../lib/paths');
const pictures = require('../../lib/pictures');

const have = pictures.photo('user7') && fs.existsSync(path.join(models, 'faceplugin/fr_feature.onnx'));
const skip = have ? false : 'no models or portraits (tools/fetch-models)';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const nobody = '01890000-0000-7000-8000-000000000000';
const consent = { purpose: 'patient-identification', text_version: '2026-03-en', given_by: 'self' };
const to = (purpose) => ({ ...consent, purpose });
const ROLES = ['registrar', 'nurse', 'physician', 'privacy-officer', 'identity-admin', 'security-officer', 'auditor', 'porter'];

let keys = 0; // of all sites of this process: they may share a Ward, and callers

class Site {
  // options: Ward.start's.
  static async start(options = {}) {
    return Site.on(await Ward.start({ services: ['identity'], ...options }));
  }

  // On two replicas that other files use before and after: see tests/lib/shared.js.
  static async shared() {
    return Site.on(await sharedWard(['identity', 'identity2']));
  }

  static on(ward) {
    const site = new Site();
    const proto = new protobuf.Root();
    proto.resolvePath = (_, file) => path.resolve(root, 'proto', file);
    site.eventType = proto.loadSync('ward/audit/v1/event.proto', { keepCase: true }).lookupType('ward.audit.v1.Event');
    site.ward = ward;
    site.wardctl = site.ward.client('identity');
    site.devices = site.ward.client('identity', { as: 'devices' });
    site.admin = site.ward.client('identity', { api: 'admin' });
    site.gallery = site.ward.client('identity', { api: 'gallery' });
    site.tokens = Object.fromEntries(ROLES.map((role) => [role, { token: site.ward.token({ roles: [role], sub: `${role}-1` }) }]));
    const first = pictures.portrait('user7');
    site.anna = pictures.jpeg('user7');
    site.annaAgain = pictures.png(pictures.recapture(first, { turn: 0.1, bright: 1.2, move: 6 }));
    site.bert = pictures.png(pictures.recapture(pictures.portrait('user5'), { scale: 2 }));
    return site;
  }

  stop() { return this.ward.stop(); }

  key() { return `key-${keys++}`; }
  enrolment(photograph, more = {}) {
    return { idempotency_key: this.key(), kind: 'SUBJECT_KIND_PATIENT', birth_year: 1980, photograph, consent, ...more };
  }

  enrol(photograph, more) { return this.wardctl.call('Enrol', this.enrolment(photograph, more), this.tokens.registrar); }
  verification(subject_id, photograph, more = {}) {
    return { subject_id, photograph, place: 'ward-3/bed-2', purpose: 'administration', attended: true, ...more };
  }

  verify(id, photograph, more) { return this.wardctl.call('Verify', this.verification(id, photograph, more), this.tokens.nurse); }
  get(subject_id) { return this.wardctl.call('GetSubject', { subject_id }, this.tokens.nurse); }

  sql(statement) { return this.ward.db.sql(statement, 'identity'); }
  hex(uuid) { return `X'${uuid.replaceAll('-', '')}'`; }
  async rows(table, id) {
    return Number((await this.sql(`SELECT COUNT(*) FROM ${table} WHERE subject_id = ${this.hex(id)}`))[0][0]);
  }

  // The exact score of the last act: callers are told steps of it.
  async exact() { return Number((await this.lastEvent()).detail.score); }

  // Every event waiting for audit, newest last.
  async outbox() { return this.events('ORDER BY id'); }
  async lastEvent() { return (await this.events('ORDER BY id DESC LIMIT 1'))[0]; }

  async events(order) {
    const rows = await this.sql(`SELECT HEX(event) FROM ward_outbox ${order}`);
    return rows.map(([hex]) => this.eventType.toObject(this.eventType.decode(Buffer.from(hex, 'hex')), { enums: String, defaults: true }));
  }
}

module.exports = { Site, until, have, skip, UUID, nobody, consent, to, ROLES };
