'use strict';
// Operator mutants of C source: one operator replaced by its opposite or neighbour, in code only (no comment, string, include or macro).

const RULES = [
  [/(?<=[\w)\]] )<=(?= )/g, '<'], [/(?<=[\w)\]] )>=(?= )/g, '>'], [/(?<=[\w)\]] )<(?= )/g, '<='], [/(?<=[\w)\]] )>(?= )/g, '>='],
  [/(?<= )==(?= )/g, '!='], [/(?<= )!=(?= )/g, '=='],
  [/(?<= )&&(?=$| )/g, '||'], [/(?<= )\|\|(?=$| )/g, '&&'],
  [/(?<=[\w)\]] )\+(?= )/g, '-'], [/(?<=[\w)\]] )-(?= )/g, '+'], [/(?<= )\+=(?= )/g, '-='], [/(?<= )-=(?= )/g, '+='],
  [/\bif \((?=[a-z])/g, 'if (!'], [/\bif \(!(?=[a-z])/g, 'if ('],
  [/(?<=[=( ])true\b/g, 'false'], [/(?<=[=( ])false\b/g, 'true'],
];

// The text with comments and literals blanked, character for character.
const blank = (text) => text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|^#[^\n]*(?:\\\n[^\n]*)*/gm, (m) => m.replace(/[^\n]/g, '_'));

// Every mutant of a file: { at, length, by, line }.
function mutants(text) {
  const code = blank(text);
  const found = [];
  for (const [pattern, by] of RULES)
    for (const m of code.matchAll(pattern)) found.push({ at: m.index, length: m[0].length, by, line: code.slice(0, m.index).split('\n').length });
  // `!x && y` negated at its first operand only would be another rule than the one named: such ifs are left out.
  return found.filter((f) => !(f.by === 'if (!' && /[&|]{2}|[<>=!]=|[<>]/.test(code.slice(f.at, code.indexOf('\n', f.at))))).sort((a, b) => a.at - b.at);
}

const apply = (text, m) => text.slice(0, m.at) + m.by + text.slice(m.at + m.length);

module.exports = { mutants, apply };
