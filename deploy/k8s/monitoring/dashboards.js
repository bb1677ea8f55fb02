'use strict';
// The dashboards: which panels, and what each asks. `all` dashboards of one service are made from the metrics table itself.
// A panel: { title, help, unit, queries: [[expression, legend], ...], kind, words, named }; words: of 0 and 1 (grafana.js); named: the
// legend is the answer, not the value. $S selects the namespace; so does $V with the service.

const { metrics } = require('./metrics');
const { UNARY } = require('./rules');

const WORKS = [['failed', 'red'], ['ok', 'green']];
const BROKEN = [['no', 'green'], ['broken', 'red']];
const S = 'namespace="$namespace"';
const rate = (metric, by, where = '') => `sum by (${by}) (rate(${metric}{${S}${where}}[$__rate_interval]))`;
const p = (q, metric, by = '', where = '') => `histogram_quantile(${q}, sum by (${['le', by].filter(Boolean).join(', ')}) (rate(${metric}_bucket{${S}${where}}[$__rate_interval])))`;
const now = (metric, by, how = 'max', where = '') => `${how} by (${by}) (${metric}{${S}${where}})`;

const overview = { uid: 'ward-overview', title: 'Ward: overview', rows: [
  ['Is the hospital served?', [
    { title: 'Replicas that take calls', kind: 'stat', help: 'ward_ready of every replica.', queries: [[now('ward_ready', 'service', 'sum'), '{{service}}']] },
    { title: 'Dependencies', kind: 'stat', words: WORKS, help: '1 while the dependency answered its last check.', queries: [[now('ward_dependency_up', 'service, name', 'min'), '{{service}}: {{name}}']] },
    { title: 'Calls that fail by the service\'s fault', unit: 'percentunit', help: 'The objective is 0.1 % in 30 days.', queries: [[`ward:call_failures:ratio_rate5m{${S}}`, '{{service}}']] },
    { title: 'Calls', unit: 'reqps', help: 'Calls answered per second.', queries: [[`ward:calls:rate5m{${S}}`, '{{service}}']] }]],
  ['How fast', [
    { title: 'Duration, 99th percentile', unit: 's', help: 'Calls that are no streams.', queries: [[`ward:call_seconds:p99_5m{${S}}`, '{{service}}']] },
    { title: 'Duration, median', unit: 's', help: 'Calls that are no streams.', queries: [[`ward:call_seconds:p50_5m{${S}}`, '{{service}}']] },
    { title: 'Calls that wait', help: 'Longest queue of a replica; KEDA scales by the sum.', queries: [[now('ward_rpc_queue_depth', 'service'), '{{service}}']] },
    { title: 'Calls refused because the queue was full', unit: 'reqps', help: 'Above 0 the service needs replicas.', queries: [[rate('ward_rpc_shed_total', 'service'), '{{service}}']] }]],
  ['What it stands on', [
    { title: 'Database statements, 99th percentile', unit: 's', help: 'Round trip included.', queries: [[p(0.99, 'ward_db_statement_seconds', 'service'), '{{service}}']] },
    { title: 'Oldest audit event that waits', unit: 's', help: 'Above 5 minutes an alert fires.', queries: [[now('ward_outbox_oldest_seconds', 'service'), '{{service}}']] },
    { title: 'Memory', unit: 'bytes', help: 'Resident memory of each replica.', queries: [[now('process_resident_memory_bytes', 'service, pod'), '{{service}} {{pod}}']] },
    { title: 'CPU', help: 'Cores used by each service.', queries: [[rate('process_cpu_seconds_total', 'service'), '{{service}}']] }]],
] };

