import { sql } from 'kysely';
import { maintenanceErrors } from '../../errors.js';
import { atMost, showAlong } from './along.js';
import { archiving } from './archive-batch.js';
import { countCascades, type CascadeCount } from './cascades.js';
import { countAll, countDue, countPartition, hasOldRows, type RowCount } from './count.js';
import { beginning, cut, positionOf, readPosition, type Walk, type Work } from './cut.js';
import { due, restricting, tableId, tableLabel } from './due.js';
import type { Prepared } from './prepared.js';
import { endedByTimeout } from './retry.js';
import type { Partition, Position } from './selection.js';
import { chooseStrategy, type Strategy } from './strategy.js';

/** What would be deleted, and how. */
export interface RowPlan {
  due: RowCount;
  total: RowCount;
  strategy: Strategy;
  /** The partitions that would be dropped, or emptied, with their rows. */
  partitions: { partition: Partition; rows: number }[];
  /** Partitions that stay although they, or rows of theirs, are old, and why. For people. */
  spared: string[];
}

/** A plan with what people want to see of it. */
export interface RowPreview {
  sample: string[];
  statements: { sql: string; explain: string[] }[];
  cascades: CascadeCount[];
  warnings: string[];
}

/**
 * Counts, and chooses how.
 * @param signal looked at before each count
 * @throws TABLE_NOT_MAINTAINABLE when no way is safe
 */
export async function planRows(
  { name, policy, dialect, selection, facts, archive }: Prepared,
  signal: AbortSignal,
): Promise<RowPlan> {
  const { on, allowFullScan } = policy;
  const archives = archive !== undefined || policy.archive !== undefined;
  const choose = (counts: { due: number | null; total: number | null }): Strategy => {
    const chosen = chooseStrategy(dialect, selection, facts, { ...counts, archives, allowFullScan });
    if ('refused' in chosen) throw maintenanceErrors.TABLE_NOT_MAINTAINABLE({ policy: name, reason: chosen.refused });
    return chosen;
  };
  // Refused before anything is counted: counting would read the whole table as well.
  const first = choose({ due: null, total: null });
  signal.throwIfAborted();
  const total = await countAll(on, dialect, selection, facts);
  if (!first.walk) {
    const partitions = [];
    const spared = [];
    let counted = true;
    for (const partition of await dialect.oldPartitions(on.kysely, selection, facts)) {
      signal.throwIfAborted();
      const { items: rows, exact, stays } = await countPartition(on, dialect, selection, facts, partition);
      if (stays === null && partition.isLast) {
        if (rows === 0) continue;
        spared.push(`The partition ${partition.name} is emptied and stays: the table cannot be without any.`);
      }
      if (stays === null) partitions.push({ partition, rows });
      else spared.push(`The partition ${partition.name} stays: ${stays}.`);
      counted &&= exact;
    }
    for (const endless of await dialect.endlessPartitions(on.kysely, selection)) {
      signal.throwIfAborted();
      if (await hasOldRows(on, dialect, selection, facts, endless))
        spared.push(
          `The partition ${endless.name} has no end, and rows from before the cutoff, which stay: none of them goes until it is divided into partitions that end.`,
        );
    }
    const items = partitions.reduce((sum, { rows }) => sum + rows, 0);
    return { due: { items, exact: counted }, total: atLeast(total, items), strategy: first, partitions, spared };
  }
  const counted = await countDue(on, { dialect, selection, facts, walk: first.walk }, signal);
  const all = atLeast(total, counted.items);
  return {
    due: counted,
    total: all,
    strategy: choose({ due: counted.items, total: all.items }),
    partitions: [],
    spared: [],
  };
}

/** Statistics lag behind: a table has no fewer rows than were counted in it. */
const atLeast = ({ items, exact }: RowCount, least: number): RowCount => ({ items: Math.max(items, least), exact });

const sampled = 10;

/**
 * Shows some keys, the statements with the database's plan for them, and what goes along.
 * @param signal looked at before each
 */
export async function previewRows(
  prepared: Prepared,
  { strategy, partitions, spared, due: counted }: RowPlan,
  signal: AbortSignal,
): Promise<RowPreview> {
  const { dialect, selection, facts, policy } = prepared;
  const warnings = restricting(facts).flatMap(({ child, indexed }) => [
    `Rows that ${tableLabel(child)} refers to stay until it does not.`,
    ...(indexed ? [] : [`No index of ${tableLabel(child)} begins with its reference: every batch reads all of it.`]),
  ]);
  for (const { child, onDelete, indexed } of facts.references)
    if (onDelete !== 'restrict' && !indexed)
      warnings.push(`No index of ${tableLabel(child)} begins with its reference: each row deleted reads all of it.`);
  warnings.push(...spared);
  if (!counted.exact) warnings.push(`The rows of ${tableLabel(selection)} were too many to be counted in time.`);
  if (strategy.walk === null) {
    const shown = partitions.slice(0, sampled).map(({ partition }) => partition);
    const dropping = shown.flatMap((partition) => dialect.dropping(selection, partition));
    return {
      sample: shown.map(({ name }) => name),
      // There is no plan for these.
      statements: dropping.map((statement) => ({ sql: statement.compile(policy.on.kysely).sql, explain: [] })),
      cascades: [],
      warnings,
    };
  }
  const work: Work = { dialect, selection, facts, walk: strategy.walk };
  signal.throwIfAborted();
  const keys = await sample(prepared, strategy.walk);
  signal.throwIfAborted();
  return {
    sample: keys.map((key) => key.join(', ')),
    statements: await statements(prepared, work, keys.slice(0, 1)),
    cascades: await countCascades(policy.on, dialect, selection, facts, signal),
    warnings,
  };
}

async function sample({ dialect, selection, facts, policy }: Prepared, walk: Walk): Promise<Position[]> {
  const read = dialect.read(policy.on.kysely, dialect.pace, async (connection) => {
    const { rows } = await sql<Record<string, unknown>>`
      select ${positionOf(dialect, facts.key)} from ${tableId(selection)} where ${due(dialect, selection, facts)}
      order by ${sql.join(walk.columns.map(({ name }) => sql.id(name)))} limit ${sql.lit(sampled)}`.execute(connection);
    return rows.map((row) => readPosition(row, facts.key));
  });
  return read.catch(unlessTimeout<Position>);
}

/** What takes too long is left out of a preview. */
function unlessTimeout<Item>(error: unknown): Item[] {
  if (endedByTimeout(error)) return [];
  throw error;
}

/** The first batch's, in their order, as they would be executed; those that go by the keys of its rows with these alone. */
async function statements(
  { dialect, selection, facts, policy, archive, along }: Prepared,
  work: Work,
  keys: readonly Position[],
): Promise<RowPreview['statements']> {
  const read = dialect.read(policy.on.kysely, dialect.pace, async (connection) => {
    const first = await cut(connection, work, beginning, atMost(dialect.pace.firstRows, along));
    if (!first) return [];
    const { condition } = first;
    const all =
      along.length > 0
        ? await showAlong(connection, work, along, condition)
        : policy.archive && !archive
          ? archiving(work, condition, keys)
          : dialect.removing({ from: selection, facts, condition, archive }, keys);
    const shown: RowPreview['statements'] = [];
    for (const statement of all)
      shown.push({ sql: statement.compile(connection).sql, explain: await dialect.explain(connection, statement) });
    return shown;
  });
  return read.catch(unlessTimeout<RowPreview['statements'][number]>);
}
