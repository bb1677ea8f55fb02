'use strict';
// A dashboard as Grafana imports it (schema version 39, Grafana 10.4 and newer).

const WIDTH = 24;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

// Panels of one row: as many as leave the fewest gaps in the last row.
function perRow(n) {
  const gaps = (k) => (k - (n % k)) % k;
  return n < 4 ? n : gaps(4) < gaps(3) ? 4 : 3;
}

// 'words' of a panel: the words and colours of 0 and 1.
const mappings = (words) => [{ type: 'value', options: Object.fromEntries(words.map(([text, color], i) => [String(i), { text, color, index: i }])) }];

function panel(p, id, at) {
  const stat = p.kind === 'stat';
  return {
    id,
    type: stat ? 'stat' : 'timeseries',
    title: p.title,
    ...(p.help && { description: p.help }),
    datasource: DATASOURCE,
    gridPos: at,
    fieldConfig: { defaults: { ...(p.unit && { unit: p.unit }), min: 0, ...(p.words && { mappings: mappings(p.words) }), ...(!stat && { custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 10, showPoints: 'never' } }) }, overrides: [] },
    options: stat ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, textMode: p.named ? 'name' : 'value_and_name', colorMode: 'value' }
      : { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: p.queries.map(([expr, legendFormat], i) => ({ refId: String.fromCharCode(65 + i), datasource: DATASOURCE, expr, legendFormat, range: true })),
  };
}

function dashboard({ uid, title, rows }) {
  const panels = [];
  let y = 0;
  let id = 0;
  for (const [heading, list] of rows) {
    if (list.length === 0) continue;
    panels.push({ id: ++id, type: 'row', title: heading, collapsed: false, gridPos: { h: 1, w: WIDTH, x: 0, y: y++ }, panels: [] });
    const columns = perRow(list.length);
    const w = WIDTH / columns;
    list.forEach((p, i) => panels.push(panel(p, ++id, { h: 7, w, x: (i % columns) * w, y: y + Math.floor(i / columns) * 7 })));
    y += Math.ceil(list.length / columns) * 7;
  }
  return {
    uid, title, tags: ['ward'], schemaVersion: 39, version: 1, editable: false, graphTooltip: 1, refresh: '30s',
    time: { from: 'now-3h', to: 'now' }, timezone: 'browser', annotations: { list: [] },
    links: [{ type: 'dashboards', title: 'Ward', tags: ['ward'], asDropdown: true, keepTime: true, includeVars: true }],
    templating: { list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0 },
      { name: 'namespace', label: 'Namespace', type: 'query', datasource: DATASOURCE, query: { query: 'label_values(ward_ready, namespace)', refId: 'namespace' }, refresh: 2, sort: 1, hide: 0 },
    ] },
    panels,
  };
}

module.exports = { dashboard, perRow };
