import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus, type EndpointStatus } from '../endpoints/endpoint.js';
import type { KeptEndpoint } from '../monitoring/directory.js';
import { outcomeCode } from '../probes/outcomes.js';

/** One tenant's network in figures. */
export const healthFigures = z
  .object({
    overallStatus: endpointStatus,
    totalEndpoints: z.int(),
    healthyCount: z.int(),
    degradedCount: z.int(),
    criticalCount: z.int(),
    offlineCount: z.int(),
    unknownCount: z.int(),
    averageResponseTime: z.number().nullable().meta({ description: 'Seconds, over the endpoints that answered' }),
    timestamp: instant,
  })
  .meta({ id: 'HealthFigures' });

/** The figures, and each endpoint's state. */
export const healthSummary = healthFigures
  .extend({
    details: z.array(
      z.object({
        endpointId: z.string(),
        endpointName: z.string(),
        status: endpointStatus,
        responseTime: z.number().nullable(),
        code: outcomeCode,
        message: z.string(),
        checkedAt: instant.nullable(),
      }),
    ),
  })
  .meta({ id: 'HealthSummary' });

/** @see healthFigures */
export type HealthFigures = z.output<typeof healthFigures>;
/** @see healthSummary */
export type HealthSummary = z.output<typeof healthSummary>;

type Counts = Record<EndpointStatus, number>;

/**
 * What many statuses come to: unknown until one endpoint is known, offline when all are, critical when any is critical
 * or offline, degraded when any is, else healthy.
 */
function overallStatus({ healthy, degraded, critical, offline, unknown }: Counts): EndpointStatus {
  const known = healthy + degraded + critical + offline;
  if (known === 0) return 'unknown';
  if (offline > 0 && offline === known + unknown) return 'offline';
  if (critical + offline > 0) return 'critical';
  return degraded > 0 ? 'degraded' : 'healthy';
}

const inSeconds = (ms: number): number => Math.round(ms * 1_000) / 1_000_000;

/** Sums up kept states; nothing is probed and nothing read from the store. */
export function figuresOf(endpoints: Iterable<KeptEndpoint>, now: number): HealthFigures {
  const counts: Counts = { healthy: 0, degraded: 0, critical: 0, offline: 0, unknown: 0 };
  let [answering, sumMs] = [0, 0];
  for (const { status, responseTimeMs } of endpoints) {
    counts[status]++;
    if (responseTimeMs === null) continue;
    answering++;
    sumMs += responseTimeMs;
  }
  return {
    overallStatus: overallStatus(counts),
    totalEndpoints: Object.values(counts).reduce((sum, count) => sum + count, 0),
    healthyCount: counts.healthy,
    degradedCount: counts.degraded,
    criticalCount: counts.critical,
    offlineCount: counts.offline,
    unknownCount: counts.unknown,
    averageResponseTime: answering === 0 ? null : inSeconds(sumMs / answering),
    timestamp: now,
  };
}

/** The figures with every endpoint's state. */
export function summaryOf(endpoints: readonly KeptEndpoint[], now: number): HealthSummary {
  return {
    ...figuresOf(endpoints, now),
    details: endpoints.map(({ endpoint, status, responseTimeMs, code, message, checkedAt }) => ({
      endpointId: endpoint.id,
      endpointName: endpoint.name,
      status,
      responseTime: responseTimeMs === null ? null : inSeconds(responseTimeMs),
      code,
      message,
      checkedAt,
    })),
  };
}
