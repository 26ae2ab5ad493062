import { leasePrefix } from '../runs/lease-keys.js';
import { checkDays } from './allow-list.js';
import { healthTables, type KeptOfHealth } from './own-tables-of-health.js';
import { lifecycleTables, type KeptOfLifecycle } from './own-tables-of-lifecycle.js';
import type { RetentionPolicy } from './policy.js';

/** Options of {@link dotmacRetention}. */
export interface DotmacRetentionOptions {
  /** The key in `databases` of the database that dotmac keeps its own tables in. */
  database: string;
  /** Who may run them: they are about rows of every tenant. */
  tenants: readonly string[];
  /**
   * How long ended runs are kept, and with them plans, the ledger of slots and removed schedules. Default 90 days, at least 7;
   * `historyDays` of `createMaintenance` is heeded besides.
   */
  runDays?: number;
  /** A request may ask for as few instead of `runDays`. Default none fewer; at least 7, and not more than these. */
  minRetentionDays?: number;
  /** For a database that has health's tables too: as `createHealth` is told, whose defaults are these. Default: they are not looked for. */
  health?: KeptOfHealth;
  /**
   * For a database that has lifecycle's tables too: as `createLifecycle` is told, whose defaults are these. Default: they are not
   * looked for.
   */
  lifecycle?: KeptOfLifecycle;
}

/** Who was away for so long is not to come back with a lease. */
const forgottenDays = 90;

/**
 * Policies for the tables that dotmac itself keeps in a database, all of those whose rows go by age: answers kept for
 * idempotency, ended runs, plans, slots, removed schedules and leases that nobody took for 90 days; with `health` its sums,
 * resolved incidents, given up messages and what its processes tell each other; with `lifecycle` operations on many that are over,
 * deliveries that were given up or settled, answers of commands and counts of messages. What belongs together goes together.
 * Each domain removes its own by itself as well, by the same days; what of it waits, is open or is not over stays in either way.
 * Requests for fewer days leave health's and lifecycle's own at theirs, unless they name them: those are refused.
 * @throws INVALID_ARGUMENT when `runDays` or `minRetentionDays` is below 7, or another number of days below 1. `Infinity`: those rows
 * are kept for ever, and have no policy
 *
 * @example retention: [...dotmacRetention({ database: 'main', tenants: ['operator'], health: {}, lifecycle: {} }), sessions]
 */
export function dotmacRetention({
  database,
  tenants,
  runDays = 90,
  minRetentionDays,
  health,
  lifecycle,
}: DotmacRetentionOptions): RetentionPolicy[] {
  for (const [name, days] of Object.entries({ runDays, minRetentionDays }))
    if (days !== undefined) checkDays(`dotmacRetention.${name}`, days, 7);
  // Old rows may well be most of what is there.
  const own = { database, tenants, maxShare: 1 };
  const floor = minRetentionDays === undefined ? {} : { minRetentionDays };
  const history = { ...own, ...floor, retentionDays: runDays };
  const others = [...(health ? healthTables(health) : []), ...(lifecycle ? lifecycleTables(lifecycle) : [])];
  return [
    {
      ...own,
      name: 'dotmac-idempotency',
      table: 'dotmac_idempotency',
      // The column says until when: nothing is to be added.
      timeColumn: 'keep_until',
      retentionDays: 0,
    },
    { ...history, name: 'dotmac-maintenance-runs', table: 'dotmac_maintenance_runs', timeColumn: 'ended_at' },
    { ...history, name: 'dotmac-maintenance-ledger', table: 'dotmac_maintenance_ledger', timeColumn: 'next_at' },
    { ...history, name: 'dotmac-maintenance-plans', table: 'dotmac_maintenance_plans', timeColumn: 'created_at' },
    {
      ...history,
      name: 'dotmac-maintenance-schedules',
      table: 'dotmac_maintenance_schedules',
      timeColumn: 'deleted_at',
      // There are few.
      allowFullScan: true,
    },
    {
      ...own,
      name: 'dotmac-leases',
      table: 'dotmac_leases',
      timeColumn: 'until_at',
      retentionDays: forgottenDays,
      keepsOwnDays: true,
      // The other domains have a few that are named for what they do.
      where: (eb) => eb('name', 'like', `${leasePrefix}%`),
      // There are as many as there were processes and policies lately.
      allowFullScan: true,
    },
    ...others
      .filter(({ retentionDays }) => retentionDays !== Infinity)
      .map((policy) => ({ ...own, keepsOwnDays: true, ...policy })),
  ];
}
