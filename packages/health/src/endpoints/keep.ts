import type { HealthContext } from '../context.js';
import { lastingOf, shown, uncheckedState, type KeptState } from '../monitoring/directory.js';
import type { Endpoint, EndpointRecord } from './endpoint.js';

/** Takes what was written of an endpoint into what this process knows, and has it checked by that. */
export function keep(
  { directory, monitor }: Pick<HealthContext, 'directory' | 'monitor'>,
  endpoint: EndpointRecord,
  state?: KeptState,
  isOneOfMany = false,
): Endpoint {
  const before = directory.get(endpoint.id);
  // Another process changed it since, and that is known here already.
  if (before && before.endpoint.updatedAt > endpoint.updatedAt) return shown(endpoint, before);
  const kept = directory.add(endpoint, state ?? { ...uncheckedState, ...lastingOf(before) });
  monitor.watch(kept, isOneOfMany);
  return shown(endpoint, kept);
}
