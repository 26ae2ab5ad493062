import type { RowDialect } from './dialect.js';
import type { Walk } from './cut.js';
import type { RowSelection, TableFacts } from './selection.js';

/** How the rows of a policy are deleted, and why so. */
export interface Strategy {
  kind: 'partition_drop' | 'key_window' | 'time_keyset' | 'key_keyset';
  /** Null when whole partitions go. */
  walk: Walk | null;
  /** A sentence for people. */
  why: string;
}

/** What the choice depends on, besides the table. */
export interface Circumstances {
  /** Rows that are due, and all of them; as far as they are known. */
  due: number | null;
  total: number | null;
  /** Rows are kept elsewhere before they go. */
  archives: boolean;
  /** The host has agreed to reading whole tables. */
  allowFullScan: boolean;
}

/** From this share on it is cheaper to read the table on in the order of its key than to jump there from an index. */
const windowShare = 0.25;

/**
 * Chooses by what the table has.
 * @returns why the table is refused, when no way of deleting is safe for it
 */
export function chooseStrategy(
  dialect: RowDialect,
  selection: RowSelection,
  facts: TableFacts,
  circumstances: Circumstances,
): Strategy | { refused: string } {
  const { timeColumn, match, where, keepNewest } = selection;
  const { key, references, partitionedByTime, deleteTrigger } = facts;
  const isWhole =
    partitionedByTime && !match && !where && !keepNewest && !circumstances.archives && references.length === 0;
  if (!isWhole || key.length === 0) return chooseWalk(dialect, selection, facts, circumstances);
  if (deleteTrigger === undefined)
    return {
      kind: 'partition_drop',
      walk: null,
      why: `Partitions of ${timeColumn} that ended before the cutoff are dropped whole, without a batch of rows, and their room goes back to the system. What is old in a partition that has not ended waits for its end.`,
    };
  const chosen = chooseWalk(dialect, selection, facts, circumstances);
  const because = `are not dropped whole: the trigger ${deleteTrigger} is to see each row that goes`;
  return 'refused' in chosen
    ? { refused: `${chosen.refused} (its partitions ${because})` }
    : { ...chosen, why: `${chosen.why} Partitions ${because}.` };
}

function chooseWalk(
  dialect: RowDialect,
  { timeColumn, match = {}, keepNewest }: RowSelection,
  { key, columns, indexes }: TableFacts,
  { due, total, allowFullScan }: Circumstances,
): Strategy | { refused: string } {
  const time = columns.find(({ name }) => name === timeColumn);
  const [only] = key;
  if (!only || !time) return { refused: 'its table has no primary key' };
  const perGroup = keepNewest?.per;
  if (perGroup !== undefined && !indexes.some(([first]) => first === perGroup) && !allowFullScan)
    return {
      refused: `no index begins with ${perGroup}, by which its newest rows are kept; allowFullScan permits that`,
    };
  const behind = dialect.walkable(time) ? beforeTime(timeColumn, Object.keys(match), indexes) : undefined;
  const timeIndexed = behind !== undefined;
  if (!timeIndexed && !allowFullScan)
    return {
      refused: `no index begins with ${timeColumn}, so that every run would read the whole table; allowFullScan permits that`,
    };
  const share = due === null || total === null || total === 0 ? null : due / total;
  if (key.length === 1 && dialect.isInteger(only) && (!timeIndexed || (share !== null && share >= windowShare)))
    return {
      kind: 'key_window',
      walk: { by: 'windows', columns: [only] },
      why: `Windows of the primary key ${only.name}, because ${timeIndexed ? `${percent(share)} of the rows go: reading on in the key's order is cheaper than jumping there from an index` : `no index begins with ${timeColumn}`}.`,
    };
  if (timeIndexed)
    return {
      kind: 'time_keyset',
      walk: {
        by: 'keyset',
        columns: [time, ...key.filter(({ name }) => name !== time.name && !behind.includes(name))],
        ...(behind.length > 0 && { behind }),
      },
      why: `Along the index of ${[...behind, timeColumn].join(', ')}, oldest first, because ${share === null ? 'how many go is not known' : share < windowShare ? `only ${percent(share)} of the rows go` : 'the primary key is no single whole number'}.`,
    };
  return {
    kind: 'key_keyset',
    walk: { by: 'keyset', columns: key },
    why: `Along the primary key, reading the whole table, because no index begins with ${timeColumn}.`,
  };
}

/** What stands before the time in an index that helps: nothing, or columns of which the policy says the values. */
function beforeTime(
  timeColumn: string,
  matched: readonly string[],
  indexes: TableFacts['indexes'],
): readonly string[] | undefined {
  return indexes
    .flatMap((columns) => {
      const place = columns.indexOf(timeColumn);
      const before = columns.slice(0, place);
      return place >= 0 && before.every((it) => matched.includes(it)) ? [before] : [];
    })
    .sort((one, other) => other.length - one.length)[0];
}

const percent = (share: number | null): string => (share === null ? 'an unknown part' : `${Math.round(share * 100)} %`);
