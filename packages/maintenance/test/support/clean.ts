import { systemClock } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import { deleteRows, type DeleteRowsOptions } from '../../src/databases/rows/delete-rows.js';
import { planRows, type RowPlan } from '../../src/databases/rows/plan-rows.js';
import { prepareAll } from '../../src/databases/rows/prepare.js';
import type { Prepared } from '../../src/databases/rows/prepared.js';
import { checkPolicies } from '../../src/policies/policy-set.js';
import type { RetentionPolicy } from '../../src/policies/policy.js';

/** Nobody ends what looks at it. */
export const neverAborted: AbortSignal = new AbortController().signal;

/** One policy as it is registered, looked up and planned. */
export async function planned(
  database: Database,
  policy: Omit<RetentionPolicy, 'name' | 'database'>,
  asOf: number,
): Promise<{ prepared: Prepared; plan: RowPlan }> {
  const { retention } = checkPolicies({
    databases: { main: database },
    retention: [{ name: 'tested', database: 'main', ...policy }],
  });
  const { ordered, unprepared } = await prepareAll(retention, asOf, undefined, neverAborted);
  const [prepared] = ordered;
  if (!prepared) throw unprepared[0]?.fault ?? new Error('nothing was prepared');
  return { prepared, plan: await planRows(prepared, neverAborted) };
}

/** Does all of it, without an engine around it. */
export async function clean(
  database: Database,
  { prepared, plan }: { prepared: Prepared; plan: RowPlan },
  options: Partial<DeleteRowsOptions> = {},
) {
  const { walk } = plan.strategy;
  if (!walk) throw new Error('partitions are dropped by something else');
  return deleteRows(
    { dialect: prepared.dialect, selection: prepared.selection, facts: prepared.facts, along: prepared.along, walk },
    {
      database,
      clock: systemClock,
      signal: neverAborted,
      archive: prepared.archive,
      confirm: () => Promise.resolve(),
      remaining: () => Infinity,
      onBatch: () => Promise.resolve(true),
      ...options,
    },
  );
}

/** Batches of a few rows, whatever time they take. */
export const tinyPace = (rows: number) => ({
  firstRows: rows,
  leastRows: rows,
  mostRows: rows,
  leastMs: 0,
  mostMs: 60_000,
  restShare: 0,
  leastRestMs: 0,
  statementTimeoutMs: 10_000,
  lockTimeoutMs: 2_000,
});
