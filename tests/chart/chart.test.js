'use strict';
// The chart, as far as it can be judged without a cluster: what helm makes of each value set in deploy/k8s/values, against the
// Kubernetes API's own schema, Pod Security "restricted", the services' options and the .proto files. Figures: build/results/chart-test.json.

const { test, after, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const yaml = require('js-yaml');
const { build, root } = require('../lib/paths');
const { chart, sets, file, helm, missing, render, renderedText, podOf, component, services } = require('./helm');
const kube = require('./kube');
const { restricted, house } = require('./security');
const options = require('./options');
const { may } = require('./network');
const baseline = require('./baseline');
const { callers, print } = require('../../tools/print-methods');
const { rows } = require('../../tools/print-values');

const figures = { value_sets: sets.length, documents: 0, checked_by_kubernetes_schema: 0, checked_by_crd_schema: 0, pods: 0, options: 0,
  edges_allowed: 0, edges_denied: 0, unknown_values_refused: 0, skipped: [] };
const without = (reason, what) => { if (reason) figures.skipped.push(`${what}: ${reason}`); return { skip: reason }; };
after(() => {
  fs.mkdirSync(path.join(build, 'results'), { recursive: true });
  fs.writeFileSync(path.join(build, 'results/chart-test.json'), `${JSON.stringify(figures)}\n`);
});

const none = (bad) => assert.deepStrictEqual(bad, []);
const readYaml = (name) => yaml.load(fs.readFileSync(path.join(chart, name), 'utf8'));

test('the_table_of_callers_is_that_of_the_proto_files', () => {
  assert.strictEqual(fs.readFileSync(path.join(chart, 'files/callers.yaml'), 'utf8'), print(callers()));
});

test('no_template_asks_the_cluster_or_runs_a_hook', () => {
  const dir = path.join(chart, 'templates');
  for (const name of fs.readdirSync(dir, { recursive: true }).filter((f) => /\.(yaml|tpl|txt)$/.test(f))) {
    const text = fs.readFileSync(path.join(dir, name), 'utf8');
    assert.doesNotMatch(text, /\blookup\b|\.Capabilities|\.IsUpgrade|\.IsInstall|\brand(Alpha|Bytes|Num|Ascii)|\bgen(CA|SelfSigned|PrivateKey)|\bnow\b/, name);
    const hooks = [...text.matchAll(/helm\.sh\/hook: (.*)/g)].map((m) => m[1]);
    assert.deepStrictEqual(hooks, name === path.join('tests', 'health.yaml') ? ['test'] : [], name);
  }
});

test('every_value_has_a_comment_and_every_name_of_the_schema_a_default', () => {
  none(rows().filter((r) => r.value !== undefined && r.text === '').map((r) => `values.yaml:${r.line}: ${r.path} has no comment`));
  const schema = JSON.parse(fs.readFileSync(path.join(chart, 'values.schema.json'), 'utf8'));
  const walk = (s, v, at) => {
    const own = s.$ref ? schema.definitions.service : s;
    for (const [k, sub] of Object.entries(own.properties ?? {})) {
      if (at === '' && k === 'global') continue;
      assert.ok(v && k in v, `values.yaml has no ${at}${k}`);
      walk(sub, v[k], `${at}${k}.`);
    }
  };
  walk(schema, readYaml('values.yaml'), '');
});

describe('helm', without(missing, 'helm'), () => {
  test('lint_strict_passes', () => {
    for (const set of sets) {
      const r = helm('lint', '--strict', chart, '--values', file(set));
      assert.strictEqual(r.status, 0, `${set}: ${r.out}${r.err}`);
    }
  });

  test('without_a_database_it_says_what_is_missing', () => {
    const r = helm('template', 'ward', chart);
    assert.notStrictEqual(r.status, 0);
    assert.match(r.err, /database\.host is required/);
  });

  test('a_callee_that_is_nowhere_is_named', () => {
    const r = helm('template', 'ward', chart, '--values', file('minimal'), '--set', 'services.audit.enabled=false');
    assert.notStrictEqual(r.status, 0);
    assert.match(r.err, /peers\.audit/);
  });

  test('every_document_has_a_name_and_is_there_once', () => {
    for (const set of sets) {
      const names = render(set).map((d) => `${d.kind}/${d.metadata.name}`);
      assert.strictEqual(new Set(names).size, names.length, set);
      figures.documents += names.length;
      // YAML 1.1 and 1.2 take these for different values.
      assert.doesNotMatch(renderedText(set), /: (0[0-7]+|yes|no|on|off)$/m, set);
    }
  });

  test('custom_resources_hold_only_known_fields', () => {
    for (const set of sets) {
      const docs = render(set).filter(kube.isCustom);
      none(docs.flatMap((d) => kube.faults(d)).map((f) => `${set}: ${f}`));
      figures.checked_by_crd_schema += docs.length;
    }
    const [monitor] = render('production').filter((d) => d.kind === 'PodMonitor');
    assert.strictEqual(kube.faults({ ...monitor, spec: { ...monitor.spec, podMetricEndpoints: [] } }).length, 1);
  });

  test('every_manifest_is_what_the_kubernetes_api_takes', without(kube.missing, 'Kubernetes schema'), () => {
    for (const set of sets) {
      const docs = render(set).filter((d) => !kube.isCustom(d));
      none(docs.flatMap((d) => kube.faults(d)).map((f) => `${set}: ${f}`));
      figures.checked_by_kubernetes_schema += docs.length;
    }
  });

  test('the_kubernetes_check_finds_a_misspelt_field', without(kube.missing, 'Kubernetes schema, its own test'), () => {
    const [d] = render('minimal').filter((x) => x.kind === 'Deployment');
    const wrong = structuredClone(d);
    wrong.spec.template.spec.containers[0].readynessProbe = {};
    wrong.spec.replicas = 'two';
    assert.strictEqual(kube.faults(wrong).length, 2);
    assert.deepStrictEqual(kube.faults({ apiVersion: 'apps/v9', kind: 'Deployment', metadata: { name: 'x' } }), ['Deployment x: apps/v9 has no such kind']);
  });

  test('pods_pass_pod_security_restricted_and_the_house_rules', () => {
    for (const set of sets)
      for (const d of render(set)) {
        const pod = podOf(d);
        if (!pod) continue;
        figures.pods += 1;
        none([...restricted(pod.spec), ...house(pod.spec, pod.claims)].map((b) => `${set}: ${d.kind} ${pod.name}: ${b}`));
      }
  });

  test('the_security_check_finds_each_fault', () => {
    const good = podOf(render('minimal').find((d) => d.kind === 'Deployment')).spec;
    const broken = [
      (s) => { s.hostNetwork = true; },
      (s) => { s.volumes.push({ name: 'x', hostPath: { path: '/' } }); },
      (s) => { s.securityContext.runAsNonRoot = false; },
      (s) => { s.securityContext.runAsUser = 0; },
      (s) => { delete s.securityContext.seccompProfile; },
      (s) => { s.containers[0].securityContext.allowPrivilegeEscalation = true; },
      (s) => { s.containers[0].securityContext.capabilities.drop = ['NET_RAW']; },
      (s) => { s.containers[0].securityContext.capabilities.add = ['SYS_ADMIN']; },
      (s) => { s.containers[0].securityContext.privileged = true; },
      (s) => { s.containers[0].ports[0].hostPort = 80; },
      (s) => { s.initContainers = [{ name: 'i', image: 'i:1' }]; },
    ];
    for (const harm of broken) {
      const spec = structuredClone(good);
      harm(spec);
      assert.notDeepStrictEqual(restricted(spec), [], harm.toString());
    }
    for (const harm of [(s) => { s.enableServiceLinks = true; }, (s) => { s.containers[0].resources.limits.cpu = '1'; },
      (s) => { s.containers[0].image = 'ward/audit:latest'; }, (s) => { s.containers[0].volumeMounts[1].subPath = 'x'; }]) {
      const spec = structuredClone(good);
      harm(spec);
      assert.notDeepStrictEqual(house(spec), [], harm.toString());
    }
  });

  test('services_are_given_options_they_have_and_values_in_range', () => {
    for (const set of sets)
      for (const { service, spec } of services(render(set))) {
        const [c] = spec.containers;
        none(options.faults(service, c.env).map((b) => `${set}: ${b}`));
        figures.options += c.env.filter((e) => e.name.startsWith('WARD_')).length;
        assert.strictEqual(c.args, undefined);
        assert.strictEqual(c.env.find((e) => e.name === 'WARD_MAX_AGE_MS').value, '30000');
      }
    const [{ spec }] = services(render('minimal')).filter((s) => s.service === 'dosage');
    const { env } = spec.containers[0];
    assert.deepStrictEqual(options.faults('dosage', [...env, { name: 'WARD_GALLERY_DIR', value: '/x' }]), ['dosage has no option WARD_GALLERY_DIR']);
    assert.strictEqual(options.faults('dosage', [...env, { name: 'WARD_WORKERS', value: '1000' }]).length, 1);
    assert.deepStrictEqual(options.faults('dosage', env.filter((e) => e.name !== 'WARD_KEK')), ['WARD_KEK is required']);
  });

  test('files_that_options_name_are_mounted', () => {
    for (const set of sets)
      for (const { service, spec } of services(render(set))) {
        const [c] = spec.containers;
        const under = (p) => c.volumeMounts.some((m) => p.startsWith(`${m.mountPath}/`));
        for (const { name, value } of c.env) {
          const at = /pin-source=file:(\/[^&]*)/.exec(value)?.[1] ?? value;
          if (/^\/(etc|var)\//.test(at)) assert.ok(under(at), `${set}: ${service}: ${name}=${value} is not mounted`);
        }
      }
  });

  test('a_pod_is_given_longer_to_stop_than_it_needs', () => {
    for (const set of sets)
      for (const { spec } of services(render(set))) {
        const of = (name) => Number(spec.containers[0].env.find((e) => e.name === name).value);
        assert.ok(spec.terminationGracePeriodSeconds * 1000 > of('WARD_LAME_MS') + 2 * of('WARD_DRAIN_MS') + 5000);
      }
  });

  test('probes_ask_the_admin_port_by_http', () => {
    for (const set of sets)
      for (const { spec } of services(render(set))) {
        const [c] = spec.containers;
        assert.deepStrictEqual([c.startupProbe, c.livenessProbe, c.readinessProbe].map((p) => p.httpGet),
          [{ path: '/livez', port: 'admin' }, { path: '/livez', port: 'admin' }, { path: '/readyz', port: 'admin' }]);
        assert.strictEqual(c.ports.find((p) => p.name === 'admin').containerPort, 9090);
      }
  });

  test('a_service_admits_exactly_the_callers_of_its_proto_files', () => {
    const table = callers();
    for (const set of sets.filter((s) => s !== 'no-monitoring')) {
      const docs = render(set);
      const policies = docs.filter((d) => d.kind === 'NetworkPolicy');
      const labels = new Map(docs.map(podOf).filter(Boolean).map((p) => [component(p.labels), p.labels]));
      const audited = new Map(services(docs).map((s) => [s.service, s.spec.containers[0].env.some((e) => e.name === 'WARD_AUDIT_BUS')]));
      labels.set('stranger', { 'app.kubernetes.io/name': 'ward', 'app.kubernetes.io/instance': 'another', 'app.kubernetes.io/component': 'dosage' });
      const wanted = (from, to, port) => {
        if (port === 50053) return from === 'identity' && to === 'identity';
        if (from === 'stranger' || to === 'stranger' || from === to) return false;
        if (port === 3306) return to === 'mariadb' && audited.has(from);
        if (!audited.has(to)) return false;
        if (port === 50052) return to === 'audit' && audited.get(from) === true;
        return port === 50051 && (from === 'test' || (audited.has(from) && ['*', from].some((c) => (table[to] ?? []).includes(c))));
      };
      // Away from the release the stranger's own policies are not ours: only what the release lets in is asked.
      for (const [from, f] of labels)
        for (const [to, t] of labels)
          for (const port of [50051, 50052, 50053, 9090, 3306, 22]) {
            if (to === 'stranger') continue;
            const want = wanted(from, to, port);
            figures[want ? 'edges_allowed' : 'edges_denied'] += 1;
            assert.strictEqual(may(policies, f, t, port), want, `${set}: ${from} -> ${to}:${port}`);
          }
    }
  });

  test('policies_select_this_release_alone_and_name_dns_by_both_protocols', () => {
    for (const set of sets)
      for (const p of render(set).filter((d) => d.kind === 'NetworkPolicy')) {
        assert.strictEqual(p.spec.podSelector.matchLabels['app.kubernetes.io/instance'], 'ward', p.metadata.name);
        assert.deepStrictEqual(p.spec.policyTypes, ['Ingress', 'Egress']);
        if (/default-deny|mariadb/.test(p.metadata.name)) continue;
        const dns = p.spec.egress.flatMap((r) => r.ports).filter((x) => x.port === 53).map((x) => x.protocol);
        assert.deepStrictEqual(dns.sort(), ['TCP', 'UDP'], p.metadata.name);
      }
    const [audit] = render('production').filter((d) => d.kind === 'NetworkPolicy' && d.metadata.name === 'ward-audit');
    const prometheus = audit.spec.ingress.filter((r) => r.ports.some((x) => x.port === 9090));
    assert.deepStrictEqual(prometheus.map((r) => r.from), [readYaml('values.yaml').networkPolicy.prometheus]);
  });

  test('spans_go_to_the_collector_and_only_where_one_is_named', () => {
    const to = (docs) => docs.filter((d) => d.kind === 'NetworkPolicy' && d.spec.egress?.some((r) => r.ports.some((x) => x.port === 4317)));
    const env = (docs) => services(docs).map((s) => s.spec.containers[0].env.find((e) => e.name === 'WARD_OTLP_ENDPOINT')?.value);
    const [on, off] = [render('everything'), render('production')];
    assert.deepStrictEqual([...new Set(env(on))], ['collector.tracing:4317']);
    assert.strictEqual(to(on).length, services(on).length);
    assert.deepStrictEqual(to(on)[0].spec.egress.find((r) => r.ports[0].port === 4317).to, [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'tracing' } } }]);
    assert.deepStrictEqual([...new Set(env(off)), to(off).length], [undefined, 0]);
  });

  test('a_budget_lets_one_go_and_replicas_are_one_masters_affair', () => {
    for (const set of sets) {
      const docs = render(set);
      for (const d of docs.filter((x) => x.kind === 'PodDisruptionBudget')) assert.strictEqual(d.spec.maxUnavailable, 1);
      const scaled = new Set(docs.filter((d) => /^(HorizontalPodAutoscaler|ScaledObject)$/.test(d.kind)).map((d) => d.spec.scaleTargetRef.name));
      assert.ok(docs.filter((d) => d.kind === 'HorizontalPodAutoscaler').every((h) => !docs.some((d) => d.kind === 'ScaledObject' && d.metadata.name === h.metadata.name)));
      for (const { doc } of services(docs)) assert.strictEqual('replicas' in doc.spec, !scaled.has(doc.metadata.name), `${set}: ${doc.metadata.name}`);
    }
  });

  test('keda_asks_for_the_queue_of_this_service_in_this_namespace', () => {
    const [d] = render('keda').filter((x) => x.kind === 'ScaledObject' && x.metadata.name === 'ward-identity');
    assert.deepStrictEqual(d.spec.triggers, [{ type: 'prometheus', metricType: 'AverageValue', metadata: {
      serverAddress: 'http://prometheus-operated.monitoring.svc:9090',
      query: 'sum(ward_rpc_queue_depth{namespace="hospital",service="identity"})', threshold: '4' } }]);
    assert.match(fs.readFileSync(path.join(root, 'docs/metrics.md'), 'utf8'), /^\| `ward_rpc_queue_depth` \| gauge \|/m);
    assert.ok(sets.filter((s) => !['keda', 'everything'].includes(s)).every((s) => !render(s).some((x) => x.kind === 'ScaledObject')));
  });

  test('device_classes_ask_for_their_resource', () => {
    const of = (set) => services(render(set)).find((s) => s.service === 'identity').spec.containers[0];
    const env = (c, name) => c.env.find((e) => e.name === name)?.value;
    assert.deepStrictEqual([env(of('minimal'), 'WARD_DEVICES'), of('minimal').resources.limits], ['cpu', { memory: '1536Mi' }]);
    assert.deepStrictEqual([env(of('gpu'), 'WARD_DEVICES'), env(of('gpu'), 'WARD_DEVICE_FALLBACK'), of('gpu').resources.limits['nvidia.com/gpu']], ['gpu,cpu', 'deny', '1']);
    assert.match(of('gpu').image, /-gpu$/);
    assert.deepStrictEqual([env(of('npu'), 'WARD_DEVICES'), of('npu').resources.limits['npu.example/accelerator']], ['npu,cpu', '1']);
    const r = helm('template', 'ward', chart, '--values', file('minimal'), '--set', 'services.identity.device.class=npu');
    assert.match(r.err, /device\.resource is required/);
  });

  test('one_more_service_is_one_more_entry_of_the_map', () => {
    const docs = render('everything').filter((d) => d.metadata.name === 'hospital-gateway').map((d) => d.kind).sort();
    assert.deepStrictEqual(docs, ['Certificate', 'Deployment', 'HorizontalPodAutoscaler', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount']);
    const [d] = services(render('everything')).filter((s) => s.service === 'gateway');
    assert.strictEqual(d.spec.containers[0].env.find((e) => e.name === 'WARD_RECORDS').value, 'dns:///hospital-records.hospital.svc.cluster.local:50051');
  });

  test('migrations_run_as_a_user_of_their_own', () => {
    for (const { service, spec } of services(render('external-database'))) {
      const [init] = spec.initContainers;
      const [c] = spec.containers;
      assert.deepStrictEqual(init.args, ['--migrate']);
      none(options.faults(service, init.env));
      const of = (k) => Object.fromEntries(k.env.map((e) => [e.name, e.value]));
      assert.deepStrictEqual([of(init).WARD_DB_USER, of(init).WARD_DB_PASSWORD_FILE], [`ward_${service}_owner`, '/etc/ward/db-owner/password']);
      assert.deepStrictEqual({ ...of(init), WARD_DB_USER: 0, WARD_DB_PASSWORD_FILE: 0 }, { ...of(c), WARD_DB_USER: 0, WARD_DB_PASSWORD_FILE: 0 });
      assert.strictEqual(of(c).WARD_DB_USER, `ward_${service}`);
      assert.deepStrictEqual([init, c].map((k) => k.volumeMounts.some((m) => m.name === 'db-owner')), [true, false], 'the service itself must not see the password');
    }
    assert.ok(services(render('minimal')).every((s) => s.spec.initContainers === undefined));
  });

  test('a_certificate_carries_the_name_that_peers_check', () => {
    const certificates = render('production').filter((d) => d.kind === 'Certificate');
    assert.deepStrictEqual(certificates.map((c) => c.spec.uris[0]).sort(), ['audit', 'diagnosis', 'dosage', 'identity', 'records', 'wardctl'].map((s) => `spiffe://ward/${s}`));
    const audit = certificates.find((c) => c.spec.uris[0] === 'spiffe://ward/audit');
    const bus = services(render('production')).find((s) => s.service === 'records').spec.containers[0].env.find((e) => e.name === 'WARD_AUDIT_BUS').value;
    assert.ok(audit.spec.dnsNames.includes(new URL(bus.replace('tls+tcp', 'http')).hostname), bus);
  });

  test('replicas_of_identity_follow_each_other_by_one_headless_name', () => {
    for (const { service, spec } of services(render('production'))) {
      const of = (name) => spec.containers[0].env.find((e) => e.name === name)?.value;
      const hints = service === 'identity';
      assert.strictEqual(of('WARD_HINT_PEERS'), hints ? 'tls+tcp://ward-identity.hospital.svc.cluster.local:50053' : undefined);
      assert.strictEqual(of('WARD_HINT_LISTEN'), hints ? 'tls+tcp://0.0.0.0:50053' : undefined);
    }
    const [s] = render('production').filter((d) => d.kind === 'Service' && d.metadata.name === 'ward-identity');
    assert.deepStrictEqual([s.spec.clusterIP, s.spec.ports.some((p) => p.port === 50053)], ['None', true]);
  });

  test('dashboards_and_rules_reach_grafana_and_prometheus_as_they_are', () => {
    const docs = render('production');
    const dir = path.join(chart, 'files/dashboards');
    const maps = docs.filter((d) => d.kind === 'ConfigMap' && d.metadata.labels.grafana_dashboard === '1');
    assert.deepStrictEqual(maps.map((d) => Object.keys(d.data)[0]).sort(), fs.readdirSync(dir).sort());
    for (const d of maps) {
      const [[name, text]] = Object.entries(d.data);
      assert.deepStrictEqual(JSON.parse(text), JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8')), name);
    }
    const [rule] = docs.filter((d) => d.kind === 'PrometheusRule');
    const alerts = rule.spec.groups.flatMap((g) => g.rules).filter((r) => r.alert);
    assert.ok(alerts.length > 20 && alerts.every((a) => a.annotations.runbook_url === `https://ward.example/docs/runbooks/${a.alert}.md`));
    const first = (r) => r.annotations?.summary ?? r.expr;
    assert.deepStrictEqual(rule.spec.groups.flatMap((g) => g.rules).map(first), readYaml('files/rules.yaml').groups.flatMap((g) => g.rules).map(first));
    assert.ok(render('no-monitoring').every((d) => !/monitoring\.coreos|keda/.test(d.apiVersion)));
  });

  test('a_root_key_comes_from_one_place', () => {
    const kek = (set, service, name = 'WARD_KEK') => services(render(set)).find((s) => s.service === service).spec.containers[0].env.find((e) => e.name === name)?.value;
    assert.strictEqual(kek('hsm', 'records'), 'pkcs11:token=ward;object=kek-records?module-path=/opt/hsm/libpkcs11.so&pin-source=file:/etc/ward/pin/pin');
    assert.strictEqual(kek('hsm', 'audit', 'WARD_AUDIT_KEK'), '/etc/ward/rootkey/kek');
    assert.strictEqual(kek('everything', 'dosage', 'WARD_KEK_OLD'), '/etc/ward/rootkey/kek.old');
    assert.strictEqual(render('production').filter((d) => d.kind === 'ExternalSecret').length, 4);
    assert.ok(sets.every((s) => !render(s).some((d) => d.kind === 'Secret')), 'the chart makes no Secret');
  });

  test('an_issuer_s_names_and_callers_reach_every_service', () => {
    for (const { service, spec } of services(render('everything')).filter((s) => s.service !== 'gateway')) {
      const env = Object.fromEntries(spec.containers[0].env.map((e) => [e.name, e.value]));
      assert.deepStrictEqual([env.WARD_CLAIM_ROLES, env.WARD_CLAIM_SUBJECT, env.WARD_ROLE_NAMES, env.WARD_PURPOSE_ABSENT, env.WARD_CALLERS],
        ['realm_access.roles', 'preferred_username', '/staff/Doctors=physician,ward-nurses=nurse', 'TREAT', 'lab-acme=gateway,pump-*=devices'], service);
    }
  });

  test('unknown_values_are_refused_at_every_level', () => {
    const schema = JSON.parse(fs.readFileSync(path.join(chart, 'values.schema.json'), 'utf8'));
    const paths = [];
    const walk = (s, at) => {
      const own = s.$ref ? schema.definitions.service : s;
      if (own.additionalProperties === false) paths.push([...at, 'unknownValue']);
      for (const [k, sub] of Object.entries(own.properties ?? {})) walk(sub, [...at, k]);
      if (typeof own.additionalProperties === 'object') walk(own.additionalProperties, [...at, 'audit']);
    };
    walk(schema, []);
    assert.ok(paths.length > 40, String(paths.length));
    for (const p of paths) {
      const r = helm('template', 'ward', chart, '--values', file('minimal'), '--set-string', `${p.join('.')}=x`);
      assert.notStrictEqual(r.status, 0, p.join('.'));
      assert.match(r.err, /additional properties 'unknownValue' not allowed/, p.join('.'));
      figures.unknown_values_refused += 1;
    }
    for (const [set, word] of [['defaults.replicas=many', 'integer'], ['services.Bad_Name.replicas=1', 'propertyName'], ['services.audit.env.LD_PRELOAD=x', 'propertyName'],
      ['image.pullPolicy=Sometimes', 'one of'], ['defaults.podLabels.app\\.kubernetes\\.io/name=x', 'propertyName']])
      assert.match(helm('template', 'ward', chart, '--values', file('minimal'), '--set', set).err, new RegExp(word), set);
  });

  test('an_upgrade_changes_no_selector_and_no_volume_claim', () => {
    const former = baseline.released();
    for (const [set, docs] of Object.entries(former.sets)) {
      assert.ok(sets.includes(set), `${set} is gone`);
      none(baseline.changes(docs, baseline.fixed(render(set))).map((c) => `${set}: ${c}`));
    }
    for (const set of sets)
      for (const d of baseline.fixed(render(set)))
        assert.doesNotMatch(JSON.stringify(d.selector), /version|helm\.sh/, `${set}: ${d.kind} ${d.name}`);
  });

  test('the_comparison_finds_a_changed_selector_claim_or_name', () => {
    const before = baseline.fixed(render('trial'));
    const harm = (fn) => { const docs = structuredClone(render('trial')); fn(docs.find((d) => d.kind === 'StatefulSet')); return baseline.changes(before, baseline.fixed(docs)); };
    assert.deepStrictEqual(harm(() => {}), []);
    assert.deepStrictEqual(harm((d) => { d.spec.selector.matchLabels['helm.sh/chart'] = 'ward-2'; }), ['StatefulSet ward-mariadb has changed']);
    assert.deepStrictEqual(harm((d) => { d.spec.volumeClaimTemplates[0].spec.resources.requests.storage = '20Gi'; }), ['StatefulSet ward-mariadb has changed']);
    assert.deepStrictEqual(harm((d) => { d.metadata.name = 'ward-db'; }), ['StatefulSet ward-mariadb is gone']);
  });
});
