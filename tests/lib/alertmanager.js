'use strict';
// An Alertmanager of a test's own, and the webhook that it notifies: what a person on call would receive.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { Proc } = require('./proc');
const { folder } = require('./paths');

class Alertmanager {
  static async start() {
    const a = new Alertmanager();
    const dir = folder('alertmanager');
    a.received = []; // alerts, as Alertmanager sent them, in order
    a.hook = http.createServer((request, response) => a.take(request, response));
    await new Promise((resolve) => { a.hook.listen(0, '127.0.0.1', resolve); });
    fs.writeFileSync(path.join(dir, 'alertmanager.yml'), JSON.stringify({
      route: { receiver: 'on-call', group_by: ['...'], group_wait: '0s', group_interval: '1s' },
      receivers: [{ name: 'on-call', webhook_configs: [{ url: `http://127.0.0.1:${a.hook.address().port}/`, send_resolved: true }] }],
    }));
    a.proc = new Proc('alertmanager', ['prometheus-alertmanager', `--config.file=${dir}/alertmanager.yml`, `--storage.path=${dir}/data`, '--cluster.listen-address=',
      '--web.listen-address=127.0.0.1:0'], { env: { PATH: process.env.PATH } });
    a.address = /address=(\S+)/.exec(await a.proc.line(/msg="?Listening on"? address=/))[1];
    return a;
  }

  take(request, response) {
    let text = '';
    request.setEncoding('utf8').on('data', (more) => { text += more; }).on('end', () => {
      this.received.push(...JSON.parse(text).alerts);
      response.end();
    });
  }

  // Those of this name and service that were received.
  of(alert, service) { return this.received.filter((a) => a.labels.alertname === alert && a.labels.service === service); }

  async stop() {
    await this.proc?.kill();
    this.hook.closeAllConnections();
    await new Promise((resolve) => { this.hook.close(resolve); });
  }
}

module.exports = { Alertmanager };
