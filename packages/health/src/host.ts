import type { DomainEvent } from '@dotmac/core';
import type { HealthContext } from './context.js';
import type { EndpointStatus } from './endpoints/endpoint.js';
import { healthErrors } from './errors.js';
import type { HealthEvents } from './events.js';
import type { KeptEndpoint } from './monitoring/directory.js';
import { instantOf, resultOf, type PassiveOutcome } from './monitoring/passive.js';
import { isAvailable } from './monitoring/status.js';

/** A change of an endpoint's status. */
export type Transition = DomainEvent<HealthEvents, 'endpoint.status_changed'>;

/** Whether what an application needs is there. */
export interface HostReadiness {
  ready: boolean;
  endpoints: { id: string; name: string; status: EndpointStatus }[];
}

/** What the host's own code asks and tells, from kept state and in memory: microseconds, and no probe. */
export interface HostHealth {
  /**
   * Whether an endpoint is healthy or degraded, from kept state; false also when it is unknown or not there.
   *
   * @example
   * if (!health.scope({ tenantId: 'acme' }).isUp(billingDatabase)) return cachedInvoice;
   */
  isUp(endpointId: string): boolean;
  /**
   * Tells what became of the host's own traffic to an endpoint: it counts like a check. Of a second's traffic the first
   * of each kind counts for the status; all of it is in the sums.
   * @throws ENDPOINT_NOT_FOUND, INVALID_INPUT (an `at` that is no instant of the last hour)
   *
   * @example
   * scope.record(paymentApi, { ok: response.ok, responseTimeMs });
   */
  record(endpointId: string, outcome: PassiveOutcome): void;
  /**
   * Calls `listener` for every change of status of this tenant's, or of one endpoint's, after it was committed: in every
   * process on the store, whichever monitors, at once in the one that does and within a second or so in the others. What
   * happens while this process does not run it is not told: what must not be missed belongs to `health.events`. Returns how
   * to stop.
   */
  onTransition(listener: (transition: Transition) => void, of?: { endpointId?: string }): () => void;
  /**
   * Whether the endpoints with a tag, or those named, are all up: for the host's own readiness. A tag that no endpoint has
   * is not ready, for it is mistyped more likely than meant.
   */
  readiness(of: { tag: string } | { endpointIds: readonly string[] }): HostReadiness;
}

/** The host's side of one scope. */
export function hostHealth({ directory, monitor, followed, clock }: HealthContext, tenantId: string): HostHealth {
  const own = (endpointId: string): KeptEndpoint | undefined => {
    const kept = directory.get(endpointId);
    return kept?.endpoint.tenantId === tenantId ? kept : undefined;
  };
  return {
    isUp: (endpointId) => isAvailable(own(endpointId)?.status ?? 'unknown'),
    record(endpointId, outcome) {
      const kept = own(endpointId);
      if (!kept) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
      const result = resultOf(outcome, kept.endpoint.expectedResponseTime * 1_000);
      monitor.take(kept, result, instantOf(outcome, clock.now()));
    },
    onTransition: (listener, { endpointId } = {}) =>
      followed.on('endpoint.status_changed', (transition) => {
        if (transition.tenantId !== tenantId) return;
        if (endpointId === undefined || transition.subject === endpointId) listener(transition);
      }),
    readiness(of) {
      const asked =
        'tag' in of
          ? [...directory.ofTenant(tenantId)].filter(({ endpoint }) => endpoint.tags.includes(of.tag))
          : of.endpointIds.flatMap((endpointId) => own(endpointId) ?? []);
      const endpoints = asked.map(({ endpoint: { id, name }, status }) => ({ id, name, status }));
      const isWhole = 'tag' in of ? asked.length > 0 : asked.length === of.endpointIds.length;
      return { ready: isWhole && endpoints.every(({ status }) => isAvailable(status)), endpoints };
    },
  };
}
