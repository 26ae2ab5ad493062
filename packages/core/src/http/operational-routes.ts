import type { Registry } from 'prom-client';
import type { Module } from '../module.js';
import type { ApiRoute } from './api.js';
import { respondJson } from './respond.js';

/**
 * `/livez`, `/readyz` and `/metrics`: for orchestrators and scrapers, without credentials and without a tenant's data.
 * Liveness never depends on anything else: restarting this process does not heal a database.
 */
export function operationalRoutes(module: Pick<Module, 'readiness'>, metrics: Registry | undefined): ApiRoute[] {
  const get = (path: string, handle: ApiRoute['handle']): ApiRoute => ({ method: 'GET', path, handle });
  return [
    get('/livez', () => Promise.resolve(respondJson(200, '{"status":"ok"}'))),
    get('/readyz', () => {
      const { ready, parts } = module.readiness();
      return Promise.resolve(
        respondJson(ready ? 200 : 503, JSON.stringify({ status: ready ? 'ready' : 'not_ready', parts })),
      );
    }),
    ...(metrics
      ? [
          get('/metrics', async () => ({
            status: 200,
            headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' },
            body: await metrics.metrics(),
          })),
        ]
      : []),
  ];
}
