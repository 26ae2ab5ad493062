import { sqlite } from '@dotmac/core/kysely';
import { kyselyHealthStore } from '@dotmac/health';
import { kyselyLifecycleStore } from '@dotmac/lifecycle';
import { kyselyMaintenanceStore } from '@dotmac/maintenance';
import { describe, expect, it } from 'vitest';
import { released } from './support/released-migrations.js';

/** What hosts have run already bears what numbers it bore when they did; from here on each has its own, the next one. */
const numberedSince = { core: 1, health: 1, lifecycle: 1, maintenance: 9 };

const applied = async (module: string): Promise<string[]> => {
  const database = sqlite(':memory:');
  try {
    for (const storeOn of [kyselyHealthStore, kyselyLifecycleStore, kyselyMaintenanceStore])
      await storeOn(database).migrate();
    const tables = database.withTables<Record<string, { name: string }>>();
    const rows = await tables.selectFrom(`dotmac_${module}_migrations`).select('name').execute();
    // By bytes, as they are applied.
    return rows.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1));
  } finally {
    await database.close();
  }
};

describe.each(Object.keys(released) as (keyof typeof released)[])('the migrations of %s', (module) => {
  it('are those that hosts have run, in that order, under the names that their databases remember', async () => {
    expect(await applied(module)).toEqual(released[module]);
  });

  it('are numbered without a gap, and no two alike', () => {
    const numbers = released[module].map((name) => Number(/^(\d{4})-[a-z]+(?:-[a-z]+)*$/.exec(name)?.[1]));
    const since = numberedSince[module];
    const later = numbers.slice(numbers.findIndex((number) => number >= since));
    expect(later).toEqual(later.map((_, index) => since + index));
  });
});
