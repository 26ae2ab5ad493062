import { createApi, type HttpResponse } from '@dotmac/core/http';
import type { Lifecycle } from '../../src/lifecycle.js';

/** Suspends a customer of `acme` as `user:7` by a request with an Idempotency-Key, whatever the server. */
export async function suspendOverHttp(lifecycle: Lifecycle, customerId: string, key: string): Promise<HttpResponse> {
  const authenticate = () => ({ tenantId: 'acme', actorId: 'user:7', permissions: ['*' as const] });
  const path = '/customer-lifecycle/customers/{id}/suspend';
  const route = createApi(lifecycle, { authenticate, verify: true }).routes.find((each) => each.path === path);
  if (!route) throw new Error(`There is no ${path}`);
  return route.handle({
    method: 'POST',
    path: path.replace('{id}', customerId),
    mountedAt: '',
    params: { id: customerId },
    query: {},
    headers: { 'idempotency-key': key, 'content-type': 'application/json' },
    remoteAddress: '127.0.0.1',
    body: { parsed: { action_type: 'non_payment' } },
    signal: new AbortController().signal,
  });
}
