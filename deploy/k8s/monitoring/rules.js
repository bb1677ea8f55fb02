'use strict';
// Recording rules and alerts. Each alert has a runbook, docs/runbooks/NAME.md, and a promtool test in tests/chart/alerts.js.

const { methods } = require('../../../tools/print-methods');

// Streams last as long as who follows them: their duration says nothing.
const streams = [...new Set(methods().filter((m) => m.stream).map((m) => m.method))].sort();
const UNARY = `grpc_method!~"${streams.join('|')}"`;
// Codes that are the service's fault, not the caller's.
const FAULT = 'grpc_code=~"UNAVAILABLE|DEADLINE_EXCEEDED|INTERNAL|RESOURCE_EXHAUSTED|DATA_LOSS|UNKNOWN"';
const BY = 'by (namespace, service)';

const calls = (window) => `sum ${BY} (rate(grpc_server_handled_total[${window}]))`;
const failed = (window) => `sum ${BY} (rate(grpc_server_handled_total{${FAULT}}[${window}]))`;

// Service-level objective: 99.9 % of calls in 30 days do not fail by the service's fault.
const BUDGET = 0.001;
const WINDOWS = ['5m', '30m', '1h', '6h'];

const recording = [
  ...WINDOWS.map((w) => ({ record: `ward:call_failures:ratio_rate${w}`, expr: `(${failed(w)} or 0 * ${calls(w)}) / (${calls(w)} > 0)` })),
  { record: 'ward:calls:rate5m', expr: calls('5m') },
  { record: 'ward:call_seconds:p99_5m', expr: `histogram_quantile(0.99, sum by (namespace, service, le) (rate(grpc_server_handling_seconds_bucket{${UNARY}}[5m])))` },
  { record: 'ward:call_seconds:p50_5m', expr: `histogram_quantile(0.5, sum by (namespace, service, le) (rate(grpc_server_handling_seconds_bucket{${UNARY}}[5m])))` },
  { record: 'ward:outbox_oldest_seconds:max', expr: `max ${BY} (ward_outbox_oldest_seconds)` },
];

const burn = (long, short, factor) => {
  const over = Number((factor * BUDGET).toFixed(6));
  return `ward:call_failures:ratio_rate${long} > ${over} and ward:call_failures:ratio_rate${short} > ${over}`;
};

