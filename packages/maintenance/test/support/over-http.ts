import type { Permission } from '@dotmac/core/contract';
import { createApi, type HttpRequest } from '@dotmac/core/http';
import type { MaintenanceModule } from '../../src/index.js';

/** Asks as `user:1` of `acme`, whatever the server, by a route of maintenance's. An answer that breaks its contract is a 500. */
export async function over(
  maintenance: MaintenanceModule,
  method: 'GET' | 'POST',
  name: string,
  asked: Partial<Pick<HttpRequest, 'params' | 'query' | 'body'>> = {},
  permissions: (Permission | '*')[] = ['*'],
): Promise<{ status: number; body: unknown }> {
  const authenticate = () => ({ tenantId: 'acme', actorId: 'user:1', permissions });
  const path = `/infrastructure-maintenance/${name}`;
  const { routes } = createApi(maintenance, { authenticate, verify: true });
  const route = routes.find((each) => each.method === method && each.path === path);
  if (!route) throw new Error(`There is no ${method} ${path}`);
  const { status, body } = await route.handle({
    method,
    path: path.replace('{id}', asked.params?.['id'] ?? ''),
    mountedAt: '',
    params: {},
    query: {},
    headers: { 'content-type': 'application/json' },
    remoteAddress: '127.0.0.1',
    body: { parsed: undefined },
    signal: new AbortController().signal,
    ...asked,
  });
  return { status, body: JSON.parse(String(body)) as unknown };
}
