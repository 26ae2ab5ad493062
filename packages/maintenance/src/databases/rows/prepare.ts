import { sql } from 'kysely';
import { isOperationError, type OperationError } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import { maintenanceErrors } from '../../errors.js';
import type { CheckedRetention } from '../../policies/policy-set.js';
import { isAnswer, isDenial } from '../refused.js';
import { rowDialect } from '../row-dialects.js';
import { ownName, tableResource } from '../table-resource.js';
import type { Removal, RowDialect } from './dialect.js';
import { tableId, tableLabel } from './due.js';
import { holds } from './extent.js';
import { childrenFirst } from './order.js';
import type { Along, Column, RowsAlong, RowSelection, Sql, TableFacts, TableName } from './selection.js';
import { withAlong } from './along.js';
import type { Prepared, Unprepared } from './prepared.js';
import { tableFault } from './table-fault.js';

const dayMs = 86_400_000;

const refuse = (policy: string, reason: string): OperationError =>
  maintenanceErrors.TABLE_NOT_MAINTAINABLE({ policy, reason });

/**
 * Looks all policies up in the catalogue, before the first row goes, and puts those first that others wait for.
 * @param asOf epoch ms that ages are counted from
 * @param retentionDays instead of the policies' own
 * @param signal looked at before each
 * @returns those whose table is as the policy needs it, and the others, each with what is amiss: tables that refer to each other in
 * a circle are among these, and all of a database that does not answer, which is not asked again for each of them
 */
export async function prepareAll(
  policies: readonly CheckedRetention[],
  asOf: number,
  retentionDays: number | undefined,
  signal: AbortSignal,
): Promise<{ ordered: Prepared[]; unprepared: Unprepared[] }> {
  const found: Omit<Prepared, 'target'>[] = [];
  const unprepared: Unprepared[] = [];
  const silent = new Map<string, OperationError>();
  for (const policy of policies) {
    signal.throwIfAborted();
    const one = { name: policy.name, policy, dialect: rowDialect(policy.on), selection: selectionOf(policy, asOf, retentionDays) }; // prettier-ignore
    const known = silent.get(policy.database);
    const preparing = known ? Promise.resolve({ ...one, fault: known }) : prepare(one);
    const done = await preparing.catch(async (error: unknown) => {
      const fault = await tableFault(one, error);
      if (isOperationError(fault, 'STORE_UNAVAILABLE')) silent.set(policy.database, fault);
      return { ...one, fault };
    });
    if ('fault' in done) unprepared.push(done);
    else found.push(done);
  }
  let prepared = found.map((one): Prepared => {
    const alone = found.filter(({ resource }) => resource === one.resource).length === 1;
    return { ...one, target: alone ? one.resource : `${one.resource}#${one.name}` };
  });
  let sorted = childrenFirst(prepared);
  while ('cycle' in sorted) {
    const { cycle } = sorted;
    const isIn = ({ name }: Prepared): boolean => cycle.includes(name);
    const inCircle = (one: Prepared): Unprepared => {
      const others = cycle.filter((name) => name !== one.name).join(', ');
      const reason = `its table and those of ${others} refer to each other in a circle, so that none can go first`;
      return { ...one, fault: refuse(one.name, reason) };
    };
    unprepared.push(...prepared.filter(isIn).map(inCircle));
    prepared = prepared.filter((one) => !isIn(one));
    sorted = childrenFirst(prepared);
  }
  return { ordered: sorted.ordered, unprepared };
}

function selectionOf(
  { schema, table, timeColumn, timeUnit, match, where, keepNewest, retentionDays, minRetentionDays }: CheckedRetention,
  asOf: number,
  asked: number | undefined,
): RowSelection {
  // Fewer than it takes are asked only of those that keep their own: they take no fewer.
  const days = asked === undefined ? retentionDays : Math.max(asked, minRetentionDays);
  const cutoff = Math.floor(asOf - days * dayMs);
  return {
    table,
    schema,
    timeColumn,
    timeUnit,
    match,
    where,
    keepNewest,
    // A column of whole seconds is compared with whole seconds; rounded towards keeping.
    cutoff: timeUnit === 's' ? Math.floor(cutoff / 1000) * 1000 : cutoff,
  };
}