const audit = { uid: 'ward-audit-integrity', title: 'Ward: audit integrity', rows: [
  ['Nothing is lost', [
    { title: 'Log broken', kind: 'stat', words: BROKEN, help: '1: the log contradicts its signed head.', queries: [[now('ward_outbox_audit_broken', 'service'), '{{service}}']] },
    { title: 'Events held for a person', kind: 'stat', help: 'Events that audit refused one by one.', queries: [[now('ward_outbox_held_rows', 'service'), '{{service}}']] },
    { title: 'Events that wait', help: 'Written, not yet acknowledged by audit.', queries: [[now('ward_outbox_backlog_rows', 'service'), '{{service}}']] },
    { title: 'Oldest event that waits', unit: 's', help: 'Age of the oldest event.', queries: [[now('ward_outbox_oldest_seconds', 'service'), '{{service}}']] }]],
  ['Sent and stored', [
    { title: 'Sent and acknowledged', unit: 'cps', help: 'Events per second, by the service that sends.', queries: [[rate('ward_outbox_sent_total', 'service'), '{{service}}']] },
    { title: 'Deliveries that failed', unit: 'cps', help: 'Tried again until they succeed.', queries: [[rate('ward_outbox_failures_total', 'service, code'), '{{service}} {{code}}']] },
    { title: 'Appended', unit: 'cps', help: 'Events appended to the log.', queries: [[rate('ward_audit_appended_total', 'service'), 'appended'], [rate('ward_audit_duplicates_total', 'service'), 'came again']] },
    { title: 'Log size', help: 'Events in the log.', queries: [[now('ward_audit_log_size_events', 'service'), 'events']] },
    { title: 'Append transaction, 99th percentile', unit: 's', help: 'One transaction holds the events that gathered.', queries: [[p(0.99, 'ward_audit_commit_seconds', 'service'), 'p99'], [p(0.5, 'ward_audit_commit_seconds', 'service'), 'median']] },
    { title: 'Put aside', kind: 'stat', help: 'Items from the bus that were no events.', queries: [[now('ward_audit_quarantined_total', 'service', 'sum'), 'items']] }]],
] };

const models = { uid: 'ward-models', title: 'Ward: models and devices', rows: [
  ['Are the answers right?', [
    { title: 'Known-answer checks', kind: 'stat', words: WORKS, help: '1 while the check passes; calls are refused otherwise.', queries: [[now('ward_host_canary_ok', 'service, canary', 'min'), '{{service}}: {{canary}}']] },
    { title: 'Devices', kind: 'stat', words: WORKS, help: '1 when the device could be used when it was last tried.', queries: [[now('ward_host_device_ready', 'service, backend', 'min'), '{{service}}: {{backend}}']] },
    { title: 'Models of diagnosis', kind: 'stat', words: WORKS, help: '1 while the model gives its known answer.', queries: [[now('ward_diagnosis_model_serving', 'model', 'min'), '{{model}}']] },
    { title: 'Known-answer checks that failed', unit: 'cps', help: '', queries: [[rate('ward_host_canary_failures_total', 'service, canary'), '{{canary}}']] },
    { title: 'Inferences that failed', unit: 'cps', help: '', queries: [[rate('ward_host_failures_total', 'service, model'), '{{model}}']] }]],
  ['How fast', [
    { title: 'Inference, 99th percentile', unit: 's', help: 'By model.', queries: [[p(0.99, 'ward_host_run_seconds', 'model'), '{{model}}']] },
    { title: 'Inferences', unit: 'cps', help: 'By model.', queries: [[rate('ward_host_run_seconds_count', 'model'), '{{model}}']] }]],
  ['What the models of diagnosis say', [
    { title: 'Outcomes', unit: 'cps', help: 'Present, absent, or why the model abstained.', queries: [[rate('ward_diagnosis_inferences_total', 'model, outcome'), '{{model}} {{outcome}}']] },
    { title: 'Reviews', unit: 'cps', help: 'Reports that clinicians confirmed, amended or rejected.', queries: [[rate('ward_diagnosis_reviews_total', 'model, review'), '{{model}} {{review}}']] }]],
] };