// severity: page (somebody now), ticket (somebody today).
const alerts = [
  { alert: 'WardServiceGone', for: '5m', severity: 'page', expr: `count ${BY} (ward_ready offset 1h) unless count ${BY} (ward_ready)`,
    summary: 'No replica of {{ $labels.service }} answers Prometheus.' },
  { alert: 'WardNotReady', for: '5m', severity: 'page', expr: 'ward_ready == 0', summary: '{{ $labels.service }} ({{ $labels.pod }}) is not ready and gets no calls.' },
  { alert: 'WardRestarting', for: '0m', severity: 'ticket', expr: 'changes(process_start_time_seconds[30m]) > 2', summary: '{{ $labels.service }} ({{ $labels.pod }}) has restarted {{ $value }} times in 30 minutes.' },
  { alert: 'WardErrorsFast', for: '2m', severity: 'page', expr: burn('1h', '5m', 14.4), summary: '{{ $value | humanizePercentage }} of the calls of {{ $labels.service }} fail. At this rate, the month\'s error budget lasts two days.' },
  { alert: 'WardErrorsSlow', for: '15m', severity: 'ticket', expr: burn('6h', '30m', 6), summary: '{{ $value | humanizePercentage }} of the calls of {{ $labels.service }} have failed for hours.' },
  { alert: 'WardSlow', for: '10m', severity: 'ticket', expr: 'ward:call_seconds:p99_5m > 2', summary: 'One in a hundred calls of {{ $labels.service }} takes longer than {{ $value | humanizeDuration }}.' },
  { alert: 'WardShedding', for: '5m', severity: 'page', expr: `sum ${BY} (rate(ward_rpc_shed_total[5m])) > 0`, summary: '{{ $labels.service }} rejects calls, because its queue is full.' },
  { alert: 'WardQueue', for: '10m', severity: 'ticket', expr: 'ward_rpc_queue_depth > 32', summary: '{{ $value }} calls wait in {{ $labels.service }} ({{ $labels.pod }}).' },
  { alert: 'WardDatabaseDown', for: '2m', severity: 'page', expr: 'ward_dependency_up{name="database"} == 0', summary: '{{ $labels.service }} ({{ $labels.pod }}) cannot reach its database.' },
  { alert: 'WardKeysAway', for: '5m', severity: 'page', expr: 'ward_dependency_up{name="keys"} == 0', summary: '{{ $labels.service }} ({{ $labels.pod }}) cannot use its root key.' },
  { alert: 'WardDescriptors', for: '10m', severity: 'ticket', expr: 'process_open_fds / process_max_fds > 0.8', summary: '{{ $labels.service }} ({{ $labels.pod }}) uses {{ $value | humanizePercentage }} of its file descriptors.' },
  { alert: 'WardIssuerKeys', for: '0m', severity: 'ticket', expr: 'increase(ward_auth_jwks_reload_failures_total[1h]) > 0', summary: '{{ $labels.service }} ({{ $labels.pod }}) could not read the issuer\'s new keys.' },
  { alert: 'WardMetricsDropped', for: '0m', severity: 'ticket', expr: 'increase(ward_metrics_dropped_total[1h]) > 0', summary: '{{ $labels.service }} ({{ $labels.pod }}) has too many metric series and drops some.' },
  { alert: 'WardDatabaseRestored', for: '0m', severity: 'page', expr: `max ${BY} (ward_outbox_restored) == 1`, summary: 'A service\'s database is older than the audit log: the database was restored or replaced.' },
  { alert: 'WardTwoWriters', for: '30s', severity: 'page', expr: `max ${BY} (ward_db_writer_nodes) > 1`, summary: '{{ $labels.service }} writes to {{ $value }} nodes of its Galera cluster.' },
  { alert: 'WardAuditBroken', for: '0m', severity: 'page', expr: `max ${BY} (ward_outbox_audit_broken) == 1 or (ward_dependency_up{name="log"} == 0)`, summary: 'The audit log contradicts its signed head: audit accepts no events.' },
  { alert: 'WardAuditBacklog', for: '5m', severity: 'ticket', expr: 'ward:outbox_oldest_seconds:max > 300', summary: 'An audit event of {{ $labels.service }} has waited for {{ $value | humanizeDuration }}.' },
  { alert: 'WardAuditHeld', for: '5m', severity: 'ticket', expr: `max ${BY} (ward_outbox_held_rows) > 0`, summary: '{{ $value }} audit events of {{ $labels.service }} were refused by audit. An operator must release them.' },
  { alert: 'WardAuditQuarantine', for: '0m', severity: 'ticket', expr: 'increase(ward_audit_quarantined_total[1h]) > 0', summary: 'audit has stored {{ $value | humanize }} invalid events in its quarantine.' },
  { alert: 'WardModelWrong', for: '2m', severity: 'page', expr: 'ward_host_canary_ok == 0', summary: 'The known-answer check {{ $labels.canary }} of {{ $labels.service }} ({{ $labels.pod }}) fails.' },
  { alert: 'WardDeviceAway', for: '5m', severity: 'ticket', expr: 'ward_host_device_ready == 0', summary: 'The device {{ $labels.backend }} of {{ $labels.service }} ({{ $labels.pod }}) cannot be used.' },
  { alert: 'WardModelNotServing', for: '5m', severity: 'ticket', expr: 'ward_diagnosis_model_serving == 0', summary: 'The model {{ $labels.model }} of {{ $labels.pod }} gives a wrong known answer and is not served.' },
  { alert: 'WardFacesLimit', for: '10m', severity: 'ticket', expr: `max ${BY} (ward_identity_over_limit) == 1`, summary: 'More faces are stored than WARD_FACES_LIMIT.' },
  { alert: 'WardGalleryBehind', for: '5m', severity: 'page', expr: 'ward_identity_gallery_lag_seconds > 60', summary: 'The face index of {{ $labels.pod }} is {{ $value | humanizeDuration }} behind the database.' },
  { alert: 'WardGalleryUnreadable', for: '0m', severity: 'ticket', expr: 'increase(ward_identity_gallery_unreadable_total[1h]) > 0', summary: '{{ $value | humanize }} subjects are left out of searches: their keys or templates cannot be decrypted.' },
  { alert: 'WardFaceGuessing', for: '0m', severity: 'ticket', expr: `sum by (namespace, service, way) (increase(ward_identity_face_limited_total[1h])) > 0`, summary: 'One person had too many face comparisons without a match ({{ $labels.way }}).' },
  { alert: 'WardManyNoMatch', for: '15m', severity: 'ticket', expr: `sum ${BY} (increase(ward_identity_verifications_total{outcome="NO_MATCH"}[30m])) / (sum ${BY} (increase(ward_identity_verifications_total[30m])) > 20) > 0.3`, summary: '{{ $value | humanizePercentage }} of verifications end in NO_MATCH.' },
  { alert: 'WardChartFeedStale', for: '2m', severity: 'page', expr: 'time() - ward_dosage_chart_feed_heard_timestamp_seconds > 60', summary: 'dosage ({{ $labels.pod }}) has received nothing from records for {{ $value | humanizeDuration }}: checks use outdated charts.' },
  { alert: 'WardEmergencyDose', for: '0m', severity: 'page', expr: `max ${BY} (ward_dosage_unacknowledged_late) > 0`, summary: '{{ $value }} doses given in an emergency were not acknowledged in time.' },
  { alert: 'WardRightsFailed', for: '0m', severity: 'ticket', expr: `sum by (namespace, service, right) (increase(ward_dosage_rights_failed_total[1h])) > 10`, summary: '{{ $value | humanize }} doses were refused within an hour: wrong {{ $labels.right }}.' },
  { alert: 'WardGlassBroken', for: '0m', severity: 'ticket', expr: `sum ${BY} (increase(ward_records_glass_broken_total[1h])) > 10`, summary: '{{ $value | humanize }} charts were opened by break-glass access within an hour.' },
];

const groups = () => [
  { name: 'ward-recording', rules: recording },
  { name: 'ward-alerts', rules: alerts.map(({ alert, expr, for: lasts, severity, summary }) => ({
    alert, expr, for: lasts, labels: { severity }, annotations: { summary, runbook_url: `RUNBOOKS/${alert}.md` } })) },
];

module.exports = { recording, alerts, groups, UNARY, FAULT };
