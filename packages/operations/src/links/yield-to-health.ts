import type { EndpointStatus, Health } from '@dotmac/health';
import type { PressureSignal } from '@dotmac/maintenance';

/** What stands for a database: an endpoint of a tenant's, or all of its endpoints that have a tag, of which the worst counts. */
export type DatabaseEndpoint = { tenantId: string } & ({ endpointId: string } | { tag: string });

/** What is not known says nothing of the database. */
const severities: Record<EndpointStatus, number> = { healthy: 0, unknown: 0, degraded: 1, critical: 2, offline: 3 };
const statuses = Object.keys(severities) as EndpointStatus[];
const statusOf = (severity: number): EndpointStatus => statuses.find((it) => severities[it] === severity) ?? 'unknown';

/**
 * Signals by which work on each of the databases waits while its endpoint is degraded, critical or offline, by kept state:
 * nothing is probed for it. It goes on without one whose endpoint is not there, and the run's log says so.
 * @param databases endpoints by the name of their database among maintenance's `databases`
 */
export function yieldToHealth(
  health: Pick<Health, 'scope'>,
  databases: Readonly<Record<string, DatabaseEndpoint>>,
): PressureSignal[] {
  return Object.entries(databases).map(([database, { tenantId, ...endpoint }]) => {
    const scope = health.scope({ tenantId });
    const of = 'tag' in endpoint ? endpoint : { endpointIds: [endpoint.endpointId] };
    return {
      name: `database_health:${database}`,
      unit: 'severity',
      database,
      pauseAt: severities.degraded,
      resumeAt: severities.healthy,
      whenUnreadable: 'ignore',
      // Without the endpoint's name: the log may be another tenant's.
      says: (severity) => `is ${statusOf(severity)}; work goes on when that is over`,
      read() {
        const { endpoints } = scope.readiness(of);
        if (endpoints.length === 0) throw new Error('there is no such endpoint');
        return Math.max(...endpoints.map(({ status }) => severities[status]));
      },
    };
  });
}
