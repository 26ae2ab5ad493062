import { Gauge, type Registry } from 'prom-client';
import type { Directory } from './monitoring/directory.js';
import type { KeptEndpoint } from './monitoring/directory.js';
import { isAvailable } from './monitoring/status.js';

/** What is told of each endpoint; undefined where there is nothing to tell yet. */
const readings: Readonly<Record<string, { help: string; read: (kept: KeptEndpoint) => number | undefined }>> = {
  up: {
    help: 'Whether an endpoint is healthy or degraded; nothing while it is unknown',
    read: ({ status }) => (status === 'unknown' ? undefined : Number(isAvailable(status))),
  },
  response_time_seconds: {
    help: 'How long an endpoint took to answer its last check',
    read: ({ responseTimeMs }) => (responseTimeMs === null ? undefined : responseTimeMs / 1_000),
  },
  last_check_timestamp_seconds: {
    help: 'When an endpoint was checked last',
    read: ({ checkedAt }) => (checkedAt === null ? undefined : checkedAt / 1_000),
  },
};

/** Registers gauges of every endpoint, read when they are scraped. */
export function observeEndpoints(registry: Registry, directory: Directory): void {
  for (const [name, { help, read }] of Object.entries(readings))
    new Gauge({
      name: `dotmac_health_endpoint_${name}`,
      help,
      labelNames: ['tenant', 'endpoint', 'name'] as const,
      registers: [registry],
      collect() {
        // What is gone is shown no more.
        this.reset();
        for (const kept of directory.all()) {
          const { tenantId: tenant, id: endpoint, name: called } = kept.endpoint;
          const value = read(kept);
          if (value !== undefined) this.set({ tenant, endpoint, name: called }, value);
        }
      },
    });
}
