'use strict';
// For each alert: series under which it fires at `at`, and series like them under which it does not. promtool's notation: a+bxn.

const L = (service, more = '') => `{namespace="h",service="${service}",pod="${service}-1"${more && `,${more}`}}`;
const calls = (code, slope) => [`grpc_server_handled_total${L('records', `grpc_service="s",grpc_method="Read",grpc_code="${code}"`)}`, `0+${slope}x600`];
const seconds = (le, slope, method = 'Read') => [`grpc_server_handling_seconds_bucket${L('records', `grpc_service="s",grpc_method="${method}",le="${le}"`)}`, `0+${slope}x120`];
const level = (metric, service, bad, good, at, more) => ({ at, fires: [[metric + L(service, more), `${bad}x180`]], quiet: [[metric + L(service, more), `${good}x180`]] });
// A counter that grows by `slope` a minute; that stands still.
const counter = (metric, service, slope, at, more) => ({ at, fires: [[metric + L(service, more), `0+${slope}x180`]], quiet: [[metric + L(service, more), '5x180']] });

module.exports = {
  WardServiceGone: { at: '80m', fires: [[`ward_ready${L('audit')}`, '1x60 stale']], quiet: [[`ward_ready${L('audit')}`, '1x180']] },
  WardNotReady: level('ward_ready', 'dosage', 0, 1, '6m'),
  WardRestarting: { at: '20m', fires: [[`process_start_time_seconds${L('identity')}`, '100x4 200x4 300x4 400x30']], quiet: [[`process_start_time_seconds${L('identity')}`, '100x4 200x60']] },
  WardErrorsFast: { at: '90m', fires: [calls('OK', 900), calls('UNAVAILABLE', 100)], quiet: [calls('OK', 1000), calls('UNAVAILABLE', 1), calls('NOT_FOUND', 500)] },
  WardErrorsSlow: { at: '500m', fires: [calls('OK', 990), calls('INTERNAL', 10)], quiet: [calls('OK', 10000), calls('INTERNAL', 5)] },
  WardSlow: { at: '30m', fires: [seconds('1', 10), seconds('5', 60), seconds('+Inf', 60)], quiet: [seconds('1', 60), seconds('5', 60), seconds('+Inf', 60), seconds('1', 0, 'Follow'), seconds('5', 0, 'Follow'), seconds('+Inf', 60, 'Follow')] },
  WardShedding: counter('ward_rpc_shed_total', 'records', 60, '10m', 'grpc_service="s",grpc_method="Read"'),
  WardQueue: level('ward_rpc_queue_depth', 'identity', 40, 3, '15m'),
  WardDatabaseDown: level('ward_dependency_up', 'records', 0, 1, '3m', 'name="database"'),
  WardKeysAway: level('ward_dependency_up', 'records', 0, 1, '6m', 'name="keys"'),
  WardDescriptors: { at: '15m', fires: [[`process_open_fds${L('audit')}`, '900x60'], [`process_max_fds${L('audit')}`, '1000x60']], quiet: [[`process_open_fds${L('audit')}`, '100x60'], [`process_max_fds${L('audit')}`, '1000x60']] },
  WardIssuerKeys: counter('ward_auth_jwks_reload_failures_total', 'records', 1, '30m'),
  WardMetricsDropped: counter('ward_metrics_dropped_total', 'records', 1, '30m'),
  WardDatabaseRestored: level('ward_outbox_restored', 'records', 1, 0, '1m'),
  WardTwoWriters: level('ward_db_writer_nodes', 'records', 2, 1, '1m'),
  WardAuditBroken: level('ward_outbox_audit_broken', 'records', 1, 0, '1m'),
  WardAuditBacklog: level('ward_outbox_oldest_seconds', 'records', 400, 20, '10m'),
  WardAuditHeld: level('ward_outbox_held_rows', 'records', 2, 0, '10m'),
  WardAuditQuarantine: counter('ward_audit_quarantined_total', 'audit', 1, '30m'),
  WardModelWrong: level('ward_host_canary_ok', 'identity', 0, 1, '3m', 'canary="feature"'),
  WardDeviceAway: level('ward_host_device_ready', 'identity', 0, 1, '6m', 'backend="gpu"'),
  WardModelNotServing: level('ward_diagnosis_model_serving', 'diagnosis', 0, 1, '6m', 'model="chest/1"'),
  WardFacesLimit: level('ward_identity_over_limit', 'identity', 1, 0, '15m'),
  WardGalleryBehind: level('ward_identity_gallery_lag_seconds', 'identity', 90, 1, '6m'),
  WardGalleryUnreadable: counter('ward_identity_gallery_unreadable_total', 'identity', 1, '30m'),
  WardFaceGuessing: counter('ward_identity_face_limited_total', 'identity', 1, '30m', 'way="verify"'),
  WardManyNoMatch: { at: '60m',
    fires: [[`ward_identity_verifications_total${L('identity', 'outcome="NO_MATCH"')}`, '0+5x120'], [`ward_identity_verifications_total${L('identity', 'outcome="MATCH"')}`, '0+5x120']],
    quiet: [[`ward_identity_verifications_total${L('identity', 'outcome="NO_MATCH"')}`, '0+0.2x120'], [`ward_identity_verifications_total${L('identity', 'outcome="MATCH"')}`, '0+0.2x120']] },
  WardChartFeedStale: { at: '10m', fires: [[`ward_dosage_chart_feed_heard_timestamp_seconds${L('dosage')}`, '0x60']], quiet: [[`ward_dosage_chart_feed_heard_timestamp_seconds${L('dosage')}`, '0+60x60']] },
  WardEmergencyDose: level('ward_dosage_unacknowledged_late', 'dosage', 1, 0, '1m'),
  WardRightsFailed: counter('ward_dosage_rights_failed_total', 'dosage', 1, '60m', 'right="RIGHT_PATIENT"'),
  WardGlassBroken: counter('ward_records_glass_broken_total', 'records', 1, '60m', 'reason="emergency"'),
};
