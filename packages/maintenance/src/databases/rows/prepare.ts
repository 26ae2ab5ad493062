import { maintenanceErrors } from '../../errors.js';
import type { CheckedRetention } from '../../policies/policy-set.js';
import { rowDialect } from '../row-dialects.js';
import { ownName, tableResource } from '../table-resource.js';
import type { Removal, RowDialect } from './dialect.js';
import { tableLabel } from './due.js';
import { holds } from './extent.js';
import { childrenFirst } from './order.js';
import type { Column, RowSelection, TableFacts, TableName } from './selection.js';

/** A policy that fits its table, as it is found now. */
export interface Prepared {
  readonly name: string;
  /** Its part in plans, progress and logs: `table:main.sessions`, with the policy's name when there are several for a table. */
  readonly target: string;
  /** What is held meanwhile: `table:main.sessions`, however the policy writes the table. */
  readonly resource: string;
  readonly database: string;
  readonly policy: CheckedRetention;
  readonly selection: RowSelection;
  readonly facts: TableFacts;
  readonly dialect: RowDialect;
  /** The table that rows are moved to. */
  readonly archive: Removal['archive'];
}

const dayMs = 86_400_000;

const refuse = (policy: string, reason: string): Error => maintenanceErrors.TABLE_NOT_MAINTAINABLE({ policy, reason });

/**
 * Looks all policies up in the catalogue, before the first row goes, and puts those first that others wait for.
 * @param asOf epoch ms that ages are counted from
 * @param retentionDays instead of the policies' own
 * @throws TABLE_NOT_MAINTAINABLE when a table is not as its policy needs it, or tables refer to each other in a circle
 */
export async function prepareAll(
  policies: readonly CheckedRetention[],
  asOf: number,
  retentionDays: number | undefined,
): Promise<Prepared[]> {
  const found: Omit<Prepared, 'target'>[] = [];
  for (const policy of policies) found.push(await prepare(policy, asOf, retentionDays));
  const prepared = found.map((one): Prepared => {
    const alone = found.filter(({ resource }) => resource === one.resource).length === 1;
    return { ...one, target: alone ? one.resource : `${one.resource}#${one.name}` };
  });
  const sorted = childrenFirst(prepared);
  if ('ordered' in sorted) return sorted.ordered;
  throw refuse(
    sorted.cycle[0] as string,
    `its table and those of ${sorted.cycle.slice(1).join(', ')} refer to each other in a circle, so that none can go first`,
  );
}

async function prepare(
  policy: CheckedRetention,
  asOf: number,
  asked: number | undefined,
): Promise<Omit<Prepared, 'target'>> {
  const { name, database, on, schema, table, timeColumn, timeUnit, where, keepNewest } = policy;
  const dialect = rowDialect(on);
  const facts = await dialect.describe(on.kysely, policy);
  if (!facts) throw refuse(name, 'its table does not exist');
  if (facts.key.length === 0) throw refuse(name, 'its table has no primary key');
  if (facts.timeType === undefined) throw refuse(name, 'its table has no such time column');
  if (!dialect.keeps(facts.timeType, timeUnit))
    throw refuse(name, `its time column, of type ${facts.timeType}, does not keep instants as ${timeUnit}`);
  if (keepNewest?.per !== undefined && !facts.columns.some((it) => it.name === keepNewest.per))
    throw refuse(name, `its table has no column ${keepNewest.per}, by which its newest rows are kept`);
  const cutoff = Math.floor(asOf - (asked ?? policy.retentionDays) * dayMs);
  const selection: RowSelection = {
    table,
    schema,
    timeColumn,
    timeUnit,
    where,
    keepNewest,
    // A column of whole seconds is compared with whole seconds; rounded towards keeping.
    cutoff: timeUnit === 's' ? Math.floor(cutoff / 1000) * 1000 : cutoff,
  };
  // Foreign keys that the connection does not enforce neither hold rows back nor take any along.
  const references = (await dialect.foreignKeysOff(on.kysely)) ? [] : facts.references;
  const resource = tableResource(database, await ownName(on, policy));
  const archive = await archiveTable(policy, resource, facts, dialect);
  return { name, resource, database, policy, selection, facts: { ...facts, references }, dialect, archive };
}

async function archiveTable(
  { name, on, database, archive }: CheckedRetention,
  resource: string,
  { columns }: TableFacts,
  dialect: RowDialect,
): Promise<Removal['archive']> {
  if (!archive || 'directory' in archive) return undefined;
  const to: TableName = archive;
  if (tableResource(database, await ownName(on, to)) === resource)
    throw refuse(name, 'its archive is the table itself');
  const there = await dialect.columnsOf(on.kysely, to);
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
