import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRows } from '../../src/databases/rows/delete-rows.js';
import { forecast } from '../../src/databases/rows/forecast.js';
import { chooseStrategy, type Circumstances } from '../../src/databases/rows/strategy.js';
import type { RowSelection, TableFacts } from '../../src/databases/rows/selection.js';
import { mysqlRows } from '../../src/databases/mysql/rows.js';
import { postgresRows } from '../../src/databases/postgres/rows.js';

const selection: RowSelection = { table: 'events', timeColumn: 'at', timeUnit: 'ms', cutoff: 0 };
const id = { name: 'id', type: 'bigint' };
const at = { name: 'at', type: 'bigint' };
const facts: TableFacts = {
  key: [id],
  columns: [id, at],
  timeType: 'bigint',
  indexes: [['id'], ['at']],
  references: [],
  partitionedByTime: false,
  estimatedRows: null,
};
const usual: Circumstances = { due: 10, total: 1_000, archives: false, allowFullScan: false };
const choose = (
  its: Partial<TableFacts>,
  circumstances: Partial<Circumstances> = {},
  more: Partial<RowSelection> = {},
) => {
  const chosen = chooseStrategy(
    postgresRows,
    { ...selection, ...more },
    { ...facts, ...its },
    { ...usual, ...circumstances },
  );
  return 'refused' in chosen ? chosen.refused : `${chosen.kind}: ${chosen.why}`;
};

describe('the way in which rows are deleted', () => {
  it('is chosen by what the table has, and says why', () => {
    expect(choose({})).toMatch(/^time_keyset: .*only 1 % of the rows go/);
    expect(choose({}, { due: 500 })).toMatch(/^key_window: .*50 % of the rows go/);
    expect(choose({ key: [id, at] }, { due: 500 })).toMatch(/^time_keyset: .*no single whole number/);
    expect(choose({ key: [{ name: 'id', type: 'uuid' }], indexes: [] }, { allowFullScan: true })).toMatch(
      /^key_keyset/,
    );
    expect(choose({ partitionedByTime: true })).toMatch(/^partition_drop/);
    for (const narrowed of [{ keepNewest: { count: 1 } }, { where: () => undefined as never }])
      expect(choose({ partitionedByTime: true }, {}, narrowed)).toMatch(/^time_keyset/);
    expect(choose({ partitionedByTime: true }, { archives: true })).toMatch(/^time_keyset/);
    // Whatever refers to rows of a partition would lose them unasked.
    const child = { child: { table: 'lines' }, childColumns: ['event_id'], columns: ['id'], indexed: true };
    for (const onDelete of ['cascade', 'set null', 'set default', 'restrict'] as const)
      expect(choose({ partitionedByTime: true, references: [{ ...child, onDelete }] })).toMatch(/^time_keyset/);
    const audited = { partitionedByTime: true, deleteTrigger: 'audit' };
    expect(choose(audited)).toMatch(/^time_keyset: .* Partitions are not dropped whole: the trigger audit/);
    expect(choose({ ...audited, indexes: [['id']] })).toMatch(/^no index begins with at.* trigger audit/);
  });
  it('is by windows of the key from a quarter of the rows on, and else along the time, and the key where times are equal', () => {
    expect(choose({}, { due: 249 })).toMatch(/^time_keyset/);
    expect(choose({}, { due: 250 })).toMatch(/^key_window/);
    expect(chooseStrategy(postgresRows, selection, facts, usual)).toMatchObject({
      walk: { by: 'keyset', columns: [at, id] },
    });
    expect(chooseStrategy(postgresRows, selection, { ...facts, key: [at, id] }, usual)).toMatchObject({
      walk: { by: 'keyset', columns: [at, id] },
    });
  });
  it('is none for a table without a key, or without an index that helps', () => {
    expect(choose({ key: [] })).toBe('its table has no primary key');
    expect(choose({ indexes: [['id']] })).toMatch(/^no index begins with at/);
    expect(choose({ indexes: [['id']] }, { allowFullScan: true })).toMatch(/^key_window: .*no index begins with at/);
    expect(choose({}, {}, { keepNewest: { count: 1, per: 'customer' } })).toMatch(/^no index begins with customer/);
  });
  it('is not along floating point numbers that text would round', () => {
    const double = { name: 'at', type: 'double' };
    const chosen = chooseStrategy(mysqlRows, selection, { ...facts, columns: [id, double] }, usual);
    expect(chosen).toMatchObject({ refused: expect.stringContaining('no index begins with at') });
  });
});

describe('batches', () => {
  it('come to the time that they should take, whatever a row costs', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.0005, max: 20, noNaN: true }), (msARow) => {
        const { pace } = postgresRows;
        let rows = pace.firstRows;
        for (let i = 0; i < 40; i++) rows = nextRows(rows, rows * msARow, pace);
        const tookMs = rows * msARow;
        const atTheBounds = (rows === pace.mostRows && tookMs < pace.leastMs) || rows === pace.leastRows;
        expect(atTheBounds || (tookMs >= pace.leastMs && tookMs <= pace.mostMs)).toBe(true);
      }),
    );
  });
});

describe('a forecast', () => {
  const rates = {
    ingestPerDay: 10_000,
    backlog: 50_000,
    rowsPerRun: Infinity,
    secondsPerRun: Infinity,
    rowsPerSecond: 100,
    runsPerDay: 1,
  };
  it('says when the backlog will be gone', () => {
    expect(forecast(rates)).toEqual({ converges: true, days: 0, warning: null });
    expect(forecast({ ...rates, rowsPerRun: 20_000 })).toEqual({ converges: true, days: 5, warning: null });
    expect(forecast({ ...rates, ingestPerDay: 0, rowsPerRun: 0 })).toMatchObject({ converges: true });
  });
  it('warns when it never will, with a budget that would do', () => {
    const { converges, warning } = forecast({ ...rates, rowsPerRun: 5_000 });
    expect(converges).toBe(false);
    expect(warning).toBe(
      'Retention will never converge: 10,000 rows come each day, and a run a day within this budget deletes 5,000. A budget of 12,000 items a run would suffice.',
    );
    expect(forecast({ ...rates, rowsPerRun: 5_000, runsPerDay: 1.5 }).warning).toMatch(
      /1.5 runs a day within this budget delete 7,500. A budget of 8,000 items/,
    );
    expect(forecast({ ...rates, rowsPerRun: 7_000, runsPerDay: 1 / 7 }).warning).toMatch(
      /a run every 7 days within this budget deletes 1,000 of them. A budget of 84,000 items/,
    );
    expect(forecast({ ...rates, secondsPerRun: 60 }).warning).toMatch(/deletes 6,000. A budget of 120 seconds a run/);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 1e9 }), (ingestPerDay, rowsPerRun) => {
        const said = forecast({ ...rates, ingestPerDay, rowsPerRun });
        const enough = Number(/of ([\d,]+) items/.exec(said.warning ?? '')?.[1]?.replaceAll(',', '') ?? rowsPerRun);
        expect(forecast({ ...rates, ingestPerDay, rowsPerRun: enough }).converges).toBe(true);
      }),
    );
  });
});