const faces = { uid: 'ward-faces', title: 'Ward: faces', rows: [
  ['Who is who', [
    { title: 'Verifications', unit: 'cps', help: 'By outcome.', queries: [[rate('ward_identity_verifications_total', 'outcome'), '{{outcome}}']] },
    { title: 'Searches', unit: 'cps', help: 'By outcome.', queries: [[rate('ward_identity_identifications_total', 'outcome'), '{{outcome}}']] },
    { title: 'Photographs', unit: 'cps', help: 'By whether they could be used.', queries: [[rate('ward_identity_photographs_total', 'gate'), '{{gate}}']] },
    { title: 'Liveness', unit: 'cps', help: 'By policy and result.', queries: [[rate('ward_identity_liveness_total', 'policy, result'), '{{policy}} {{result}}']] },
    { title: 'Comparisons refused', unit: 'cps', help: 'One person had too many without a match.', queries: [[rate('ward_identity_face_limited_total', 'way'), '{{way}}']] },
    { title: 'Tokens spent', unit: 'cps', help: 'By what came of it.', queries: [[rate('ward_identity_tokens_spent_total', 'result'), '{{result}}']] }]],
  ['The index', [
    { title: 'Subjects that can be searched for', help: 'On each replica.', queries: [[now('ward_identity_gallery_subjects', 'pod, kind'), '{{pod}} {{kind}}']] },
    { title: 'Behind the database', unit: 's', help: 'Since the index was last known to be level with the database.', queries: [[now('ward_identity_gallery_lag_seconds', 'pod'), '{{pod}}']] },
    { title: 'Search, 99th percentile', unit: 's', help: '', queries: [[p(0.99, 'ward_identity_gallery_search_seconds'), 'p99']] },
    { title: 'Photograph to embedding, 99th percentile', unit: 's', help: '', queries: [[p(0.99, 'ward_identity_photo_seconds'), 'p99'], [p(0.5, 'ward_identity_photo_seconds'), 'median']] },
    { title: 'Stored templates', help: 'Of patients and staff, and the limit.', queries: [[now('ward_identity_faces', 'kind'), '{{kind}}'], [`max (ward_identity_faces_limit{${S}})`, 'limit']] },
    { title: 'Left out of searches', kind: 'stat', help: 'Subjects whose key or templates cannot be decrypted.', queries: [[now('ward_identity_gallery_unreadable_total', 'pod', 'sum'), '{{pod}}']] }]],
] };

const medication = { uid: 'ward-medication', title: 'Ward: medication safety', rows: [
  ['At the bedside', [
    { title: 'Doses charted', unit: 'cps', help: 'By outcome.', queries: [[rate('ward_dosage_administrations_total', 'outcome'), '{{outcome}}']] },
    { title: 'Doses refused', unit: 'cps', help: 'By the right that failed.', queries: [[rate('ward_dosage_rights_failed_total', 'right'), '{{right}}']] },
    { title: 'Emergencies not acknowledged in time', kind: 'stat', help: 'Above 0 an alert fires.', queries: [[`max (ward_dosage_unacknowledged_late{${S}})`, 'doses']] }]],
  ['Checks', [
    { title: 'Findings', unit: 'cps', help: 'By severity.', queries: [[rate('ward_dosage_findings_total', 'severity'), '{{severity}}']] },
    { title: 'Findings by rule', unit: 'cps', help: 'The ten most frequent.', queries: [[`topk(10, ${rate('ward_dosage_findings_total', 'rule')})`, '{{rule}}']] },
    { title: 'Overrides', unit: 'cps', help: 'A rule that is always overridden helps nobody.', queries: [[`topk(10, ${rate('ward_dosage_overrides_total', 'rule, reason')})`, '{{rule}} {{reason}}']] },
    { title: 'Charts asked for', unit: 'cps', help: 'stale: records was away.', queries: [[rate('ward_dosage_chart_reads_total', 'from'), '{{from}}']] },
    { title: 'Since records\' feed was heard', unit: 's', help: 'Above a minute an alert fires.', queries: [[`time() - max by (pod) (ward_dosage_chart_feed_heard_timestamp_seconds{${S}})`, '{{pod}}']] }]],
] };

const unitOf = (name) => (/_seconds$/.test(name) ? 's' : /_bytes$/.test(name) ? 'bytes' : undefined);

