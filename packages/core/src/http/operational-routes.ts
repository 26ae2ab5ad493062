import type { Registry } from 'prom-client';
import type { Module } from '../module.js';
import type { OpenRoute } from './handle.js';
import { respondJson } from './respond.js';

/**
 * `/livez`, `/readyz` and `/metrics`: for orchestrators and scrapers, without credentials and without a tenant's data.
 * Liveness never depends on anything else: restarting this process does not heal a database.
 */
export function operationalRoutes(module: Pick<Module, 'readiness'>, metrics: Registry | undefined): OpenRoute[] {
  // Never refused for their number: an orchestrator would take that for a dead process.
  const get = (path: string, answer: OpenRoute['answer']): OpenRoute => ({ path, limited: false, answer });
  return [
    get('/livez', () => respondJson(200, '{"status":"ok"}')),
    get('/readyz', () => {
      const { ready, parts } = module.readiness();
      return respondJson(ready ? 200 : 503, JSON.stringify({ status: ready ? 'ready' : 'not_ready', parts }));
    }),
    ...(metrics
      ? [
          {
            path: '/metrics',
            limited: true,
            answer: async () => ({
              status: 200,
              headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' },
              body: await metrics.metrics(),
            }),
          },
        ]
      : []),
  ];
}
