import type { Sealer } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import type { EndpointRecord } from '../endpoints/endpoint.js';
import type { Registrant } from '../endpoints/registrant.js';
import { unsealSecrets, withSecrets } from '../endpoints/secrets.js';
import type { OutcomeCode } from '../probes/outcomes.js';
import type { AnyProbe, ProbeSubject } from '../probes/probe.js';
import type { ProbeRegistry } from '../probes/registry.js';

/** The ways out to where each may send checks. */
export type Connectors = Readonly<Record<Registrant, Connector>>;

/** An endpoint ready to be probed, or why it cannot be. */
export type Prepared =
  | {
      probe: AnyProbe;
      target: { host: string; port: number; config: never; subject: ProbeSubject };
      connector: Connector;
    }
  | { fault: { code: OutcomeCode; message: string } };

/** Makes an endpoint ready: finds its probe, opens its secrets and reads its configuration. Done once for each. */
export type Prepare = (endpoint: EndpointRecord) => Prepared;

/** Makes a {@link Prepare}. What it opened is kept in memory as long as the endpoint's record is. */
export function preparation(probes: ProbeRegistry, sealer: Sealer | undefined, connectors: Connectors): Prepare {
  const known = new WeakMap<EndpointRecord, Prepared>();
  return (endpoint) => {
    const ready = known.get(endpoint) ?? prepared(endpoint, probes, sealer, connectors);
    known.set(endpoint, ready);
    return ready;
  };
}

function prepared(
  endpoint: EndpointRecord,
  probes: ProbeRegistry,
  sealer: Sealer | undefined,
  connectors: Connectors,
): Prepared {
  const probe = probes.get(endpoint.serviceType);
  if (!probe) return { fault: { code: 'probe_missing', message: 'There is no probe for this service type here' } };
  const secrets = unsealSecrets(sealer, endpoint, endpoint.secrets);
  if (!secrets)
    return { fault: { code: 'secrets_closed', message: 'Its secrets cannot be opened here: set them again' } };
  const config = probe.config.safeParse(withSecrets(endpoint.config, secrets));
  if (!config.success)
    return { fault: { code: 'config_unfit', message: 'Its configuration does not fit its probe any more' } };
  const { id: endpointId, tenantId, createdAt, host, port } = endpoint;
  const subject = { tenantId, endpointId, createdAt };
  const target = { host: host ?? '', port: port ?? 0, config: config.data as never, subject };
  return { probe, target, connector: connectors[endpoint.registeredBy] };
}
