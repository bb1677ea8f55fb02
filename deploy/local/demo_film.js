'use strict';
// The step of the demo that reads an X-ray film.

const fs = require('node:fs');
const path = require('node:path');
const { drawn } = require('../../tests/lib/films');

// The repository contains no patient's film. A formula draws this film, with two lungs.
// The first argument is a person. The second has the demo's functions for printing and for wardctl. Returns the event id of the confirmation.
async function film({ subject, photo }, { title, act, refused, person, near, table, tell, say, yellow, green, scratch }) {
  title(11, 'A film: a model reads it or abstains, and a clinician decides');
  const file = path.join(scratch, 'film.png'), map = path.join(scratch, 'heat-map.png');
  fs.writeFileSync(file, drawn(11, 8));
  const infer = (what, ...more) => ['diagnosis', 'infer', '--ward', 'ward-3', ...more, subject, 'chest', what];
  const nurse = await person('nurse-1', 'nurse');
  const no = await refused(['--token', nurse, 'diagnosis', 'infer', subject, 'chest', file], ['--token', 'NURSE', 'diagnosis', 'infer', 'SUBJECT', 'chest', 'film.png']);
  say(`${yellow(no.code)}  ${no.reason}: ${no.message}`);
  const foreign = await act(infer(photo), ['diagnosis', 'infer', '--ward', 'ward-3', 'SUBJECT', 'chest', near(photo)]);
  if (foreign.findings?.length) throw new Error('a portrait was read as a film');
  tell(`${yellow('ABSTAINED')}  ${foreign.abstention.reason}: ${foreign.abstention.text}`);
  const seen = await act(infer(file, '--heat-map', 'true'), ['diagnosis', 'infer', '--ward', 'ward-3', '--heat-map', 'true', 'SUBJECT', 'chest', 'film.png']);
  const [f] = seen.findings;
  fs.writeFileSync(map, Buffer.from(seen.heat_map, 'base64'));
  table(['finding', 'probability', 'threshold', 'result', 'model', 'weights (SHA-256)', 'back end'],
    [[f.code.display, f.probability.toFixed(2), f.threshold.toFixed(2), f.present ? 'present' : 'not present', `${seen.trace.model} ${seen.trace.version}`, `${seen.trace.weights_sha256.slice(0, 16)}..`, seen.trace.plugin]]);
  tell(`A formula drew the film; it shows no patient. ${process.env.KEEP ? map : 'heat-map.png (KEEP=1 keeps it)'}, ${fs.statSync(map).size} bytes, shows the areas that the model used. The chart now has a preliminary report.`);
  const words = (report) => ['diagnosis', 'confirm', '--ward', 'ward-3', report, '1'];
  const done = await act(words(seen.report_id), words('REPORT'));
  const read = await act(['records', 'read', '--ward', 'ward-3', 'DiagnosticReport', seen.report_id], ['records', 'read', '--ward', 'ward-3', 'DiagnosticReport', 'REPORT']);
  const report = read.record.resource.diagnostic_report;
  say(`${green(report.status)}  version ${done.report_version}, by ${report.results_interpreter[0].reference.split('/').pop()}: ${report.conclusion}`);
  return done.event_id;
}

module.exports = { film };
