import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { shownEvent } from '../customers/summarize.js';
import { provisioningOf, type Run } from '../provisioning/run.js';
import { recordOfService } from '../services/service-record.js';
import type { TenantStore } from '../store/store.js';
import { viewOfTimer } from '../timers/view.js';
import type { ExportLine } from './export-line.js';
import { viewOfHold } from './hold.js';
import { openEntries } from './vault.js';

const pageSize = 500;

/**
 * Reads all that is held on a customer, a page at a time: `docs/forget-a-customer.md` says of every table what becomes of
 * it here. Hashes, keys and leases are left out: they say nothing of anybody.
 */
export async function* exportLines(context: LifecycleContext, customer: Customer): AsyncGenerator<ExportLine> {
  const store = context.store.tenant(customer.tenantId);
  const { id } = customer;
  let lines = 0;
  for (const part of [
    [{ kind: 'customer' as const, ...customer, blocks: [...customer.blocks] }],
    eventLines(context, store, customer),
    serviceLines(store, id),
    smallLines(store, id),
  ])
    for await (const line of part) {
      lines += 1;
      yield line;
    }
  yield { kind: 'end', lines };
}

async function* eventLines(
  context: LifecycleContext,
  { history, webhooks }: TenantStore,
  { id, tenantId }: Customer,
): AsyncGenerator<ExportLine> {
  for (let after = 0; ;) {
    const entries = await history.readFrom(id, { after, limit: pageSize });
    for (const entry of await openEntries(context, tenantId, id, entries))
      yield { kind: 'event', seq: entry.seq, ...shownEvent(entry) };
    // Who else was told of them.
    const eventIds = entries.map(({ event }) => event.id);
    for (const delivery of await webhooks.deliveriesFor(eventIds)) yield { kind: 'webhook_delivery', ...delivery };
    after = entries.at(-1)?.seq ?? after;
    if (entries.length < pageSize) return;
  }
}

async function* serviceLines(store: TenantStore, customerId: string): AsyncGenerator<ExportLine> {
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await store.services.list({ customerId, limit: pageSize, cursor });
    for (const service of items) {
      yield { kind: 'service', ...recordOfService(service) };
      yield* runLines(store, service.id);
    }
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
}

async function* runLines({ runs, signals }: TenantStore, serviceId: string): AsyncGenerator<ExportLine> {
  let cursor: string | undefined;
  do {
    const found: Run[] = await runs.listFor(serviceId, pageSize, cursor);
    for (const run of found) {
      const outputs = Object.fromEntries(run.steps.map(({ key, output }) => [key, output ?? null]));
      const { config: customConfig, requestedBy } = run;
      yield { kind: 'run', ...provisioningOf(run), customConfig, outputs, requestedBy };
      for (const { key } of run.steps)
        for (const { by: saidBy, kind: said, comment, output, at } of await signals.list(run.id, key))
          yield { kind: 'signal', requestId: run.id, step: key, saidBy, said, comment, output, at };
    }
    cursor = found.length < pageSize ? undefined : found.at(-1)?.id;
  } while (cursor !== undefined);
}

async function* smallLines(store: TenantStore, customerId: string): AsyncGenerator<ExportLine> {
  for (const timer of await store.timers.listFor(customerId)) yield { kind: 'timer', ...viewOfTimer(timer) };
  for (const { policy, openedAt, stepsTaken, invoices } of await store.dunningCases.listFor(customerId))
    yield { kind: 'dunning', policy, openedAt, stepsTaken, invoices: [...invoices] };
  for (const channel of ['email', 'phone'] as const) {
    const token = await store.tokens.get(customerId, channel);
    if (!token) continue;
    const { issuedAt, expiresAt, consumedAt, attempts } = token;
    yield { kind: 'token', channel, issuedAt, expiresAt, consumedAt, attempts };
  }
  for (const hold of await store.privacy.holds(customerId)) yield { kind: 'hold', ...viewOfHold(hold) };
  for (const refusal of await store.privacy.refusals(customerId)) yield { kind: 'bulk_refusal', ...refusal };
}
