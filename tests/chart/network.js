'use strict';
// Which pod of a release may open a connection to which port of another, as its NetworkPolicies decide: a connection passes where the
// policies of the one who calls and of the one who is called both let it.

const matches = (selector, labels) => {
  const all = Object.entries(selector?.matchLabels ?? {}).every(([k, v]) => labels[k] === v);
  if (selector?.matchExpressions) throw new Error('matchExpressions in a NetworkPolicy: teach this test');
  return all;
};

// A rule without `to`/`from` is for everybody. A peer with a namespaceSelector or an ipBlock is somebody else's pod.
const peerIs = (peers, labels) => !peers || peers.some((p) => p.podSelector && !p.namespaceSelector && !p.ipBlock && matches(p.podSelector, labels));
const portIs = (ports, port) => !ports || ports.some((p) => p.port === port && (p.protocol ?? 'TCP') === 'TCP');

function passes(policies, way, self, other, port) {
  const type = way === 'ingress' ? 'Ingress' : 'Egress';
  const peers = way === 'ingress' ? 'from' : 'to';
  const mine = policies.filter((p) => p.spec.policyTypes.includes(type) && matches(p.spec.podSelector, self));
  return mine.length === 0 || mine.some((p) => (p.spec[way] ?? []).some((r) => peerIs(r[peers], other) && portIs(r.ports, port)));
}

const may = (policies, from, to, port) =>
  passes(policies, 'egress', from, to, port) && passes(policies, 'ingress', to, from, port);

module.exports = { may, matches };
