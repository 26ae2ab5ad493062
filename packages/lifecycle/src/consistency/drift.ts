import { describeError } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { driftOf, isThere, type ServiceDrift } from '../services/drift.js';
import type { ServiceInstance } from '../services/instance.js';
import { driftQuery, type DriftDraft, type DriftLine } from './drift-line.js';

/** How systems are asked. */
export interface DriftAsk extends DriftDraft {
  /** Stops it; steps that are being asked are cut short. */
  signal?: AbortSignal | undefined;
}

/** What came of asking after one service. */
interface Found {
  kind: 'drifted' | 'unknown' | 'unchecked' | 'present';
  reason: string | null;
  steps: ServiceDrift['steps'];
}

const atOnce = 200;

/** Asks the systems behind a tenant's services whether what was set up is still there, service by service. */
export async function* driftLines(
  context: LifecycleContext,
  tenantId: string,
  { signal = new AbortController().signal, ...draft }: DriftAsk,
): AsyncGenerator<DriftLine> {
  const { customerId, serviceName, concurrency } = readDraft(driftQuery, draft);
  const { services } = context.store.tenant(tenantId);
  const counts = { checked: 0, drifted: 0, unknown: 0, unchecked: 0 };
  const line = (kind: DriftLine['kind'], service?: ServiceInstance, found?: Found): DriftLine => {
    const of = { serviceId: service?.id ?? null, customerId: service?.customerId ?? null };
    const { reason = null, steps = [] } = found ?? {};
    return { kind, ...counts, ...of, serviceName: service?.serviceName ?? null, reason, steps };
  };
  let cursor: string | undefined;
  do {
    signal.throwIfAborted();
    const { items, nextCursor } = await services.list({ customerId, limit: atOnce, cursor });
    const wanted = items.filter((it) => isThere(it) && (serviceName === undefined || it.serviceName === serviceName));
    for (let from = 0; from < wanted.length; from += concurrency) {
      const some = wanted.slice(from, from + concurrency);
      const answers = await Promise.all(some.map((service) => ask(context, service, signal)));
      for (const [index, found] of answers.entries()) {
        counts.checked += 1;
        if (found.kind === 'present') continue;
        counts[found.kind] += 1;
        if (found.kind !== 'unchecked' || found.reason !== null) yield line(found.kind, some[index], found);
      }
    }
    cursor = nextCursor ?? undefined;
    if (cursor !== undefined) yield line('progress');
  } while (cursor !== undefined);
  yield line('done');
}

async function ask(context: LifecycleContext, service: ServiceInstance, signal: AbortSignal): Promise<Found> {
  const unchecked = (reason: string | null): Found => ({ kind: 'unchecked', reason, steps: [] });
  const busy = unchecked('Something is being done to it.');
  if (service.openRunId !== null) return busy;
  let steps: ServiceDrift['steps'];
  try {
    ({ steps } = await driftOf(context, service, signal));
  } catch (error) {
    signal.throwIfAborted();
    const { tenantId, id: serviceId } = service;
    context.logger.warn({ tenantId, serviceId, ...describeError(error) }, 'a service could not be asked after');
    return unchecked('Its template is not here, or it could not be read; the log of the server says more.');
  }
  if (steps.length === 0) return unchecked(null);
  const isMissing = steps.some(({ found }) => found === 'missing');
  if (!isMissing && steps.every(({ found }) => found === 'present')) return { kind: 'present', reason: null, steps };
  // What was taken down meanwhile is rightly not there.
  const now = await context.store.tenant(service.tenantId).services.get(service.id);
  if (now?.openRunId !== null || now.updatedAt !== service.updatedAt) return busy;
  return { kind: isMissing ? 'drifted' : 'unknown', reason: null, steps };
}
