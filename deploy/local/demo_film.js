'use strict';
// The film's step of the demo.

const fs = require('node:fs');
const path = require('node:path');
const { drawn } = require('../../tests/lib/films');

// No patient's film is in this repository: this one is drawn by a formula, with two lungs.
// person: { subject, photo }. The rest is the demo's own: what prints, what runs wardctl. Resolves to the event of the confirmation.
async function film({ subject, photo }, { title, act, near, table, tell, say, yellow, green, scratch }) {
  title(10, 'A film: a model looks, says when it should not, and a clinician decides');
  const file = path.join(scratch, 'film.png'), map = path.join(scratch, 'heat-map.png');
  fs.writeFileSync(file, drawn(11, 8));
  const infer = (what, ...more) => ['diagnosis', 'infer', '--ward', 'ward-3', ...more, subject, 'chest', what];
  const foreign = await act(infer(photo), ['diagnosis', 'infer', '--ward', 'ward-3', 'SUBJECT', 'chest', near(photo)]);
  if (foreign.findings?.length) throw new Error('a portrait was read as a film');
  tell(`${yellow('ABSTAINED')}  ${foreign.abstention.reason}: ${foreign.abstention.text}`);
  const seen = await act(infer(file, '--heat-map', 'true'), ['diagnosis', 'infer', '--ward', 'ward-3', '--heat-map', 'true', 'SUBJECT', 'chest', 'film.png']);
  const [f] = seen.findings;
  fs.writeFileSync(map, Buffer.from(seen.heat_map, 'base64'));
  table(['finding', 'probability', 'threshold', 'says', 'model', 'weights (SHA-256)', 'ran on'],
    [[f.code.display, f.probability.toFixed(2), f.threshold.toFixed(2), f.present ? 'present' : 'not present', `${seen.trace.model} ${seen.trace.version}`, `${seen.trace.weights_sha256.slice(0, 16)}..`, seen.trace.plugin]]);
  tell(`The film is drawn by a formula and no patient's. Where the model looked is in ${process.env.KEEP ? map : 'heat-map.png (KEEP=1 keeps it)'}, ${fs.statSync(map).size} bytes. In the chart stands a preliminary report.`);
  const words = (report) => ['diagnosis', 'confirm', '--ward', 'ward-3', report, '1'];
  const done = await act(words(seen.report_id), words('REPORT'));
  const read = await act(['records', 'read', '--ward', 'ward-3', 'DiagnosticReport', seen.report_id], ['records', 'read', '--ward', 'ward-3', 'DiagnosticReport', 'REPORT']);
  const report = read.record.resource.diagnostic_report;
  say(`${green(report.status)}  version ${done.report_version}, by ${report.results_interpreter[0].reference.split('/').pop()}: ${report.conclusion}`);
  return done.event_id;
}

module.exports = { film };
