import { finding, type Finding } from './finding.js';
import type { IndexFacts, UseCounted } from './index-facts.js';

const dayMs = 86_400_000;
/** Monthly jobs use an index once a month: what was counted for less says nothing. */
export const leastCountedMs = 30 * dayMs;

/**
 * What can be said of the indexes of some tables, whatever the database. An index is `duplicate` before it is `unused`,
 * and one that does not work is neither.
 */
export function judgeIndexes(indexes: readonly IndexFacts[], counted: UseCounted, asOf: number): Finding[] {
  return indexes.flatMap((index) => {
    if (!index.isValid) return index.isBuilding ? [] : [invalid(index)];
    const wider = indexes.find((other) => covers(other, index));
    if (wider) return [duplicate(index, wider)];
    return isUnused(index, counted, asOf) ? [unused(index, counted)] : [];
  });
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((it, index) => it === b[index]);

/** Would every query that uses `narrow` do as well with `wide`? */
function covers(wide: IndexFacts, narrow: IndexFacts): boolean {
  if (wide === narrow || wide.table !== narrow.table || !wide.isValid) return false;
  if (narrow.isPrimary || narrow.isNeeded || narrow.predicate !== wide.predicate) return false;
  if (narrow.method !== wide.method || !carries(wide, narrow)) return false;
  if (same(wide.keys, narrow.keys)) {
    // Of two alike the one goes that promises less; of two quite alike that with the later name.
    if (narrow.isUnique !== wide.isUnique) return wide.isUnique;
    if (narrow.isUnique && narrow.uniqueness !== wide.uniqueness) return false;
    if (wide.isNeeded || wide.isPrimary) return true;
    const twins = same(wide.included, narrow.included);
    return twins ? wide.name < narrow.name : wide.included.length > narrow.included.length;
  }
  if (narrow.isUnique || narrow.method !== 'btree') return false;
  return narrow.keys.length < wide.keys.length && same(wide.keys.slice(0, narrow.keys.length), narrow.keys);
}

const carries = (wide: IndexFacts, narrow: IndexFacts): boolean =>
  narrow.included.every((column) => wide.included.includes(column) || wide.keys.includes(column));

function isUnused(index: IndexFacts, { since, doubt }: UseCounted, asOf: number): boolean {
  if (index.scans !== 0 || doubt !== null || since === null || asOf - since < leastCountedMs) return false;
  const { isUnique, isPrimary, isNeeded, servesForeignKey, predicate } = index;
  // A partial index is there for few rows that seldom come; its rare use is what it is for.
  return !isUnique && !isPrimary && !isNeeded && !servesForeignKey && predicate === null;
}

/** What cannot be brought back is for people to drop. */
const dropping = ({ dropSql, createSql }: IndexFacts) =>
  createSql.length === 0 ? {} : { applySql: [dropSql], undoSql: [...createSql] };

const about = ({ table, name, bytes }: IndexFacts) => ({ table, object: name, bytes });

function duplicate(index: IndexFacts, wider: IndexFacts): Finding {
  return finding({
    ...about(index),
    kind: 'duplicate_index',
    severity: 'warning',
    message: `${wider.name} begins with all that ${index.name} has: each write keeps both up.`,
    evidence: { coveredBy: wider.name, keys: index.keys.join(', '), scans: index.scans },
    risk: 'Queries that read it alone will read the wider one. Statements that name it (hints, ON CONSTRAINT) will fail.',
    ...dropping(index),
  });
}

function unused(index: IndexFacts, { since }: UseCounted): Finding {
  return finding({
    ...about(index),
    kind: 'unused_index',
    message: `No query has used ${index.name} since the counting began.`,
    evidence: { scans: 0 },
    countedSince: since,
    risk: 'No database says when an index was made: see that it is older than the counting, and that no yearly job needs it.',
    ...dropping(index),
  });
}

/** What PostgreSQL calls the index that it builds beside, or has built beside, another. */
const isLeftover = (name: string): boolean => /_cc(new|old)\d*$/.test(name);

function invalid(index: IndexFacts): Finding {
  if (index.isPartitioned)
    return finding({
      ...about(index),
      kind: 'invalid_index',
      severity: 'warning',
      message: `${index.name} has no part in some partition yet: it does not count as an index of the table.`,
      risk: `It works once each partition has an index of its own that is a part of it: CREATE INDEX CONCURRENTLY where there is none, then ALTER INDEX ${index.name} ATTACH PARTITION.`,
    });
  const leftover = isLeftover(index.name);
  return finding({
    ...about(index),
    kind: 'invalid_index',
    severity: 'warning',
    message: leftover
      ? `${index.name} was left by a rebuilding that did not come to its end: writes keep it up, queries do not use it.`
      : `${index.name} was never finished: writes keep it up, queries do not use it.`,
    evidence: { leftover },
    risk: leftover
      ? 'The index that was to be rebuilt is there and works; see that nobody is rebuilding it right now.'
      : 'Building it anew reads the whole table. A unique index that fails again has found two rows alike.',
    applySql: leftover ? [index.dropSql] : [index.dropSql, ...index.createSql],
  });
}
