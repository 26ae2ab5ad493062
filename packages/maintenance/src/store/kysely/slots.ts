import type { Kysely, Transaction } from 'kysely';
import { insertedCount, numberOrNull, onConflictDoNothing, type Database } from '@dotmac/core/kysely';
import {
  openOutcomes,
  waitingOutcomes,
  type SlotKey,
  type SlotOutcome,
  type SlotRecord,
  type SlotTurn,
} from '../../schedule/slot.js';
import type { TenantSlots } from '../store.js';
import { asked } from './asked.js';
import type { MaintenanceTables, SlotRow } from './tables.js';

/** One tenant's ledger, by the primary key and by the index of its list. */
export function kyselySlots(database: Database, tenantId: string): TenantSlots {
  const db = database.withTables<MaintenanceTables>();
  const of = (schedule: string) =>
    db.selectFrom('dotmac_maintenance_ledger').where('tenant_id', '=', tenantId).where('schedule', '=', schedule);
  return {
    async claim(slot) {
      const insert = db.insertInto('dotmac_maintenance_ledger').values(rowOf({ ...slot, tenantId }));
      return insertedCount(await asked(onConflictDoNothing(database, insert).execute())) === 1;
    },
    async change(slot, instance, { outcome, runId, attempts, endedAt, message }) {
      const set = { outcome, run_id: runId, attempts, ended_at: endedAt, message };
      const update = updateOpen(db, tenantId, slot, instance).set(set);
      return (await asked(update.executeTakeFirst())).numUpdatedRows === 1n;
    },
    async changeLeft(seen, { outcome, instance, claimedAt, endedAt, message }) {
      const update = updateOpen(db, tenantId, seen, seen.instance)
        .set({ outcome, instance, claimed_at: claimedAt, ended_at: endedAt, message })
        .where('outcome', '=', seen.outcome)
        .where('outcome', 'in', waitingOutcomes)
        .where('attempts', '=', seen.attempts)
        .where('ended_at', seen.endedAt === null ? 'is' : '=', seen.endedAt);
      return (await asked(update.executeTakeFirst())).numUpdatedRows === 1n;
    },
    async at(schedule, slotAt) {
      const found = of(schedule).where('slot_at', '=', slotAt).orderBy('scope_id').limit(500).selectAll();
      return (await asked(found.execute())).map(slotOf);
    },
    async latest(schedule, scopeId, until) {
      const known = of(schedule).where('scope_id', '=', scopeId).where('slot_at', '<=', until);
      const last = known.orderBy('slot_at', 'desc').limit(1).select('slot_at');
      return numberOrNull((await asked(last.executeTakeFirst()))?.slot_at ?? null);
    },
    async list({ schedule, limit, after }) {
      let query = of(schedule).selectAll();
      if (after)
        query = query.where(({ eb, or, and }) =>
          or([
            eb('slot_at', '<', after.slotAt),
            and([eb('slot_at', '=', after.slotAt), eb('scope_id', '<', after.scopeId)]),
          ]),
        );
      return (await asked(query.orderBy('slot_at', 'desc').orderBy('scope_id', 'desc').limit(limit).execute())).map(
        slotOf,
      );
    },
  };
}

/** A slot that is open and that process's. */
function updateOpen(
  db: Kysely<MaintenanceTables>,
  tenantId: string,
  { schedule, scopeId, slotAt }: SlotKey,
  instance: string,
) {
  return db
    .updateTable('dotmac_maintenance_ledger')
    .where('tenant_id', '=', tenantId)
    .where('schedule', '=', schedule)
    .where('scope_id', '=', scopeId)
    .where('slot_at', '=', slotAt)
    .where('instance', '=', instance)
    .where('outcome', 'in', openOutcomes);
}

/** Has a slot name the run that begins for it; false when it is not that process's, or not open. */
export async function beginSlot(
  trx: Transaction<MaintenanceTables>,
  tenantId: string,
  { instance, attempts, ...slot }: SlotTurn,
  runId: string,
): Promise<boolean> {
  const update = updateOpen(trx, tenantId, slot, instance).set({ outcome: 'running', run_id: runId, attempts });
  return (await update.executeTakeFirst()).numUpdatedRows === 1n;
}

/** Slots of all tenants that somebody is at, by the index of states. */
export async function openSlots(database: Database, limit: number): Promise<SlotRecord[]> {
  const open = database
    .withTables<MaintenanceTables>()
    .selectFrom('dotmac_maintenance_ledger')
    .where('outcome', 'in', openOutcomes);
  return (await asked(open.orderBy('slot_at').limit(limit).selectAll().execute())).map(slotOf);
}

function rowOf(it: SlotRecord): SlotRow {
  return {
    tenant_id: it.tenantId,
    schedule: it.schedule,
    scope_id: it.scopeId,
    slot_at: it.slotAt,
    outcome: it.outcome,
    instance: it.instance,
    run_id: it.runId,
    attempts: it.attempts,
    claimed_at: it.claimedAt,
    ended_at: it.endedAt,
    message: it.message,
    next_at: it.nextAt,
  };
}

function slotOf(row: SlotRow): SlotRecord {
  return {
    tenantId: row.tenant_id,
    schedule: row.schedule,
    scopeId: row.scope_id,
    slotAt: Number(row.slot_at),
    outcome: row.outcome as SlotOutcome,
    instance: row.instance,
    runId: row.run_id,
    attempts: Number(row.attempts),
    claimedAt: Number(row.claimed_at),
    endedAt: numberOrNull(row.ended_at),
    message: row.message,
    nextAt: Number(row.next_at ?? row.slot_at),
  };
}
