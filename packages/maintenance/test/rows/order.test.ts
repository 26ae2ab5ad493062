import { describe, expect, it } from 'vitest';
import { childrenFirst } from '../../src/databases/rows/order.js';
import type { Reference, TableFacts } from '../../src/databases/rows/selection.js';
import { tableResource } from '../../src/databases/table-resource.js';

/** A policy for a table, and who refers to that. */
const policy = (table: string, referredBy: Record<string, Reference['onDelete']> = {}, name = table) => ({
  ...{ name, database: 'main', resource: tableResource('main', { table }) },
  facts: {
    references: Object.entries(referredBy).map(([child, onDelete]) => ({ child: { table: child }, onDelete })),
  } as unknown as TableFacts,
});
const orderOf = (...policies: ReturnType<typeof policy>[]): string[] => {
  const sorted = childrenFirst(policies);
  return 'ordered' in sorted ? sorted.ordered.map(({ name }) => name) : ['circle', ...sorted.cycle];
};

describe('policies', () => {
  it('come in their order, but for children that refuse to lose their parents: these come first, and theirs before', () => {
    expect(orderOf(policy('a'), policy('b'))).toEqual(['a', 'b']);
    const [orders, lines, parts] = [
      policy('orders', { lines: 'restrict' }),
      policy('lines', { parts: 'restrict' }),
      policy('parts'),
    ];
    expect(orderOf(policy('a'), orders, lines, parts)).toEqual(['a', 'parts', 'lines', 'orders']);
    expect(orderOf(parts, lines, orders)).toEqual(['parts', 'lines', 'orders']);
    expect(orderOf(orders, policy('b'))).toEqual(['orders', 'b']);
  });

  it('wait for every policy of a table that refers to theirs', () => {
    const orders = policy('orders', { lines: 'restrict' });
    expect(orderOf(orders, policy('lines', {}, 'old lines'), policy('lines', {}, 'lost lines'))).toEqual([
      ...['old lines', 'lost lines', 'orders'],
    ]);
  });

  it('do not wait for what goes along or lets go, nor for themselves', () => {
    for (const onDelete of ['cascade', 'set null', 'set default'] as const)
      expect(orderOf(policy('orders', { lines: onDelete }), policy('lines', { orders: onDelete }))).toEqual([
        ...['orders', 'lines'],
      ]);
    expect(orderOf(policy('folders', { folders: 'restrict' }))).toEqual(['folders']);
  });

  it('in a circle are named, and none that just leads there', () => {
    const [hens, eggs] = [policy('hens', { eggs: 'restrict' }), policy('eggs', { hens: 'restrict' })];
    expect(orderOf(policy('farms', { hens: 'restrict' }), hens, eggs)).toEqual(['circle', 'hens', 'eggs']);
  });
});
