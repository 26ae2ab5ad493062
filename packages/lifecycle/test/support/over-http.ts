import type { Permission } from '@dotmac/core/contract';
import { createApi, type HttpRequest, type HttpResponse } from '@dotmac/core/http';
import type { Lifecycle } from '../../src/lifecycle.js';

/** Suspends a customer of `acme` as `user:7` by a request with an Idempotency-Key, whatever the server. */
export function suspendOverHttp(lifecycle: Lifecycle, customerId: string, key: string): Promise<HttpResponse> {
  return over(lifecycle, 'POST', 'customers/{id}/suspend', {
    params: { id: customerId },
    headers: { 'idempotency-key': key, 'content-type': 'application/json' },
    body: { parsed: { action_type: 'non_payment' } },
  });
}

/** Asks as `user:7` of `acme` for what stands under a path of lifecycle's, whatever the server. */
export function getOverHttp(lifecycle: Lifecycle, path: string, query: Record<string, string>): Promise<HttpResponse> {
  return over(lifecycle, 'GET', path, { query });
}

/** Asks as `user:7` of `acme`, whatever the server, by a route of lifecycle's. */
export async function over(
  lifecycle: Lifecycle,
  method: 'GET' | 'POST' | 'DELETE',
  name: string,
  asked: Partial<HttpRequest>,
  permissions: (Permission | '*')[] = ['*'],
): Promise<HttpResponse> {
  const authenticate = () => ({ tenantId: 'acme', actorId: 'user:7', permissions });
  const path = `/customer-lifecycle/${name}`;
  const { routes } = createApi(lifecycle, { authenticate, verify: true });
  const route = routes.find((each) => each.method === method && each.path === path);
  if (!route) throw new Error(`There is no ${method} ${path}`);
  return route.handle({
    method,
    path: path.replace('{id}', asked.params?.['id'] ?? ''),
    mountedAt: '',
    params: {},
    query: {},
    headers: {},
    remoteAddress: '127.0.0.1',
    body: { parsed: undefined },
    signal: new AbortController().signal,
    ...asked,
  });
}
