'use strict';
// Pod Security Standards, level "restricted" (https://kubernetes.io/docs/concepts/security/pod-security-standards/, checked
// 2026-11-23), and what Ward asks of a pod beside it. Each function gives what is wrong, as sentences.

const VOLUMES = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret']);
const SECCOMP = new Set(['RuntimeDefault', 'Localhost']);
const SYSCTLS = new Set(['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']);
const SELINUX = new Set([undefined, '', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

const containers = (spec) => [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];

function ofContainer(c, pod) {
  const s = c.securityContext ?? {};
  const bad = [];
  const no = (when, why) => { if (when) bad.push(`${c.name}: ${why}`); };
  no(s.privileged, 'is privileged');
  no(s.allowPrivilegeEscalation !== false, 'may escalate privileges');
  no(!(s.capabilities?.drop ?? []).includes('ALL'), 'keeps capabilities');
  no((s.capabilities?.add ?? []).some((k) => k !== 'NET_BIND_SERVICE'), 'adds capabilities');
  no((s.runAsNonRoot ?? pod.runAsNonRoot) !== true, 'may run as root');
  no((s.runAsUser ?? pod.runAsUser) === 0, 'runs as user 0');
  no(!SECCOMP.has((s.seccompProfile ?? pod.seccompProfile)?.type), 'has no seccomp profile');
  no(s.procMount && s.procMount !== 'Default', 'unmasks /proc');
  no(!SELINUX.has(s.seLinuxOptions?.type) || s.seLinuxOptions?.user || s.seLinuxOptions?.role, 'chooses SELinux options');
  no(s.windowsOptions?.hostProcess, 'is a host process');
  no((c.ports ?? []).some((p) => p.hostPort), 'has a port of the host');
  no([c.livenessProbe, c.readinessProbe, c.startupProbe].some((p) => p?.httpGet?.host || p?.tcpSocket?.host), 'probes another host');
  return bad;
}

function restricted(spec) {
  const pod = spec.securityContext ?? {};
  const bad = containers(spec).flatMap((c) => ofContainer(c, pod));
  for (const k of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[k]) bad.push(`${k} is on`);
  for (const v of spec.volumes ?? [])
    for (const k of Object.keys(v)) if (k !== 'name' && !VOLUMES.has(k)) bad.push(`volume ${v.name} is a ${k}`);
  for (const s of pod.sysctls ?? []) if (!SYSCTLS.has(s.name)) bad.push(`sets ${s.name}`);
  if (pod.windowsOptions?.hostProcess) bad.push('is a host process');
  return bad;
}

// The rules of Ward's own pods: docs/deploy.md says why. `claims`: names of volumes that a StatefulSet claims.
function house(spec, claims = []) {
  const bad = [];
  const no = (when, why) => { if (when) bad.push(why); };
  no(spec.automountServiceAccountToken !== false, 'mounts a token of the API server');
  no(spec.enableServiceLinks !== false, 'has variables of other Services in its environment');
  for (const c of containers(spec)) {
    const { requests = {}, limits = {} } = c.resources ?? {};
    no(c.securityContext?.readOnlyRootFilesystem !== true, `${c.name}: can write to its image`);
    no(!limits.memory || limits.memory !== requests.memory, `${c.name}: memory limit is not the request`);
    no(limits.cpu, `${c.name}: has a CPU limit`);
    no(!requests.cpu, `${c.name}: requests no CPU`);
    no(!/@sha256:|:[^/]+$/.test(c.image) || /:latest$/.test(c.image), `${c.name}: its image names no version`);
    for (const m of c.volumeMounts ?? []) {
      const v = (spec.volumes ?? []).find((x) => x.name === m.name);
      no(!v && !claims.includes(m.name), `${c.name}: mounts ${m.name}, which is no volume`);
      no(m.subPath && (v?.secret || v?.projected), `${c.name}: a Secret by subPath is never renewed`);
    }
  }
  return bad;
}

module.exports = { restricted, house };
