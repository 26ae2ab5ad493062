import type { ColumnTypes, Migration } from '@dotmac/core/kysely';

type Column = [name: string, type: keyof ColumnTypes];

/** All may be null: rows of before do not have them. */
const columns: [Column, ...Column[]] = [
  ['scope_id', 'key'],
  ['parameters', 'bigText'],
  ['dry_run', 'int'],
  ['plan_id', 'id'],
  ['as_of', 'epochMs'],
  ['confirmed', 'int'],
  ['resumes', 'id'],
  ['resumed_by', 'id'],
  ['stop_reason', 'word'],
  ['cancel_requested_at', 'epochMs'],
  ['bytes_reusable', 'bigInt'],
  ['bytes_estimated', 'bigInt'],
  ['progress', 'bigText'],
  ['cursors', 'bigText'],
  ['log', 'bigText'],
];

/** What runs keep so that they can be watched, cancelled and resumed. */
export const runProgress: Migration = async ({ schema }, { types, traits }) => {
  const alter = () => schema.alterTable('dotmac_maintenance_runs');
  if (traits.transactionalDdl) for (const [name, type] of columns) await alter().addColumn(name, types[type]).execute();
  else {
    // One statement: on MySQL each is for good by itself.
    const [[name, type], ...others] = columns;
    const first = alter().addColumn(name, types[type]);
    await others.reduce((all, column) => all.addColumn(column[0], types[column[1]]), first).execute();
  }
};

/** What dry runs found, to be applied as it was seen. */
export const plans: Migration = async ({ schema }, { types }) => {
  await schema
    .createTable('dotmac_maintenance_plans')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('task', types.word, (c) => c.notNull())
    .addColumn('actor', types.text, (c) => c.notNull())
    .addColumn('parameters', types.bigText, (c) => c.notNull())
    .addColumn('plan', types.bigText, (c) => c.notNull())
    .addColumn('as_of', types.epochMs, (c) => c.notNull())
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('expires_at', types.epochMs, (c) => c.notNull())
    .addColumn('applied_by', types.id)
    .addPrimaryKeyConstraint('dotmac_maintenance_plans_pk', ['tenant_id', 'id'])
    .execute();
};
