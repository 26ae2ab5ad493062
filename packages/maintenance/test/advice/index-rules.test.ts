import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IndexFacts } from '../../src/databases/index-facts.js';
import { judgeIndexes, leastCountedMs } from '../../src/databases/index-rules.js';

const now = Date.UTC(2026, 5, 1);
const longAgo = { since: now - leastCountedMs, doubt: null };
const index = (more: Partial<IndexFacts>): IndexFacts => ({
  table: 't',
  name: 'i',
  keys: ['a'],
  included: [],
  method: 'btree',
  isUnique: false,
  isPrimary: false,
  isValid: true,
  isBuilding: false,
  isNeeded: false,
  servesForeignKey: false,
  predicate: null,
  bytes: 8_192,
  scans: 5,
  dropSql: 'drop',
  createSql: ['create'],
  ...more,
});
const ids = (...indexes: IndexFacts[]) => judgeIndexes(indexes, longAgo, now).map(({ id }) => id);

describe('advice on indexes', () => {
  it('calls an index unused that nobody scanned for thirty days', () => {
    expect(ids(index({ scans: 0 }))).toEqual(['unused_index:t.i']);
    expect(ids(index({ scans: 1 }))).toEqual([]);
  });

  it.each([
    ['is unique', { isUnique: true }],
    ['is the primary key', { isPrimary: true }],
    ['stands behind a constraint or replica identity', { isNeeded: true }],
    ['serves a foreign key', { servesForeignKey: true }],
    ['is partial', { predicate: 'deleted_at IS NULL' }],
    ['is not counted', { scans: null }],
  ])('does not call an index unused that %s', (_, more) => {
    expect(ids(index({ scans: 0, ...more }))).toEqual([]);
  });

  it('judges no use that was counted for less than thirty days, or in doubt', () => {
    const unscanned = [index({ scans: 0 })];
    expect(judgeIndexes(unscanned, { since: now - leastCountedMs + 1, doubt: null }, now)).toEqual([]);
    expect(judgeIndexes(unscanned, { since: null, doubt: null }, now)).toEqual([]);
    expect(judgeIndexes(unscanned, { since: 0, doubt: 'replicas' }, now)).toEqual([]);
  });

  it('calls an index a duplicate whose columns another begins with, and keeps the one that promises more', () => {
    expect(ids(index({ name: 'a' }), index({ name: 'ab', keys: ['a', 'b'] }))).toEqual(['duplicate_index:t.a']);
    expect(ids(index({ name: 'a' }), index({ name: 'z', isUnique: true }))).toEqual(['duplicate_index:t.a']);
    expect(ids(index({ name: 'a' }), index({ name: 'b', isNeeded: true }))).toEqual(['duplicate_index:t.a']);
    expect(ids(index({ name: 'a' }), index({ name: 'b', included: ['c'] }))).toEqual(['duplicate_index:t.a']);
  });

  it.each([
    ['of another order', index({ keys: ['a desc', 'b'] })],
    ['of other rows', index({ keys: ['a', 'b'], predicate: 'a > 0' })],
    ['of another kind', index({ keys: ['a', 'b'], method: 'gin' })],
    ['of another table', index({ keys: ['a', 'b'], table: 'u' })],
    ['that does not work', index({ keys: ['a', 'b'], isValid: false, isBuilding: true })],
  ])('does not call an index the duplicate of one %s', (_, wide) => {
    expect(ids(index({ name: 'narrow' }), { ...wide, name: 'wide' })).toEqual([]);
  });

  it('does not call a unique index the duplicate of a wider one: it promises more', () => {
    expect(ids(index({ isUnique: true, name: 'a' }), index({ name: 'ab', keys: ['a', 'b'], isUnique: true }))).toEqual(
      [],
    );
  });

  it('does not call a unique index the duplicate of one that is unique in another way', () => {
    const deferrable = index({ name: 'a', isUnique: true, uniqueness: 'deferrable', isNeeded: true });
    expect(ids(deferrable, index({ name: 'b', isUnique: true }))).toEqual([]);
    expect(ids(deferrable, index({ name: 'b' }))).toEqual(['duplicate_index:t.b']);
  });

  it('reports an index that does not work, but not one that is being built', () => {
    expect(judgeIndexes([index({ isValid: false, name: 'i_ccnew' })], longAgo, now)).toMatchObject([
      { id: 'invalid_index:t.i_ccnew', evidence: { leftover: true } },
    ]);
    expect(ids(index({ isValid: false, isBuilding: true }))).toEqual([]);
  });

  it('leaves for every dropped duplicate an index that does as well', () => {
    const column = fc.constantFrom('a', 'b', 'c');
    const any = fc.record({
      keys: fc.uniqueArray(column, { minLength: 1, maxLength: 3 }),
      included: fc.uniqueArray(column, { maxLength: 2 }),
      isUnique: fc.boolean(),
      uniqueness: fc.constantFrom('', 'deferrable'),
      isNeeded: fc.boolean(),
      isValid: fc.boolean(),
      predicate: fc.constantFrom(null, 'x > 0'),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), (made) => {
        const all = made.map((more, place) => index({ ...more, name: `i${place}` }));
        const dropped = new Set(judgeIndexes(all, longAgo, now).map(({ object }) => object));
        const kept = all.filter(({ name, isValid }) => isValid && !dropped.has(name));
        for (const gone of all.filter(({ name, isValid }) => isValid && dropped.has(name))) {
          expect(gone.isNeeded).toBe(false);
          const heir = kept.find(
            (it) =>
              it.predicate === gone.predicate &&
              gone.keys.every((key, place) => it.keys[place] === key) &&
              gone.included.every((key) => it.included.includes(key) || it.keys.includes(key)) &&
              (!gone.isUnique ||
                (it.isUnique && it.uniqueness === gone.uniqueness && it.keys.length === gone.keys.length)),
          );
          expect(heir, `${gone.name} has an heir`).toBeDefined();
        }
      }),
    );
  });
});
