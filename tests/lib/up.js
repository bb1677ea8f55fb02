'use strict';
// `wardctl up` as a test's child, in a folder of the test's own; wardctl's other commands on it; and
// clients of its services, as the peer "wardctl".

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Proc, run } = require('./proc');
const { copyTemplate } = require('./mariadb');
const { Client } = require('./client');
const { Sql } = require('./sql');
const { API } = require('./ward');
const { bin, folder, root, packs } = require('./paths');

// The text extraction's model takes memory and a moment at every start: without it unless `model`.
const env = (home, model) => ({
  PATH: process.env.PATH, HOME: home, WARD_MODELS: process.env.WARD_MODELS || path.join(root, 'build/models'),
  WARD_PACKS: packs, ...(model ? {} : { WARD_TEXT_MODEL: '' }),
});

class Up {
  // installs: `wardctl up` makes its database itself, as it does for who starts it first; else it finds one with the services' schemas.
  // model: the text extraction runs its model, as it does for whoever starts `wardctl up`.
  // joins: it starts nothing, for others run the services that the folder names.
  constructor(dir = folder(), { installs = false, model = false, joins = false } = {}) {
    this.dir = dir;
    this.installs = installs;
    this.joins = joins;
    this.env = env(dir, model);
    this.database = new Sql(path.join(dir, 'run/mariadb.sock'), os.userInfo().username);
    this.clients = [];
  }

  // Resolves once everything is ready. spawn: further options, {uid, gid}.
  async start(spawn = {}) {
    if (this.joins) return this;
    const db = path.join(this.dir, 'db');
    if (!this.installs && !fs.existsSync(db)) await copyTemplate(db);
    this.proc = new Proc('wardctl up', [bin('wardctl'), '--json', '--data', this.dir, 'up'], { env: this.env, ...spawn });
    this.ready = JSON.parse(await this.proc.line(/"ready":true/));
    return this;
  }

  // wardctl with these words, to its end: {status, stdout, lines, json()}.
  async ctl(...words) {
    const r = await run([bin('wardctl'), '--json', '--data', this.dir, ...words], { env: this.env });
    return { ...r, json: () => JSON.parse(r.stdout || r.lines.join('\n')) };
  }

  // The answer of a command that must pass.
  async ask(...words) {
    const r = await this.ctl(...words);
    if (r.status !== 0) throw new Error(`wardctl ${words.join(' ')} ended with ${r.status}:\n${r.lines.join('\n')}`);
    return r.stdout === '' ? null : r.json();
  }

  // The same where a busy machine may not end in time: asked again, as somebody at the bedside would.
  async askAgain(...words) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.ask(...words);
      } catch (err) {
        if (tries === 5 || !err.message.includes('"DEADLINE_EXCEEDED"')) throw err;
      }
    }
  }

  // api: which of its gRPC services.
  client(name, { api = name } = {}) {
    const { address } = this.ready.services[name];
    const client = new Client({ ...API[api], target: address, tls: { dir: path.join(this.dir, 'pki'), name: 'wardctl' } });
    this.clients.push(client);
    return client;
  }

  async token(...roles) {
    return (await this.ask('token', 'issue', '--subject', 'journey', '--roles', roles.join(','), '--lifetime', '3600')).token;
  }

  // What a process is now: it may have been started again. 0 while it does not run.
  pid(name) {
    const wanted = name === 'mariadb' ? 'mariadbd' : name;
    const parent = String(this.proc.pid);
    for (const entry of fs.readdirSync('/proc').filter((e) => /^\d+$/.test(e))) {
      try {
        const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8');
        const [, comm, state, ppid] = /^\d+ \((.*)\) (\S) (\d+)/.exec(stat);
        if (ppid === parent && comm === wanted && state !== 'Z') return Number(entry);
      } catch { /* it ended meanwhile */ }
    }
    return 0;
  }

  // Rows of the private database as lines of text, asked with every right on it.
  sql(schema, statement) {
    return this.database.rows(statement, schema).then((rows) => rows.map((r) => r.join('\t')));
  }

  // Resolves once the database answers and every service says SERVING.
  async healthy({ seconds = 60 } = {}) {
    const until = Date.now() + seconds * 1000;
    let last;
    do {
      const db = await this.sql('mysql', 'SELECT 1').catch((err) => err);
      last = await this.ctl('health');
      if (last.status === 0 && Array.isArray(db)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } while (Date.now() < until);
    throw new Error(`not healthy after ${seconds} s: ${last.lines.join('\n')}`);
  }

  // A metric's value as its text has it; undefined when there is none.
  async metric(service, name) {
    const text = await (await fetch(`${this.ready.services[service].admin}/metrics`)).text();
    const line = text.split('\n').find((l) => l.startsWith(`${name} `) || l.startsWith(`${name}{`));
    return line && Number(line.split(' ').pop());
  }

  async stop(signal = 'SIGINT') {
    for (const client of this.clients) client.close();
    this.clients = [];
    if (!this.proc) return undefined;
    this.proc.hold(true);
    this.proc.signal(signal);
    return this.proc.exit;
  }
}

// Resolves once no process of these pids is left.
async function gone(pids, { seconds = 20 } = {}) {
  const until = Date.now() + seconds * 1000;
  const runs = (pid) => {
    try {
      return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (pids.some(runs)) {
    if (Date.now() > until) throw new Error(`still running: ${pids.filter(runs)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

module.exports = { Up, gone };
