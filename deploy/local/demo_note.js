'use strict';
// The step of the demo that reads a clinical note.

const fs = require('node:fs');
const path = require('node:path');

const NOTE = '患者无发热，咳嗽3天。既往高血压病史。父亲患糖尿病。血压150/90mmHg。';
const ENGLISH = 'No fever; cough for 3 days. History of hypertension. The father has diabetes. Blood pressure 150/90 mmHg.';

async function note({ title, act, table, tell, say, dim, scratch }) {
  title(9, 'A clinical note: findings with what the note says about them');
  const file = path.join(scratch, 'note.txt');
  fs.writeFileSync(file, NOTE);
  say(NOTE);
  say(dim(ENGLISH));
  const { findings } = await act(['records', 'extract', '--file', file], ['records', 'extract', '--file', 'note.txt']);
  const words = (s) => [...NOTE].slice(s.start ?? 0, s.end).join('');
  table(['kind', 'code', 'assertion', 'time', 'person', 'found by', 'in the note'], findings.map((f) => [f.kind, f.code ?? '', f.assertion, f.temporality, f.experiencer, f.maker.name, words(f.span)]));
  tell('A finding names the program or the model that found it. The service does not store the note, and no program acts on a finding.');
}

module.exports = { note };
