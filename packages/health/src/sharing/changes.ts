import type { AnyEvent } from '@dotmac/core';
import type { HealthEvents } from '../events.js';
import type { EndpointChange } from '../store/sharing.js';

/** The endpoints that other processes are to read anew, after what happened. */
export function changesOf(
  events: readonly AnyEvent<HealthEvents>[],
): Pick<EndpointChange, 'tenantId' | 'endpointId'>[] {
  return events
    .filter(({ name }) => name === 'incident.resolved' || name.startsWith('endpoint.'))
    .map(({ tenantId, subject: endpointId }) => ({ tenantId, endpointId }));
}
