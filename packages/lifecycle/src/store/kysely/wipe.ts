import { executorFor, toJson } from '@dotmac/core/kysely';
import type { Erasure } from '../store.js';
import { wipeOperations } from './erased-operations.js';
import { forgetRequests, type ErasedCustomer } from './forget-requests.js';
import { serviceOf, serviceRow, signalOf } from './service-tables.js';
import { entryOf } from './event-row.js';
import { runOf } from './run-row.js';
import type { LifecycleTables } from './tables.js';

const pageSize = 500;

/** Removes what is kept of a customer, or writes what is left of it. */
export async function wipeCustomer(of: ErasedCustomer, erasure: Erasure): Promise<void> {
  const { database, tenantId, customerId, trx } = of;
  const on = executorFor<LifecycleTables>(database, trx);
  for (const table of [
    'dotmac_customer_keys',
    'dotmac_verification_tokens',
    'dotmac_lifecycle_timers',
    'dotmac_dunning_cases',
    'dotmac_command_answers',
  ] as const)
    await on.deleteFrom(table).where('tenant_id', '=', tenantId).where('customer_id', '=', customerId).execute();
  // Also of attributes that are not searchable any more.
  await on
    .deleteFrom('dotmac_customer_terms')
    .where('tenant_id', '=', tenantId)
    .where('customer_id', '=', customerId)
    .where('kind', '=', 'attribute')
    .execute();
  await wipeHistory(of, erasure);
  await wipeServices(of, erasure);
  await wipeRuns(of, erasure);
  await forgetRequests(of, [customerId]);
  // In this order: whoever goes on with an operation has its row before it writes whom it refused.
  await wipeOperations(of, erasure);
  await emptyRefusals(of);
}

/** Index: the primary key. */
async function wipeHistory({ database, tenantId, customerId, trx }: ErasedCustomer, { entry }: Erasure): Promise<void> {
  const on = executorFor<LifecycleTables>(database, trx);
  const table = 'dotmac_customer_events';
  for (let after = 0; ;) {
    const rows = await on
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId)
      .where('seq', '>', after)
      .$if(database.traits.skipLocked, (query) => query.forUpdate())
      .orderBy('seq')
      .limit(pageSize)
      .execute();
    for (const row of rows) {
      const left = entry(entryOf(row));
      after = Number(row.seq);
      if (!left) continue;
      await on
        .updateTable(table)
        .set({ data: JSON.stringify(left.event.data), actor: left.event.actor })
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('seq', '=', row.seq)
        .execute();
    }
    if (rows.length < pageSize) return;
  }
}

/** Index: (tenant_id, customer_id, id). */
async function wipeServices(
  { database, tenantId, customerId, trx }: ErasedCustomer,
  { service }: Erasure,
): Promise<void> {
  const on = executorFor<LifecycleTables>(database, trx);
  const rows = await on
    .selectFrom('dotmac_services')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('customer_id', '=', customerId)
    .$if(database.traits.skipLocked, (query) => query.forUpdate())
    .execute();
  for (const row of rows) {
    const { config, outputs, blocks } = serviceRow(service(serviceOf(row)));
    await on
      .updateTable('dotmac_services')
      .set({ config, outputs, blocks })
      .where('tenant_id', '=', tenantId)
      .where('id', '=', row.id)
      .execute();
  }
}

/** Index: (tenant_id, customer_id, id). */
async function wipeRuns(of: ErasedCustomer, { run, signals }: Erasure): Promise<void> {
  const { database, tenantId, customerId, trx } = of;
  const on = executorFor<LifecycleTables>(database, trx);
  for (let after = ''; ;) {
    const rows = await on
      .selectFrom('dotmac_service_runs')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId)
      .where('id', '>', after)
      .$if(database.traits.skipLocked, (query) => query.forUpdate())
      .orderBy('id')
      .limit(pageSize)
      .execute();
    for (const row of rows) {
      after = row.id;
      const { config, previous, given, steps, requestedBy } = run(runOf(row));
      await on
        .updateTable('dotmac_service_runs')
        .set({
          config: toJson(config),
          previous: toJson(previous),
          given: toJson(given),
          steps: JSON.stringify(steps),
          requested_by: requestedBy,
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', row.id)
        .execute();
      await wipeSignals(of, row.id, signals);
    }
    if (rows.length < pageSize) return;
  }
}

/** Index: the primary key, of which who spoke is a part. */
async function wipeSignals(
  { database, tenantId, trx }: ErasedCustomer,
  runId: string,
  signals: Erasure['signals'],
): Promise<void> {
  const on = executorFor<LifecycleTables>(database, trx);
  const table = 'dotmac_step_signals';
  const rows = await on
    .selectFrom(table)
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('run_id', '=', runId)
    .$if(database.traits.skipLocked, (query) => query.forUpdate())
    .orderBy('step_key')
    .orderBy('at')
    .orderBy('said_by')
    .execute();
  const left = signals(rows.map(signalOf));
  for (const [index, { step_key, said_by }] of rows.entries()) {
    const signal = left[index];
    if (!signal) continue;
    await on
      .updateTable(table)
      .set({ said_by: signal.by, comment: signal.comment, output: JSON.stringify(signal.output ?? null) })
      .where('tenant_id', '=', tenantId)
      .where('run_id', '=', runId)
      .where('step_key', '=', step_key)
      .where('said_by', '=', said_by)
      .execute();
  }
}

/** What a veto of the host's said may name somebody. Index: the primary key, for each operation that is kept. */
async function emptyRefusals({ database, tenantId, customerId, trx }: ErasedCustomer): Promise<void> {
  await executorFor<LifecycleTables>(database, trx)
    .updateTable('dotmac_bulk_failures')
    .set({ message: '' })
    .where('tenant_id', '=', tenantId)
    .where('operation_id', 'in', ({ selectFrom }) =>
      selectFrom('dotmac_bulk_operations').select('id').where('tenant_id', '=', tenantId),
    )
    .where('customer_id', '=', customerId)
    .execute();
}
