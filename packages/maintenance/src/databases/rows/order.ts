import { tableLabel } from './due.js';
import type { TableFacts, TableName } from './selection.js';

/** A policy with what is known of its table. */
interface Described {
  readonly name: string;
  readonly database: string;
  readonly selection: TableName;
  readonly facts: TableFacts;
}

/**
 * Children before the parents that they refer to, otherwise as they were given.
 * @returns the names of policies whose tables refer to each other in a circle, so that none can go first
 */
export function childrenFirst<Policy extends Described>(
  policies: readonly Policy[],
): { ordered: Policy[] } | { cycle: string[] } {
  const keyOf = (database: string, table: TableName): string => JSON.stringify([database, tableLabel(table)]);
  const byTable = groupBy(policies, ({ database, selection }) => keyOf(database, selection));
  const ordered: Policy[] = [];
  const state = new Map<Policy, 'under way' | 'done'>();
  const path: Policy[] = [];
  const visit = (policy: Policy): string[] | null => {
    if (state.get(policy) === 'done') return null;
    if (state.get(policy) === 'under way') return path.slice(path.indexOf(policy)).map(({ name }) => name);
    state.set(policy, 'under way');
    path.push(policy);
    for (const { child, onDelete } of policy.facts.references) {
      // A table that refers to itself needs no other to go first.
      if (onDelete !== 'restrict' || tableLabel(child) === tableLabel(policy.selection)) continue;
      for (const before of byTable.get(keyOf(policy.database, child)) ?? []) {
        const cycle = visit(before);
        if (cycle) return cycle;
      }
    }
    path.pop();
    state.set(policy, 'done');
    ordered.push(policy);
    return null;
  };
  for (const policy of policies) {
    const cycle = visit(policy);
    if (cycle) return { cycle };
  }
  return { ordered };
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
