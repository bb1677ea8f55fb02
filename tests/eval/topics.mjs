// topics.mjs - what a finding is about, in the words of the scenarios' `expect.topics`, read from the rule that made it.
//
//   dose, interval, duration, rate, concentration, calculation, weight, route, duplicate, allergy, age, renal, pregnancy, lactation,
//   opioid-naive, contraindicated, interaction:A+B, diagnosis:ICD10, lab:NAME, monitoring:NAME

// The LOINC codes of each value that scenarios name: what rules may use for the same quantity.
const LOINCS = {
  potassium: ['2823-3', '6298-4', '75940-7', '77142-8', '39789-3', '32713-0'], creatinine: ['2160-0', '14682-9', '38483-4'], sodium: ['2951-2', '2947-0'],
  magnesium: ['2601-3', '19123-9'], calcium: ['17861-6', '2000-8', '29265-6', '1995-0', '1994-3', '13959-2'], glucose: ['2345-7', '2339-0', '41653-7', '15074-8', '14749-6', '2340-8'],
  ALT: ['1742-6', '1743-4', '1744-2'], bilirubin: ['1975-2', '14631-6'], haemoglobin: ['718-7'], leukocytes: ['6690-2', '26464-8'], neutrophils: ['751-8', '26499-4', '753-4'],
  platelets: ['777-3', '26515-7', '778-1'], INR: ['6301-6', '34714-6', '38875-1', '46418-0'], aPTT: ['14979-9', '3173-2'], QTc: ['8636-3', '8634-8', '76635-2', '77308-5', '9325-3'],
  'heart-rate': ['8867-4', '8889-8', '8893-0'], digoxin: ['10535-3', '14698-5'], vancomycin: ['4092-3', '20578-1', '4090-7', '4089-9', '31012-8', '39092-2'],
  gentamicin: ['3665-7', '3663-2', '3664-0', '35668-3', '31091-2', '31092-0', '31093-8'], lithium: ['14334-7', '3719-2'], theophylline: ['4049-3', '14915-3'],
  phenytoin: ['3968-5', '14877-5', '3969-3', '32109-1'], 'creatine-kinase': ['2157-6'],
};
const OWN = {
  'ward.route': ['route'], 'ward.same-ingredient': ['duplicate'], 'ward.allergy': ['allergy'], 'ward.no-renal': ['monitoring:creatinine'],
  'ward.no-weight': ['monitoring:weight'],
};
const BY_NUMBER = [[/interval|since-last|doses-per-day|too-soon/, 'interval'], [/duration/, 'duration'], [/rate|minutes-of-infusion|infusion|over-minutes/, 'rate'], [/concentration/, 'concentration']];

const bounds = (band, what) => Object.keys(band ?? {}).some((k) => k.startsWith(what) && band[k] !== '' && band[k] !== 0);

function doseTopics(rule, finding) {
  const topics = bounds(rule.band, 'renal_') ? ['renal'] : [];
  if (rule.band?.naive_class) topics.push('opioid-naive');
  const b = rule.band ?? {};
  if (rule.contraindicated && finding.compared.every((c) => !/^(single|daily|dose)/.test(c.what))) {
    if (bounds(b, 'age_')) topics.push('age');
    if (b.routes?.length) topics.push('route');
    for (const i of b.indications ?? []) topics.push(`diagnosis:${i.code}`);
    return [...topics, 'contraindicated'];
  }
  for (const { what } of finding.compared) topics.push(BY_NUMBER.find(([re]) => re.test(what))?.[1] ?? 'dose');
  return finding.compared.length ? topics : [...topics, 'dose'];
}

const valueTopics = (loincs, name, kind) => [
  ...Object.keys(LOINCS).filter((n) => loincs.some((l) => LOINCS[n].includes(l))),
  ...Object.keys(LOINCS).filter((n) => (name?.en ?? '').toLowerCase().includes(n.toLowerCase().replace('-', ' '))),
].flatMap((n) => (n === 'creatinine' ? [`${kind}:${n}`, 'renal'] : [`${kind}:${n}`]));

