import type { InputIssue } from '@dotmac/core';
import { inWords, invalidInput } from '@dotmac/core/contract';
import { faultsOfHost } from '@dotmac/core/net';
import { wouldCircle } from '../dependencies/graph.js';
import type { Directory } from '../monitoring/directory.js';
import { follow, readPath } from '../conditions/path.js';
import type { Connectors } from '../monitoring/prepare.js';
import type { ProbeRegistry } from '../probes/registry.js';
import { faultsOfNamed } from './named.js';
import { placesOfSecrets, secretsNamed } from './secrets.js';
import type { EndpointRecord } from './endpoint.js';

/** What an endpoint is held against besides its schema. */
export interface EndpointRules {
  probes: ProbeRegistry;
  connectors: Connectors;
}

/** What is wrong with an endpoint that its schema does not see, in wire names; nothing when it can be checked. */
function faultsOf(endpoint: EndpointRecord, { probes, connectors }: EndpointRules): InputIssue[] {
  const { serviceType, host, port, config, conditions, secrets } = endpoint;
  const issues: InputIssue[] = [];
  const miss = (path: string, message: string): void => void issues.push({ path, message });
  const probe = probes.get(serviceType);
  if (!probe) {
    miss('service_type', 'There is no such probe here');
    return issues;
  }
  if (probe.addressing === 'none' && host !== null) miss('host', `${serviceType} has no host`);
  if (probe.addressing !== 'port' && port !== null) miss('port', `${serviceType} has no port`);
  const connector = connectors[endpoint.registeredBy];
  if (host !== null) faultsOfHost(host, port ?? undefined, connector).forEach((message) => miss('host', message));
  const read = probe.config.safeParse(config, inWords);
  for (const issue of read.error?.issues ?? []) miss(['config', ...issue.path.map(String)].join('.'), issue.message);
  const { facts } = probe;
  const lacking = read.success ? (probe.lacking?.(read.data as never) ?? []) : [];
  for (const [index, { on }] of conditions.entries()) {
    const [name = ''] = (readPath(on) ?? []).map(String);
    if (!facts || name === 'latency') continue;
    if (!facts.includes(name))
      miss(`conditions.${index}.on`, `${serviceType} knows ${[...facts, 'latency'].join(', ')}`);
    else if (lacking.includes(name))
      miss(`conditions.${index}.on`, `With this config ${serviceType} finds out no ${name}`);
  }
  const named = secretsNamed(config);
  for (const name of named) if (!Object.hasOwn(secrets, name)) miss(`secrets.${name}`, 'config names it: give it');
  for (const name of Object.keys(secrets)) if (!named.has(name)) miss(`secrets.${name}`, 'config does not name it');
  const hidden = [...(probe.secret ?? []), ...(probe.sent ?? [])].map((path) => (readPath(path) ?? []).map(String));
  for (const place of placesOfSecrets(config))
    if (!hidden.some((path) => path.every((key, at) => key === place[at])))
      miss(['config', ...place].join('.'), 'No secret can be named here: it could be shown');
  for (const path of probe.secret ?? []) {
    const text = follow(readPath(path) ?? [], config);
    if (text !== undefined && secretsNamed(text).size === 0)
      miss(`config.${path}`, 'Put this into secrets, and name it here as ${secrets.name}');
  }
  return issues;
}

/**
 * What is wrong with what an endpoint depends on: others of the tenant's, and not itself by a detour.
 * @param known what it depended on before: those that were removed since stay, and are none
 */
function faultsOfDependencies(
  { id, tenantId, dependsOn }: Pick<EndpointRecord, 'id' | 'tenantId' | 'dependsOn'>,
  directory: Pick<Directory, 'get'>,
  known: readonly string[] = [],
): InputIssue[] {
  const path = (index: number): string => `depends_on.${index}`;
  const issues = faultsOfNamed(dependsOn, { tenantId, directory, known: [id, ...known], path });
  const parentsOf = (endpointId: string): readonly string[] => directory.get(endpointId)?.endpoint.dependsOn ?? [];
  if (wouldCircle(id, dependsOn, parentsOf)) issues.push({ path: 'depends_on', message: 'It would depend on itself' });
  return issues;
}

/**
 * Refuses an endpoint that something is wrong with.
 * @param before what it was, when it is changed
 * @throws INVALID_INPUT
 */
export function requireFaultless(
  endpoint: EndpointRecord,
  rules: EndpointRules & { directory: Pick<Directory, 'get'> },
  before?: EndpointRecord,
): void {
  const issues = [...faultsOf(endpoint, rules), ...faultsOfDependencies(endpoint, rules.directory, before?.dependsOn)];
  if (issues.length > 0) throw invalidInput(issues);
}
