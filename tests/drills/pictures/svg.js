'use strict';
// A dashboard as an SVG: each panel's own queries, asked of a Prometheus over a range of time, drawn as Grafana would lay them out.

const { perRow } = require('../../../deploy/k8s/monitoring/grafana');

const WIDTH = 1200, PANEL_H = 150, ROW_H = 26, GAP = 8, TOP = 46;
const INKS = ['#2563a8', '#c2571a', '#3a8a3f', '#8a3a86', '#a8842a', '#2f8c94', '#a33a3a', '#5b6370'];
const SERIES = 8; // drawn in one panel

const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }[c]));
const text = (x, y, words, more = '') => `<text x="${x}" y="${y}" ${more}>${escaped(words)}</text>`;
const cut = (words, n) => (words.length > n ? `${words.slice(0, n - 1)}…` : words);

function amount(v, unit) {
  const digits = (x) => (x === 0 ? '0' : x >= 100 ? x.toFixed(0) : x >= 1 ? x.toFixed(1) : x.toPrecision(2));
  if (unit === 's') return v !== 0 && v < 1 ? `${digits(v * 1e3)} ms` : `${digits(v)} s`;
  if (unit === 'bytes') return `${digits(v / 2 ** 20)} MiB`;
  if (unit === 'percentunit') return `${digits(v * 100)} %`;
  if (unit === 'reqps' || unit === 'cps') return `${digits(v)}/s`;
  return digits(v);
}

const legendOf = (legend, labels) => legend.replace(/\{\{(\w+)\}\}/g, (_, l) => labels[l] ?? '').trim();

// series: [{ name, values: [[seconds, value]] }], the largest first.
function graph({ x, y, w, h }, series, range, unit) {
  const most = (Math.max(...series.flatMap((s) => s.values.map(([, v]) => v))) || 1) * 1.1;
  const px = (t) => (x + ((t - range.from) / (range.to - range.from)) * w).toFixed(1);
  const py = (v) => (y + h - (v / most) * h).toFixed(1);
  const lines = series.map((s, i) => `<polyline fill="none" stroke="${INKS[i]}" stroke-width="1.5" points="${s.values.map(([t, v]) => `${px(t)},${py(v)}`).join(' ')}"/>`);
  const grid = [0, 0.5, 1].map((f) => `<line x1="${x}" x2="${x + w}" y1="${py(most * f / 1.1)}" y2="${py(most * f / 1.1)}" stroke="#e3e6ea"/>${text(x - 5, Number(py(most * f / 1.1)) + 3, amount(most * f / 1.1, unit), 'text-anchor="end" class="small"')}`);
  return [...grid, ...lines].join('');
}

function stat({ x, y }, series, p) {
  const value = (v) => p.words?.[v]?.[0] ?? amount(v, p.unit);
  return series.slice(0, 6).map((s, i) => text(x + (i % 2) * 130, y + 24 + Math.floor(i / 2) * 34, p.named ? s.name : value(s.values.at(-1)[1]), 'class="big"')
    + (p.named ? '' : text(x + (i % 2) * 130, y + 36 + Math.floor(i / 2) * 34, cut(s.name, 22), 'class="small"'))).join('');
}

function panelBox(p, box, series, range) {
  const { x, y, w } = box;
  const shown = [...series].sort((a, b) => Math.max(...b.values.map(([, v]) => v)) - Math.max(...a.values.map(([, v]) => v))).slice(0, SERIES);
  const head = `<rect x="${x}" y="${y}" width="${w}" height="${PANEL_H}" rx="3" fill="#fff" stroke="#d3d8de"/>${text(x + 9, y + 17, cut(p.title, Math.floor(w / 6.4)), 'class="title"')}`;
  if (shown.length === 0) return head + text(x + w / 2, y + PANEL_H / 2, 'no series', 'text-anchor="middle" class="small"');
  if (p.kind === 'stat') return head + stat({ x: x + 12, y: y + 18 }, shown, p);
  const inside = { x: x + 52, y: y + 28, w: w - 62, h: PANEL_H - 62 };
  const each = Math.floor((w - 20) / Math.min(4, shown.length));
  const legend = shown.slice(0, SERIES).map((s, i) => {
    const [lx, ly] = [x + 10 + (i % 4) * each, y + PANEL_H - 18 + Math.floor(i / 4) * 12];
    return `<rect x="${lx}" y="${ly - 6}" width="8" height="3" fill="${INKS[i]}"/>${text(lx + 11, ly - 1, cut(s.name, Math.floor(each / 5.6)), 'class="small"')}`;
  });
  return head + graph(inside, shown, range, p.unit) + legend.join('');
}

// ask: (expression) -> [{ metric, values }] over the range {from, to} in seconds. note: a line below the title.
async function draw(dashboard, ask, range, note) {
  let y = TOP;
  const parts = [];
  let empty = 0;
  for (const [heading, panels] of dashboard.rows) {
    if (panels.length === 0) continue;
    parts.push(text(GAP, y + 17, heading, 'class="row"'));
    y += ROW_H;
    const columns = perRow(panels.length);
    const w = (WIDTH - GAP) / columns - GAP;
    for (const [i, p] of panels.entries()) {
      const answers = await Promise.all(p.queries.map(async ([expr, legend]) => (await ask(expr)).map((s) => ({ name: legendOf(legend, s.metric), values: s.values }))));
      const series = answers.flat().filter((s) => s.values.length > 0);
      empty += series.length === 0;
      parts.push(panelBox(p, { x: GAP + (i % columns) * (w + GAP), y: y + Math.floor(i / columns) * (PANEL_H + GAP), w }, series, range));
    }
    y += Math.ceil(panels.length / columns) * (PANEL_H + GAP);
  }
  const style = 'text{font-family:"DejaVu Sans",Verdana,sans-serif;fill:#2b3138}.small{font-size:9px;fill:#59626d}.title{font-size:11px;font-weight:bold}.row{font-size:13px;font-weight:bold}.big{font-size:19px;fill:#2563a8}.head{font-size:17px;font-weight:bold}';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + GAP}" width="${WIDTH}" height="${y + GAP}"><style>${style}</style><rect width="100%" height="100%" fill="#f4f6f8"/>`
    + `${text(GAP, 22, dashboard.title, 'class="head"')}${text(GAP, 38, note, 'class="small"')}${parts.join('')}</svg>\n`;
  return { svg, empty };
}

module.exports = { draw };