function circumstanceTopics(c) {
  if (c.problem) return [...(c.problem.codes ?? []), ...(c.problem.below ?? [])].flatMap(({ code }) => [`diagnosis:${code}`, ...(/^N1[789]/.test(code) ? ['renal'] : [])]);
  if (c.pregnancy) return ['pregnancy'];
  if (c.breastfeeding) return ['lactation'];
  if (c.value || c.trend) {
    const { loincs } = c.value ?? c.trend;
    return [...valueTopics(loincs, c.name, 'lab'), ...(/gfr|clearance|kidney/i.test(c.name?.en ?? '') ? ['renal'] : [])];
  }
  return [];
}

function contextTopics(rule) {
  const topics = [...(rule.any ?? []), ...(rule.all ?? [])].flatMap(circumstanceTopics);
  if (bounds(rule.band, 'age_')) topics.push('age');
  if (rule.over) topics.push('dose');
  return topics;
}

const SLIPS = {
  KIND_TENFOLD: ['dose'], KIND_WEIGHT_FOR_AGE: ['weight'], KIND_WEIGHT_RANGE: ['weight'], KIND_BODY_MASS: ['weight'], KIND_HEIGHT_FOR_AGE: [], KIND_HEIGHT_RANGE: [],
  KIND_WEIGHT_JUMP: ['weight'], KIND_NOT_AS_CALCULATED: ['calculation', 'dose'], KIND_WEIGHT_DIFFERS: ['weight', 'calculation'],
};
const FRESH = { WHAT_WEIGHT: ['monitoring:weight'], WHAT_CREATININE: ['monitoring:creatinine'], WHAT_HEIGHT: [] };

export class Topics {
  constructor(set, names) {
    this.names = names;
    this.rules = new Map();
    for (const [kind, list] of Object.entries(set)) {
      if (!Array.isArray(list)) continue;
      for (const r of list) if (r.rule?.id) this.rules.set(r.rule.id, { kind, rule: r });
    }
    this.classes = new Map(set.ingredients.map((i) => [i.id, i.classes ?? []]));
  }

  of(finding) {
    const known = this.rules.get(finding.rule_id);
    if (!known) return OWN[finding.rule_id] ?? [];
    const { kind, rule } = known;
    if (['dose_rules', 'usual_doses', 'class_sums'].includes(kind)) return doseTopics(rule, finding);
    if (kind === 'slips') return SLIPS[rule.kind] ?? ['dose'];
    if (kind === 'fresh') return FRESH[rule.what] ?? [];
    if (kind === 'context') return contextTopics(rule);
    if (kind === 'monitoring') return valueTopics(rule.loincs, rule.name, 'monitoring');
    return { duplicates: ['duplicate'], allergies: ['allergy'] }[kind] ?? [];
  }

  selects(selector, ingredient) {
    return ingredient !== undefined && (selector?.ingredient === ingredient || (this.classes.get(ingredient) ?? []).includes(selector?.class));
  }

  // "warfarin+fluconazole": two different selectors of the rule, one for each.
  meets(rule, pair) {
    const [x, y] = pair.split('+').map((n) => this.names.ingredient(n.replace(/-/g, ' '))?.id);
    const of = [rule.a, rule.b, rule.c].filter(Boolean);
    return of.some((s, i) => this.selects(s, x) && of.some((t, j) => i !== j && this.selects(t, y)));
  }

  relevant(finding, wanted) {
    const known = this.rules.get(finding.rule_id);
    const topics = this.of(finding);
    return wanted.some((w) => {
      if (w.startsWith('interaction:')) return known?.kind === 'interactions' && this.meets(known.rule, w.slice(12));
      if (w.startsWith('diagnosis:')) return topics.some((t) => t.startsWith('diagnosis:') && (t.startsWith(w) || w.startsWith(t)));
      return topics.includes(w);
    });
  }
}

