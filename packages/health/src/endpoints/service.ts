import { newId, type ScopeIdentity } from '@dotmac/core';
import { invalidInput, type Page } from '@dotmac/core/contract';
import { healthErrors } from '../errors.js';
import { healthEvents } from '../events.js';
import type { HealthContext } from '../context.js';
import { shown } from '../monitoring/directory.js';
import { endpointInput, type Endpoint, type EndpointDraft } from './endpoint.js';

/** One tenant's endpoints. */
export interface EndpointService {
  /**
   * Registers an endpoint; it is checked within a second or so.
   * @throws INVALID_INPUT (also for an address that the egress policy denies), ENDPOINT_LIMIT_REACHED
   */
  register(draft: EndpointDraft): Promise<Endpoint>;
  /** @throws ENDPOINT_NOT_FOUND */
  get(endpointId: string): Promise<Endpoint>;
  /** In the order of registration. */
  list(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<Endpoint>>;
  /** Removes an endpoint and its history. @throws ENDPOINT_NOT_FOUND */
  remove(endpointId: string): Promise<{ message: string }>;
}

/** The endpoints of one scope. */
export function endpointService(context: HealthContext, { tenantId, actor }: ScopeIdentity): EndpointService {
  const { store, directory, clock, connector, maxEndpoints } = context;
  const endpoints = store.tenant(tenantId);
  const withKeptState = (endpoint: Parameters<typeof shown>[0], state: Parameters<typeof shown>[1] | null): Endpoint =>
    shown(endpoint, directory.get(endpoint.id) ?? state ?? undefined);

  return {
    async register(draft) {
      const input = endpointInput.parse(draft);
      if (connector.judgeHost(input.host, input.port)?.allowed === false)
        throw invalidInput([{ path: 'host', message: 'Connecting to this address is not allowed here' }]);
      if (directory.countOf(tenantId) >= maxEndpoints)
        throw healthErrors.ENDPOINT_LIMIT_REACHED({ limit: maxEndpoints });
      const now = clock.now();
      const endpoint = { id: newId(), tenantId, ...input, createdAt: now, updatedAt: now };
      const data = { name: input.name, serviceType: input.serviceType };
      const event = healthEvents.create('endpoint.registered', {
        tenantId,
        actor,
        subject: endpoint.id,
        at: now,
        data,
      });
      await context.change(event, (trx) => endpoints.insert(endpoint, trx));
      directory.add(endpoint);
      context.checkSoon(endpoint.id);
      return shown(endpoint, undefined);
    },
    async get(endpointId) {
      const found = await endpoints.get(endpointId);
      if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
      return withKeptState(found.endpoint, found.state);
    },
    async list({ limit = 50, cursor } = {}) {
      const { items, nextCursor } = await endpoints.list({ limit, after: cursor ?? null });
      return { items: items.map(({ endpoint, state }) => withKeptState(endpoint, state)), nextCursor };
    },
    async remove(endpointId) {
      const found = await endpoints.get(endpointId);
      if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
      const { name } = found.endpoint;
      const of = { tenantId, actor, subject: endpointId, at: clock.now(), data: { name } };
      await context.change(healthEvents.create('endpoint.removed', of), async (trx) => {
        if (!(await endpoints.remove(endpointId, trx))) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
      });
      directory.remove(tenantId, endpointId);
      return { message: `Endpoint ${name} was removed.` };
    },
  };
}
