'use strict';
// Every rule set that differs from this one by one constant or one part of a rule: { what, name (the list), i, value }. Amounts a
// hundredth more and less, whole numbers by one, bounds of weight and clearance by a tenth, parts left out, ingredients out of their
// classes. What a set must not be is refused by the service and
// is no mutant that could decide wrongly; the test counts those apart.

const clone = (v) => JSON.parse(JSON.stringify(v));

// A hundredth of a decimal's text, either way, exact.
function hundredth(text, up) {
  const [whole, part = ''] = text.split('.');
  const n = BigInt(whole + part) * (up ? 101n : 99n);
  const scale = part.length + 2;
  const digits = n.toString().padStart(scale + 1, '0');
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const WHOLE = new Set([
  'age_from_days', 'age_to_days', 'cumulative_days', 'min_interval_minutes', 'max_doses_per_day', 'max_duration_days', 'within_hours', 'most', 'max_age_hours', 'min_infusion_minutes',
]);
// Of bounds a tenth of a kg or mL/min: what clearance is rounded to.
const BOUND = new Set(['weight_from_kg', 'weight_to_kg', 'renal_from', 'renal_to']);
// Decimals without a unit: factors, and the range of a slip.
const FACTORS = new Set(['factor', 'warn_factor', 'low_factor', 'low', 'high']);
const tenth = (text, up) => (Number(text) + (up ? 0.1 : -0.1)).toFixed(1);

// Each number of a rule: [path, the changed rule].
function* numbers(rule, at = [], whole = rule) {
  for (const [key, v] of Object.entries(rule)) {
    const path = [...at, key];
    const changed = (to) => {
      const copy = clone(whole);
      path.slice(0, -1).reduce((o, k) => o[k], copy)[key] = to;
      return copy;
    };
    if (key === 'rule') continue;
    if (WHOLE.has(key) && v) {
      yield [`${path.join('.')} ${v + 1}`, changed(v + 1)];
      yield [`${path.join('.')} ${v - 1}`, changed(v - 1)];
    } else if (BOUND.has(key) && v) {
      for (const up of [true, false]) yield [`${path.join('.')} ${tenth(v, up)}`, changed(tenth(v, up))];
    } else if (FACTORS.has(key) && v && typeof v === 'string') {
      for (const up of [true, false]) yield [`${path.join('.')} ${hundredth(v, up)}`, changed(hundredth(v, up))];
    } else if (v && typeof v === 'object' && 'unit' in v) {
      for (const up of [true, false]) yield [`${path.join('.')} ${hundredth(v.value, up)}`, changed({ ...v, value: hundredth(v.value, up) })];
    } else if (v && typeof v === 'object' && !Array.isArray(v)) {
      yield* numbers(v, path, whole);
    }
  }
}

// Each entry of the lists that say what a rule is about, left out.
function* parts(rule) {
  for (const key of ['codes', 'names', 'forbids']) {
    const list = rule[key] ?? [];
    for (let i = 0; i < list.length; i++) yield [`${key}[${i}] out`, { ...rule, [key]: list.filter((_, k) => k !== i) }, key === 'names' ? list[i] : undefined];
  }
  if (rule.codes || rule.names) if (rule.allergy) yield ['allergy out', { ...rule, allergy: undefined }];
}

const selectors = (rule) => [rule.a, rule.b, rule.allergy, ...(rule.forbids ?? []), rule.class && { class: rule.class }].filter(Boolean);

// Each ingredient out of each class that a rule speaks of: whichever of those rules may notice.
// One whose drugs all hold another ingredient of that class (lopinavir, which comes with ritonavir) is not missed there.
function* classes(set) {
  const held = (id, name) => set.drugs.filter((d) => d.ingredients.includes(id))
    .every((d) => d.ingredients.some((x) => x !== id && set.ingredients.find((i) => i.id === x).classes?.includes(name)));
  const rules = [...set.interactions, ...set.duplicates, ...set.allergies];
  for (const [i, ingredient] of set.ingredients.entries()) {
    for (const name of ingredient.classes ?? []) {
      const of = rules.filter((r) => selectors(r).some((s) => s.class === name)).map((r) => r.rule.id);
      if (of.length === 0 || held(ingredient.id, name)) continue;
      const value = { ...ingredient, classes: ingredient.classes.filter((c) => c !== name) };
      yield { ids: of, what: `${ingredient.id} out of ${name}`, name: 'ingredients', i, value };
    }
  }
}

function* mutants(set) {
  yield* classes(set);
  for (const name of ['dose_rules', 'interactions', 'duplicates', 'allergies', 'fresh', 'slips', 'usual_doses']) {
    for (const [i, rule] of set[name].entries()) {
      const { id } = rule.rule;
      const ids = [id];
      yield { ids, what: `${id} out`, name, i, value: undefined };
      for (const [what, value] of numbers(rule)) yield { ids, what: `${id} ${what}`, name, i, value };
      for (const [what, value, spelling] of parts(rule)) yield { ids, what: `${id} ${what}`, name, i, value, spelling };
    }
  }
}

module.exports = { mutants, hundredth };
