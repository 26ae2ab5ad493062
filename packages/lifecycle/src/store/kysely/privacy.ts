import type { StoreTransaction } from '@dotmac/core';
import {
  executorFor,
  fromFlag,
  onConflictDoNothing,
  toJson,
  type CoreTables,
  type Database,
} from '@dotmac/core/kysely';
import type { Erasure, PrivacyStore } from '../store.js';
import { wipeOperations } from './erased-operations.js';
import { serviceOf, serviceRow, signalOf } from './service-tables.js';
import { entryOf, runOf, type LifecycleTables } from './tables.js';

const pageSize = 500;

/** Keys and holds in the database, and the end of what is kept of a customer. */
export function kyselyPrivacy(database: Database, tenantId: string): PrivacyStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  // In the snapshot of a host's own transaction, only a locking read sees what others have committed since.
  const locks = database.traits.skipLocked;
  const keyOf = (customerId: string, trx?: StoreTransaction) =>
    on(trx)
      .selectFrom('dotmac_customer_keys')
      .select('sealed_key')
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId);
  return {
    async key(customerId, trx) {
      const row = await keyOf(customerId, trx)
        .$if(locks && trx !== undefined, (query) => query.forUpdate())
        .executeTakeFirst();
      return row?.sealed_key;
    },
    async keepKey(customerId, make, trx) {
      // Not locked: where there is none yet, that would hold up those who bring their own.
      const known = await keyOf(customerId, trx).executeTakeFirst();
      if (known) return known.sealed_key;
      const row = { tenant_id: tenantId, customer_id: customerId, sealed_key: make() };
      await onConflictDoNothing(database, on(trx).insertInto('dotmac_customer_keys').values(row)).execute();
      const kept = await keyOf(customerId, trx)
        .$if(locks, (query) => query.forUpdate())
        .executeTakeFirstOrThrow();
      return kept.sealed_key;
    },
    async holds(customerId, trx) {
      const rows = await on(trx)
        .selectFrom('dotmac_legal_holds')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .$if(locks && trx !== undefined, (query) => query.forUpdate())
        .orderBy('set_at')
        .orderBy('name')
        .execute();
      return rows.map(({ name, note, set_by: setBy, set_at }) => {
        return { customerId, name, note, setBy, setAt: Number(set_at) };
      });
    },
    async setHold({ customerId, name, note, setBy, setAt }, trx) {
      const row = { tenant_id: tenantId, customer_id: customerId, name, note, set_by: setBy, set_at: setAt };
      await on(trx).insertInto('dotmac_legal_holds').values(row).execute();
    },
    async liftHold(customerId, name, trx) {
      const { numDeletedRows } = await on(trx)
        .deleteFrom('dotmac_legal_holds')
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('name', '=', name)
        .executeTakeFirst();
      return numDeletedRows === 1n;
    },
    // Index: the primary key of either; for each operation that is kept.
    async refusals(customerId) {
      const rows = await on()
        .selectFrom('dotmac_bulk_operations as o')
        .innerJoin('dotmac_bulk_failures as f', (join) =>
          join.onRef('f.tenant_id', '=', 'o.tenant_id').onRef('f.operation_id', '=', 'o.id'),
        )
        .select(['o.id', 'o.command', 'o.dry_run', 'o.created_at', 'f.code', 'f.message'])
        .where('o.tenant_id', '=', tenantId)
        .where('f.customer_id', '=', customerId)
        .orderBy('o.id')
        .execute();
      return rows.map(({ id: operationId, command, dry_run, code, message, created_at }) => {
        return { operationId, command, dryRun: fromFlag(dry_run), code, message, askedAt: Number(created_at) };
      });
    },
    async wipe(customerId, erasure, trx) {
      const of = { database, tenantId, customerId, trx };
      for (const table of [
        'dotmac_customer_keys',
        'dotmac_verification_tokens',
        'dotmac_lifecycle_timers',
        'dotmac_dunning_cases',
        'dotmac_command_answers',
      ] as const)
        await on(trx)
          .deleteFrom(table)
          .where('tenant_id', '=', tenantId)
          .where('customer_id', '=', customerId)
          .execute();
      // Also of attributes that are not searchable any more.
      await on(trx)
        .deleteFrom('dotmac_customer_terms')
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('kind', '=', 'attribute')
        .execute();
      await wipeHistory(of, erasure);
      await wipeServices(of, erasure);
      await wipeRuns(of, erasure);
      await forgetAnswers(of);
      await emptyRefusals(of);
      await wipeOperations(of, erasure);
    },
  };
}

interface Of {
  database: Database;
  tenantId: string;
  customerId: string;
  trx: StoreTransaction;
}

/** Index: the primary key. */
async function wipeHistory({ database, tenantId, customerId, trx }: Of, { entry }: Erasure): Promise<void> {
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
async function wipeServices({ database, tenantId, customerId, trx }: Of, { service }: Erasure): Promise<void> {
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
async function wipeRuns(of: Of, { run, signals }: Erasure): Promise<void> {
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
async function wipeSignals({ database, tenantId, trx }: Of, runId: string, signals: Erasure['signals']): Promise<void> {
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

/** Answers that are kept for requests with an `Idempotency-Key`: all that name the customer. Reads the tenant's. */
async function forgetAnswers({ database, tenantId, customerId, trx }: Of): Promise<void> {
  await executorFor<CoreTables>(database, trx)
    .deleteFrom('dotmac_idempotency')
    .where('tenant_id', '=', tenantId)
    .where('answer', 'like', `%${customerId}%`)
    .execute();
}

/** What a veto of the host's said may name somebody. Index: the primary key, for each operation that is kept. */
async function emptyRefusals({ database, tenantId, customerId, trx }: Of): Promise<void> {
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