// One panel for each metric that a service has and not every service: nothing of it can be forgotten.
function own(service) {
  return [...metrics].filter(([, m]) => m.of?.includes(service)).map(([name, m]) => {
    const where = `,service="${service}"`;
    const by = m.labels.join(', ') || 'service';
    const legend = m.labels.map((l) => `{{${l}}}`).join(' ') || service;
    const words = name.replace(/^ward_/, '').replaceAll('_', ' ');
    const title = words[0].toUpperCase() + words.slice(1);
    if (m.type === 'histogram') return { title, help: m.help, unit: unitOf(name), queries: [0.5, 0.99].map((q) => [p(q, name, m.labels.join(', '), where), `${legend} p${q * 100}`]) };
    if (m.type === 'counter') return { title, help: m.help, unit: 'cps', queries: [[rate(name, by, where), legend]] };
    if (/_timestamp_seconds$/.test(name)) return { title: `${title.replace(/ timestamp seconds$/, '')}, ago`, help: m.help, unit: 's', queries: [[`time() - max by (pod) (${name}{${S}${where}})`, '{{pod}}']] };
    return { title, help: m.help, unit: unitOf(name), queries: [[now(name, by, 'max', where), legend]] };
  });
}

const ofService = (service) => {
  const where = `,service="${service}"`;
  return { uid: `ward-${service}`, title: `Ward: ${service}`, rows: [
    ['Calls', [
      { title: 'Calls by method', unit: 'reqps', help: 'Calls answered per second.', queries: [[rate('grpc_server_handled_total', 'grpc_method', where), '{{grpc_method}}']] },
      { title: 'Failed calls by code', unit: 'reqps', help: 'Calls that ended with OK are not counted.', queries: [[rate('grpc_server_handled_total', 'grpc_code', `${where},grpc_code!="OK"`), '{{grpc_code}}']] },
      { title: 'Duration by method, 99th percentile', unit: 's', help: 'Calls that are no streams.', queries: [[p(0.99, 'grpc_server_handling_seconds', 'grpc_method', `${where},${UNARY}`), '{{grpc_method}}']] },
      { title: 'In progress', help: 'Calls arrived and not yet answered.', queries: [[now('ward_rpc_in_flight', 'grpc_method', 'sum', where), '{{grpc_method}}']] },
      { title: 'Calls that wait', help: 'Queue of each replica.', queries: [[now('ward_rpc_queue_depth', 'pod', 'max', where), '{{pod}}']] },
      { title: 'Bearer tokens', unit: 'cps', help: 'Cached, verified or rejected.', queries: [[rate('ward_rpc_token_checks_total', 'outcome', where), '{{outcome}}']] }]],
    ['Process and database', [
      { title: 'Replicas that take calls', kind: 'stat', help: '', queries: [[now('ward_ready', 'pod', 'max', where), '{{pod}}']] },
      { title: 'Version', kind: 'stat', named: true, help: 'Two during an upgrade.', queries: [[`count by (version) (ward_build_info{${S}${where}})`, '{{version}}']] },
      { title: 'Memory', unit: 'bytes', help: 'Resident memory.', queries: [[now('process_resident_memory_bytes', 'pod', 'max', where), '{{pod}}']] },
      { title: 'CPU', help: 'Cores used.', queries: [[rate('process_cpu_seconds_total', 'pod', where), '{{pod}}']] },
      { title: 'Database statements', unit: 'cps', help: 'By outcome.', queries: [[rate('ward_db_statements_total', 'code', where), '{{code}}']] },
      { title: 'Database statement, 99th percentile', unit: 's', help: '', queries: [[p(0.99, 'ward_db_statement_seconds', '', where), 'p99'], [p(0.5, 'ward_db_statement_seconds', '', where), 'median']] }]],
    [`What ${service} does`, own(service)],
  ] };
};

const names = [...new Set([...metrics.values()].flatMap((m) => m.of ?? []))].sort();
module.exports = { dashboards: [overview, ...names.map(ofService), audit, models, faces, medication] };
