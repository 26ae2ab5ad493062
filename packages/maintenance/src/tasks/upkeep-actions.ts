import type { AppliedKind, Finding } from '../databases/finding.js';

/** One thing that is done to a database, by itself. */
export type UpkeepAction =
  | { does: 'analyze'; table: string }
  | { does: 'vacuum'; table: string }
  | { does: 'rebuild'; table: string; index: string }
  | { does: 'compact'; table: null };

/** What a run was asked for, and may do. */
export interface UpkeepWish {
  /** Tables with a retention policy that are there. */
  ownTables: readonly string[];
  /** Their indexes that can be built anew. */
  ownIndexes: readonly { table: string; index: string }[];
  updateStatistics: boolean;
  optimizeIndexes: boolean;
  /** Kinds of findings that were asked for and are allowed. */
  apply: readonly AppliedKind[];
}

const byKind: Record<AppliedKind, (finding: Finding) => UpkeepAction | null> = {
  stale_statistics: ({ table }) => (table === null ? null : { does: 'analyze', table }),
  dead_rows: ({ table }) => (table === null ? null : { does: 'vacuum', table }),
  bloated_index: ({ table, object }) =>
    table === null || object === null ? null : { does: 'rebuild', table, index: object },
  free_pages: () => ({ does: 'compact', table: null }),
  large_wal: () => ({ does: 'compact', table: null }),
};

/** The same for actions that do the same. */
export const actionKey = (action: UpkeepAction): string =>
  [action.does, action.table ?? '', action.does === 'rebuild' ? action.index : ''].join(':');

/** What a run may do about a finding by itself; null when it only advises. */
export function actionOn(finding: Finding, apply: readonly AppliedKind[]): UpkeepAction | null {
  const kind = apply.find((it) => it === finding.kind);
  return kind === undefined ? null : byKind[kind](finding);
}

/** All that a run does, each once, in the order that helps most: what is built anew is analysed after it. */
export function actionsOf(findings: readonly Finding[], wish: UpkeepWish): UpkeepAction[] {
  const wished: UpkeepAction[] = [
    ...(wish.optimizeIndexes ? wish.ownIndexes.map((it) => ({ does: 'rebuild' as const, ...it })) : []),
    ...(wish.updateStatistics ? wish.ownTables.map((table) => ({ does: 'analyze' as const, table })) : []),
  ];
  const found = findings.map((it) => actionOn(it, wish.apply)).filter((it) => it !== null);
  const all = [...new Map([...wished, ...found].map((it) => [actionKey(it), it])).values()];
  // VACUUM analyses as well.
  const vacuumed = new Set(all.filter(({ does }) => does === 'vacuum').map(({ table }) => table));
  const order: readonly UpkeepAction['does'][] = ['rebuild', 'vacuum', 'analyze', 'compact'];
  return all
    .filter(({ does, table }) => does !== 'analyze' || !vacuumed.has(table))
    .sort((a, b) => order.indexOf(a.does) - order.indexOf(b.does));
}
