'use strict';
// A Prometheus of a test's own: scrapes the services of a `wardctl up` four times a second, with the labels that the chart's monitors set, and
// evaluates the chart's rules.

const fs = require('node:fs');
const path = require('node:path');
const { Proc, must } = require('./proc');
const { folder, root } = require('./paths');

class Prometheus {
  // up: the folder of a `wardctl up`, which may not be there yet. wait: the time that alerts must hold, instead of the rules' own.
  // alertmanager: its address. history: lines of OpenMetrics that were scraped earlier.
  static async start(up, { wait, alertmanager, history } = {}) {
    const p = new Prometheus();
    p.dir = folder('prometheus');
    const rules = fs.readFileSync(path.join(root, 'deploy/k8s/ward/files/rules.yaml'), 'utf8');
    fs.writeFileSync(path.join(p.dir, 'rules.yaml'), wait === undefined ? rules : rules.replaceAll(/^( +for: ).*$/gm, `$1${wait}`));
    if (history) await p.remember(history);
    p.targets = path.join(p.dir, 'targets.json');
    fs.writeFileSync(p.targets, '[]');
    fs.writeFileSync(path.join(p.dir, 'prometheus.yml'), JSON.stringify({
      global: { scrape_interval: '250ms', evaluation_interval: '1s' },
      rule_files: [path.join(p.dir, 'rules.yaml')],
      ...(alertmanager && { alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] } }),
      scrape_configs: [{ job_name: 'ward', file_sd_configs: [{ files: [p.targets], refresh_interval: '1s' }] }],
    }));
    p.proc = new Proc('prometheus', ['prometheus', `--config.file=${p.dir}/prometheus.yml`, `--storage.tsdb.path=${p.dir}/data`, '--web.listen-address=127.0.0.1:0'],
      { env: { PATH: process.env.PATH } });
    const line = await p.proc.line(/msg="Listening on" address=/);
    p.address = /address=(\S+)/.exec(line)[1];
    await p.proc.line(/ready to receive/);
    p.timer = setInterval(() => p.find(path.join(up, 'ports')), 200);
    return p;
  }

  async remember(history) {
    const file = path.join(this.dir, 'history');
    fs.writeFileSync(file, `${history.join('\n')}\n# EOF\n`);
    await must(['promtool', 'tsdb', 'create-blocks-from', 'openmetrics', file, path.join(this.dir, 'data')], { env: { PATH: process.env.PATH } });
  }

  // "audit 7401 7402": gRPC and admin port of each service.
  find(ports) {
    if (!fs.existsSync(ports)) return;
    const rows = fs.readFileSync(ports, 'utf8').trim().split('\n').map((l) => l.split(' '));
    const text = JSON.stringify(rows.map(([service, , admin]) => ({ targets: [`127.0.0.1:${admin}`], labels: { namespace: 'h', service, pod: `${service}-0` } })));
    if (fs.readFileSync(this.targets, 'utf8') !== text) fs.writeFileSync(this.targets, text);
  }

  // The series of an expression at a time (seconds): [{ metric, value }].
  async ask(expr, time) {
    const r = await fetch(`http://${this.address}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expr, ...(time && { time }) }) });
    const { status, error, data } = await r.json();
    if (status !== 'success') throw new Error(`${expr}: ${error}`);
    return data.result;
  }

  // Its series over a time {from, to} (seconds): [{ metric, values: [[seconds, value]] }], without what is no number.
  async range(expr, { from, to }, step) {
    const r = await fetch(`http://${this.address}/api/v1/query_range`, { method: 'POST', body: new URLSearchParams({ query: expr, start: from, end: to, step }) });
    const { status, error, data } = await r.json();
    if (status !== 'success') throw new Error(`${expr}: ${error}`);
    return data.result.map((s) => ({ ...s, values: s.values.map(([t, v]) => [t, Number(v)]).filter(([, v]) => Number.isFinite(v)) }));
  }

  async stop() {
    clearInterval(this.timer);
    await this.proc.kill();
  }
}

module.exports = { Prometheus };
