import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import { createMaintenance, kyselyMaintenanceStore, type MaintenanceModule } from '../../src/index.js';

const [first, second, third] = [Date.UTC(2020, 1), Date.UTC(2020, 2), Date.UTC(2020, 3)];
/** When the rows of each partition were made; those of the last are not due. */
const made = [
  [1, first - 2],
  [2, first - 1],
  [3, first],
  [4, second],
  [5, third - 1],
  [6, third],
] as const;

/** What may be left, one after another: partitions go whole, the oldest first. */
export const leftByTurns = [
  { ids: [1, 2, 3, 4, 5, 6], partitions: ['parted_0', 'parted_1', 'parted_2', 'parted_rest'] },
  { ids: [3, 4, 5, 6], partitions: ['parted_1', 'parted_2', 'parted_rest'] },
  { ids: [4, 5, 6], partitions: ['parted_2', 'parted_rest'] },
  { ids: [6], partitions: ['parted_rest'] },
];

/** A table of three partitions that are due, and one that is not. */
export async function fillDropping({ kysely, dialect }: Database): Promise<void> {
  await sql`drop table if exists parted`.execute(kysely);
  const columns = 'create table parted (id bigint, at bigint, primary key (id, at)) partition by range (at)';
  const bounds = [first, second, third];
  const statements =
    dialect === 'postgres'
      ? [
          columns,
          ...bounds.map(
            (to, at) =>
              `create table parted_${at} partition of parted for values from (${bounds[at - 1] ?? 'minvalue'}) to (${to})`,
          ),
          'create table parted_rest partition of parted default',
        ]
      : [
          `${columns} (${bounds.map((to, at) => `partition parted_${at} values less than (${to})`).join(', ')}, partition parted_rest values less than maxvalue)`,
        ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
  await sql`insert into parted values ${sql.join(made.map(([id, at]) => sql`(${sql.lit(id)}, ${sql.lit(at)})`))}`.execute(
    kysely,
  );
}

/** The ids that are left, and what there is of partitions, attached or not. */
export async function leftOf({ kysely, dialect }: Database): Promise<{ ids: number[]; partitions: string[] }> {
  const { rows } = await sql<{ id: number }>`select id from parted order by id`.execute(kysely);
  const named =
    dialect === 'postgres'
      ? sql<{
          name: string;
        }>`select relname as name from pg_catalog.pg_class where relkind = 'r' and relname like 'parted_%'`
      : sql<{ name: string }>`select partition_name as name from information_schema.partitions
          where table_schema = database() and table_name = 'parted'`;
  const partitions = (await named.execute(kysely)).rows.map(({ name }) => name).sort();
  return { ids: rows.map(({ id }) => Number(id)), partitions };
}

/** A module that drops what is due of the table. Calls `step` before each statement to the application's database, with its text. */
export function droppingMaintenance(
  database: Database,
  step: (statement: string) => void = () => {},
): MaintenanceModule {
  const counted: Database = {
    ...database,
    kysely: database.kysely.withPlugin({
      transformQuery({ node }) {
        step(node.kind === 'RawNode' ? node.sqlFragments.join('') : node.kind);
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    }),
  };
  return createMaintenance({
    store: kyselyMaintenanceStore(database),
    databases: { main: counted },
    retention: [
      { name: 'dropped', database: 'main', table: 'parted', timeColumn: 'at', retentionDays: 30, maxShare: 1 },
    ],
    throttle: [],
    startScheduler: false,
  });
}
