'use strict';
// A hospital under whose work services are replaced: each worker registers a patient, charts, orders, verifies and gives, and begins
// again. Calls go to all replicas by round_robin and are repeated as docs/errors.md permits. What was acknowledged is kept.

const crypto = require('node:crypto');
const { Site, prescription } = require('../contract/dosage/site');
const { Client } = require('../lib/client');
const { API } = require('../lib/ward');
const { sleep } = require('../lib/chance');

const AGAIN = ['UNAVAILABLE', 'ABORTED', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'CANCELLED']; // docs/errors.md, Codes
const PATIENCE_MS = 60000; // a caller gives up then
const DEADLINE_MS = 15000;
const SPREAD = { 'grpc.service_config': '{"loadBalancingConfig":[{"round_robin":{}}]}', 'grpc.ssl_target_name_override': 'localhost' };
const SERVICE = { dosage: 'dosage', formulary: 'dosage', schedule: 'dosage', doses: 'dosage', records: 'records', identity: 'identity' };
// What a write made: its table and id.
const MADE = {
  RegisterSubject: (a) => ['identity.subject', 'subject_id', a.subject_id],
  Create: (a) => ['records.resource', 'resource_id', a.record.version.resource_id],
  Place: (a) => a.placed && ['dosage.drug_order', 'order_id', a.order.order_id],
  Administer: (a) => a.recorded && ['dosage.administration', 'administration_id', a.administration.administration_id],
};

class Hospital {
  // ports: service -> the ports of all its replicas, also of those that come later.
  constructor(ward, ports) {
    Object.assign(this, { ward, ports, acts: [], failed: [], repeated: 0, journeys: 0, clients: [], run: crypto.randomUUID(), going: false });
  }

  // The site calls through this instead of through the Ward.
  async open() {
    this.site = await Site.on({ dir: this.ward.dir, db: this.ward.db, services: this.ward.services, token: (claims) => this.ward.token(claims),
      client: (name, { api }) => this.client(api) });
    let keys = 0;
    this.site.key = () => `${this.run}-${keys++}`;
  }

  client(api) {
    const target = `ipv4:${this.ports[SERVICE[api]].map((p) => `127.0.0.1:${p}`).join(',')}`;
    const client = new Client({ ...API[api], target, tls: { dir: this.ward.pki, name: 'wardctl' }, channel: SPREAD });
    this.clients.push(client);
    return { call: (method, request, what) => this.call(client, method, request, what), stream: (...args) => client.stream(...args) };
  }

  async call(client, method, request, what) {
    const from = Date.now();
    for (let wait = 50; ; wait = Math.min(2 * wait, 1000)) {
      try {
        const answer = await client.call(method, request, { deadline: DEADLINE_MS, ...what });
        const made = MADE[method]?.(answer);
        if (made) this.acts.push({ table: made[0], column: made[1], id: made[2].replaceAll('-', '') });
        return answer;
      } catch (err) {
        if (this.quitting || !AGAIN.includes(err.code) || Date.now() - from > PATIENCE_MS) {
          this.failed.push(`${method}: ${err.message} ${err.reason || ''}`);
          throw err;
        }
        this.repeated++;
        await sleep(wait);
      }
    }
  }

  async journey() {
    const { site } = this;
    const patient = await site.patient();
    const { placed, order, open } = await site.place(patient, prescription('paracetamol', '1000 mg'));
    if (!placed) throw new Error(`not placed: ${open}`);
    const [slot] = await site.slots(patient, { order_id: order.order_id });
    const given = await site.give(patient, order, slot, { acknowledgements: [] });
    if (!given.recorded) throw new Error(`not recorded: ${JSON.stringify([given.open, given.rights])}`);
    this.journeys++;
  }

  start(workers) {
    this.going = true;
    this.ended = Promise.all(Array.from({ length: workers }, async () => {
      while (this.going) {
        await this.journey().catch(async (err) => {
          if (!err.code) this.failed.push(err.message);
          await sleep(1000);
        });
      }
    }));
  }

  // Resolves once each worker has ended its patient's journey.
  async stop() {
    this.going = false;
    await this.ended;
    for (const client of this.clients) client.close();
  }

  // Ends it whatever it does: of a test that failed.
  quit() {
    this.going = false;
    this.quitting = true;
    for (const client of this.clients) client.close();
  }

  // {lost, twice}: what was acknowledged and is not there, and tables with more rows than acknowledged acts.
  async missing() {
    const lost = [], twice = [];
    for (const table of new Set(this.acts.map((a) => a.table))) {
      const acts = this.acts.filter((a) => a.table === table);
      const rows = await this.ward.db.sql(`SELECT LOWER(HEX(${acts[0].column})) FROM ${table}`);
      const there = new Set(rows.map((r) => r[0]));
      lost.push(...acts.filter((a) => !there.has(a.id)).map((a) => `${table} ${a.id}`));
      const acknowledged = new Set(acts.map((a) => a.id)).size;
      if (there.size > acknowledged) twice.push(`${table}: ${there.size} rows of ${acknowledged} acts`);
    }
    return { lost, twice };
  }
}

module.exports = { Hospital };
