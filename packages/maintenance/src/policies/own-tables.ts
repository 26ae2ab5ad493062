import { checkDays } from './allow-list.js';
import type { RetentionPolicy } from './policy.js';

/** Options of {@link dotmacRetention}. */
export interface DotmacRetentionOptions {
  /** The key in `databases` of the database that dotmac keeps its own tables in. */
  database: string;
  /** Who may run them: they are about rows of every tenant. */
  tenants: readonly string[];
  /**
   * How long ended runs are kept, and with them plans and the ledger of slots. Default 90 days, at least 7; `historyDays`
   * of `createMaintenance` is heeded besides.
   */
  runDays?: number;
  /**
   * For a database that has lifecycle's tables too: how long settled deliveries of webhooks are kept. At least 7. Default: they
   * are not looked for.
   */
  lifecycleDays?: number;
  /** A request may ask for as few. Default none fewer than `runDays` and `lifecycleDays`; at least 7, and not more than these. */
  minRetentionDays?: number;
}

/**
 * Policies for the tables that dotmac itself keeps in a database, whose rows go by themselves and belong to no others: answers
 * kept for idempotency and, with `lifecycleDays`, settled deliveries of webhooks, which otherwise go by themselves; ended runs,
 * plans and slots, which otherwise go by `historyDays`. What else the domains keep they look after by themselves, by their own
 * `keptDays` and `retentionDays`: rows of several tables that go together.
 * @throws INVALID_ARGUMENT when any number of days is below 7
 *
 * @example retention: [...dotmacRetention({ database: 'main', tenants: ['operator'] }), sessions]
 */
export function dotmacRetention({
  database,
  tenants,
  runDays = 90,
  lifecycleDays,
  minRetentionDays,
}: DotmacRetentionOptions): RetentionPolicy[] {
  for (const [name, days] of Object.entries({ runDays, lifecycleDays, minRetentionDays }))
    if (days !== undefined) checkDays(`dotmacRetention.${name}`, days, 7);
  // Old rows may well be most of what is there.
  const own = { database, tenants, maxShare: 1 };
  const floor = minRetentionDays === undefined ? {} : { minRetentionDays };
  const history = { ...own, ...floor, retentionDays: runDays };
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
    { ...history, name: 'dotmac-maintenance-ledger', table: 'dotmac_maintenance_ledger', timeColumn: 'slot_at' },
    { ...history, name: 'dotmac-maintenance-plans', table: 'dotmac_maintenance_plans', timeColumn: 'created_at' },
    ...(lifecycleDays === undefined ? [] : [deliveries({ ...own, ...floor, retentionDays: lifecycleDays })]),
  ];
}

const deliveries = (common: Omit<RetentionPolicy, 'name' | 'table' | 'timeColumn'>): RetentionPolicy => ({
  ...common,
  name: 'dotmac-webhook-deliveries',
  table: 'dotmac_webhook_deliveries',
  timeColumn: 'event_at',
  where: (eb) => eb('state', '<>', 'pending'),
});
