import type { Transaction } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { KeptPlan } from '../../plans/kept-plan.js';
import type { TenantPlans } from '../store.js';
import { asked } from './asked.js';
import type { MaintenanceTables, PlanRow } from './tables.js';

/** One tenant's plans, by the primary key. */
export function kyselyPlans(database: Database, tenantId: string): TenantPlans {
  const db = database.withTables<MaintenanceTables>();
  const own = () => db.selectFrom('dotmac_maintenance_plans').where('tenant_id', '=', tenantId).selectAll();
  return {
    async insert({ id, task, scopeId, actor, parameters, plan, asOf, createdAt, expiresAt, appliedBy }) {
      const row: PlanRow = {
        tenant_id: tenantId,
        id,
        task,
        scope_id: scopeId,
        actor,
        parameters: JSON.stringify(parameters),
        plan: JSON.stringify(plan),
        as_of: asOf,
        created_at: createdAt,
        expires_at: expiresAt,
        applied_by: appliedBy,
      };
      await asked(db.insertInto('dotmac_maintenance_plans').values(row).execute());
    },
    async get(id) {
      const row = await asked(own().where('id', '=', id).executeTakeFirst());
      return row ? planOf(row) : null;
    },
    async list({ limit, before }) {
      const query = before === undefined ? own() : own().where('id', '<', before);
      return (await asked(query.orderBy('id', 'desc').limit(limit).execute())).map(planOf);
    },
  };
}

/** Has a run apply a plan; false when another does. */
export async function takePlan(
  trx: Transaction<MaintenanceTables>,
  tenantId: string,
  id: string,
  runId: string,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('dotmac_maintenance_plans')
    .set({ applied_by: runId })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('applied_by', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

function planOf(row: PlanRow): KeptPlan {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    task: row.task,
    scopeId: row.scope_id,
    actor: row.actor,
    parameters: JSON.parse(row.parameters) as KeptPlan['parameters'],
    plan: JSON.parse(row.plan) as KeptPlan['plan'],
    asOf: Number(row.as_of),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    appliedBy: row.applied_by,
  };
}
