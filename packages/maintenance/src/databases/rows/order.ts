import { tableResource } from '../table-resource.js';
import type { TableFacts } from './selection.js';

/** A policy with what is known of its table. */
interface Described {
  readonly name: string;
  readonly database: string;
  readonly resource: string;
  readonly facts: TableFacts;
}

/**
 * Children before the parents that they refer to, otherwise as they were given.
 * @returns the names of policies whose tables refer to each other in a circle, so that none can go first
 */
export function childrenFirst<Policy extends Described>(
  policies: readonly Policy[],
): { ordered: Policy[] } | { cycle: string[] } {
  const byTable = groupBy(policies, ({ resource }) => resource);
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
      const referring = tableResource(policy.database, child);
      if (onDelete !== 'restrict' || referring === policy.resource) continue;
      for (const before of byTable.get(referring) ?? []) {
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
