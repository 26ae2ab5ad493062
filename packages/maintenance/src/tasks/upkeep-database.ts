import type { Database } from '@dotmac/core/kysely';
import { adviceLimits, type Advice, type DatabaseUpkeep, type Rebuilt } from '../databases/advice.js';
import type { AppliedKind } from '../databases/finding.js';
import type { Pauses } from '../databases/rows/dialect.js';
import { upkeepOf } from '../databases/upkeep.js';
import type { PolicySet } from '../policies/policy-set.js';
import { actionsOf, type UpkeepAction, type UpkeepWish } from './upkeep-actions.js';

/** One database that a tenant has something to do with. */
export interface UpkeepSubject {
  name: string;
  on: Database;
  upkeep: DatabaseUpkeep;
  /** Tables with a retention policy, as registered. */
  ownTables: string[];
  /** All tables to advise on; null for all of the schema. */
  advised: string[] | null;
  /** What the host lets a run do by itself. */
  allowed: AppliedKind[];
  freeBytes: (() => number | Promise<number>) | null;
}

/** The databases of a tenant's retention and upkeep policies. */
export function subjectsOf({ databases, retention, upkeep }: PolicySet): UpkeepSubject[] {
  return Object.entries(databases).flatMap(([name, on]) => {
    // What lies in another schema is cleaned, and not advised on.
    const own = retention.filter(({ database, schema }) => database === name && schema === undefined);
    const ownTables = [...new Set(own.map(({ table }) => table))];
    const policies = upkeep.filter((it) => it.database === name);
    if (ownTables.length === 0 && policies.length === 0) return [];
    const isWhole = policies.some(({ tables }) => tables === undefined);
    const advised = isWhole ? null : [...new Set([...ownTables, ...policies.flatMap(({ tables = [] }) => tables)])];
    const allowed = [...new Set(policies.flatMap(({ apply }) => apply))];
    const freeBytes = policies.find((it) => it.freeBytes !== undefined)?.freeBytes ?? null;
    return [{ name, on, upkeep: upkeepOf(on), ownTables, advised, allowed, freeBytes }];
  });
}

/** What was found in a database, and what a run would do there. */
export interface Inspection {
  advice: Advice;
  missing: string[];
  actions: UpkeepAction[];
  apply: AppliedKind[];
}

/** Advises on a database, and changes nothing. */
export async function inspect(
  { upkeep, ownTables, advised, allowed }: UpkeepSubject,
  wish: Pick<UpkeepWish, 'updateStatistics' | 'optimizeIndexes' | 'apply'> & { checkIntegrity: boolean },
  asOf: number,
): Promise<Inspection> {
  const present = ownTables.length === 0 ? [] : await upkeep.tables(ownTables);
  const advice = await upkeep.advise({
    tables: advised,
    asOf,
    limits: adviceLimits,
    checkIntegrity: wish.checkIntegrity,
  });
  const ownIndexes: { table: string; index: string }[] = [];
  for (const table of wish.optimizeIndexes ? present : [])
    for (const { name, isValid } of await upkeep.indexes(table)) if (isValid) ownIndexes.push({ table, index: name });
  const apply = wish.apply.filter((kind) => allowed.includes(kind));
  const actions = actionsOf(advice.findings, { ...wish, apply, ownTables: present, ownIndexes });
  return { advice, missing: ownTables.filter((table) => !present.includes(table)), actions, apply };
}

/** Where an interrupted run was: what it had done, and the indexes that were there when it began to rebuild one. */
export interface UpkeepCursor {
  done: string[];
  rebuilding?: { index: string; known: string[] };
}

const [lockTimeoutMs, unmeasuredBytes] = [5_000, 256 * 1_048_576];

/** Builds an index anew; `begin` is told of the indexes that are there before anything is done, and says whether to. */
export async function rebuild(
  { upkeep, freeBytes }: UpkeepSubject,
  { table, index }: { table: string; index: string },
  interrupted: UpkeepCursor['rebuilding'],
  { begin, ...pauses }: Pauses & { begin: (known: string[]) => Promise<boolean> },
): Promise<Rebuilt> {
  const known = interrupted?.index === index ? interrupted.known : (await upkeep.indexes(table)).map(({ id }) => id);
  if (!(await begin(known))) return { index, outcome: 'stopped', reason: 'the run was to end', bytes: 0 };
  return upkeep.rebuildIndex(table, index, {
    known,
    freeBytes: freeBytes === null ? null : await freeBytes(),
    unmeasuredBytes,
    lockTimeoutMs,
    ...pauses,
  });
}