async function prepare(
  one: Pick<Prepared, 'name' | 'policy' | 'selection' | 'dialect'>,
): Promise<Omit<Prepared, 'target'>> {
  const { name, policy, selection, dialect } = one;
  const { database, on, timeColumn, timeUnit, keepNewest } = policy;
  const besides = [...(keepNewest?.per === undefined ? [] : [keepNewest.per]), ...Object.keys(policy.match ?? {})];
  const named = [timeColumn, ...besides, ...(policy.along ?? []).flatMap(({ columns }) => Object.values(columns))];
  const facts = await dialect.describe(on.kysely, policy);
  const unseen = named.filter((column) => !facts?.columns.some((it) => it.name === column));
  const isSeen = unseen.length === 0;
  // What may not be read may be hidden: a column would be missing in an archive, and nobody told.
  if (!isSeen || policy.archive) await mayRead(policy, dialect, policy, policy.archive ? null : named);
  if (!facts) throw refuse(name, 'its table does not exist');
  if (facts.key.length === 0) throw refuse(name, 'its table has no primary key');
  if (facts.timeType === undefined) throw refuse(name, 'its table has no such time column');
  if (!dialect.keeps(facts.timeType, timeUnit))
    throw refuse(name, `its time column, of type ${facts.timeType}, does not keep instants as ${timeUnit}`);
  if (!isSeen) throw refuse(name, `its table has no column ${unseen.join(', ')}`);
  // Foreign keys that the connection does not enforce neither hold rows back nor take any along.
  const enforced = (await dialect.foreignKeysOff(on.kysely)) ? [] : facts.references;
  const along = await Promise.all((policy.along ?? []).map((it) => goingAlong(policy, dialect, it)));
  // As the catalogue names those that refer to it, so that it is told when that is the table itself.
  const { schema } = await ownName(on, policy);
  const resource = tableResource(database, { ...policy, schema });
  const archive = await archiveTable(policy, resource, facts, dialect);
  const references = withAlong(enforced, along);
  const found = { selection: { ...selection, schema }, facts: { ...facts, references } };
  return { ...one, ...found, resource, database, archive, along };
}

/** @param named columns; null for all */
function mayRead(
  { on }: CheckedRetention,
  dialect: RowDialect,
  table: TableName,
  named: readonly string[] | null,
): Promise<void> {
  const columns = named === null ? sql`*` : sql.join(named.map((it) => sql.id(it)));
  return may(on, dialect, sql`select ${columns} from ${tableId(table)}`);
}

/** Rejects when it is denied. That it cannot be done for another reason, the catalogue tells better. */
async function may(on: Database, dialect: RowDialect, statement: Sql): Promise<void> {
  await dialect.mayDo?.(on.kysely, statement).catch((error: unknown) => {
    if (isDenial(error) || !isAnswer(error)) throw error;
  });
}

async function goingAlong(
  policy: CheckedRetention,
  dialect: RowDialect,
  { table, columns }: RowsAlong,
): Promise<Along> {
  const { name, schema, on } = policy;
  // As the catalogue names those that refer to a table, so that the references are known which it goes by.
  const child = await ownName(on, { schema, table });
  const facts = await dialect.describe(on.kysely, { ...child, timeColumn: '' });
  const childColumns = Object.keys(columns);
  const missing = childColumns.filter((column) => !facts?.columns.some((it) => it.name === column));
  // What may not be read may be hidden.
  if (missing.length > 0) await mayRead(policy, dialect, child, childColumns);
  if (!facts) throw refuse(name, `the table ${table}, of which rows go along, does not exist`);
  if (facts.key.length === 0) throw refuse(name, `the table ${table}, of which rows go along, has no primary key`);
  if (missing.length > 0)
    throw refuse(name, `the table ${table}, of which rows go along, has no column ${missing.join(', ')}`);
  const helps = (index: readonly string[]): boolean =>
    childColumns.every((column) => index.slice(0, childColumns.length).includes(column));
  if (!facts.indexes.some(helps))
    throw refuse(name, `no index of ${table} begins with ${childColumns.join(', ')}, by which its rows go along`);
  const reference = {
    child,
    childColumns,
    columns: Object.values(columns),
    onDelete: 'cascade' as const,
    indexed: true,
  };
  return { reference, key: facts.key };
}

async function archiveTable(
  policy: CheckedRetention,
  resource: string,
  { columns }: TableFacts,
  dialect: RowDialect,
): Promise<Removal['archive']> {
  const { name, on, database, archive } = policy;
  if (!archive || 'directory' in archive) return undefined;
  const to: TableName = archive;
  if (tableResource(database, await ownName(on, to)) === resource)
    throw refuse(name, 'its archive is the table itself');
  const there = await dialect.columnsOf(on.kysely, to);
  if (there.length === 0) await may(on, dialect, sql`insert into ${tableId(to)} values ()`);
  if (there.length === 0) throw refuse(name, `its archive ${tableLabel(to)} does not exist`);
  const writable = new Map(there.filter(({ generated }) => !generated).map((it) => [it.name, it]));
  const missing = columns.filter((it) => !it.generated && !writable.has(it.name));
  if (missing.length > 0) throw refuse(name, `its archive has no column ${missing.map((it) => it.name).join(', ')}`);
  const moved = columns.filter((it) => writable.has(it.name));
  const narrower = moved.filter(
    (it) => !holds(dialect.extentOf(writable.get(it.name) as Column), dialect.extentOf(it)),
  );
  const typeOf = ({ declared, type }: Column): string => declared ?? type;
  const pairs = narrower.map((it) => `${it.name} (${typeOf(writable.get(it.name) as Column)}, not ${typeOf(it)})`);
  if (pairs.length > 0)
    throw refuse(name, `its archive ${tableLabel(to)} would not keep as it is: ${pairs.join(', ')}`);
  return { to, columns: moved.map((it) => it.name) };
}
