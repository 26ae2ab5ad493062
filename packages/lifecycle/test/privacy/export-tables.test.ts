import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import { lifecycleErrors } from '../../src/errors.js';
import type { ExportLine } from '../../src/privacy/export-line.js';
import { backends } from '../support/backends.js';
import { everything, lived, person, traces } from '../support/lived.js';
import { rig, until } from '../support/lifecycle.js';
import { receiver } from '../support/receiver.js';
import { allRows, tracesOf } from '../support/traces.js';

/** What the documentation says of each table: its lines, or why there are none. */
const documented = new Map(
  readFileSync(new URL('../../../../docs/forget-a-customer.md', import.meta.url), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, table, kind, why] = /^\| `(dotmac_\w+)`\s*\|(?: `(\w+)`)?\s*\|\s*(.*?)\s*\|$/.exec(line) ?? [];
      return table ? [[table, { kind, why }] as const] : [];
    }),
);

/** Where an erased customer is still named by its id. In every other table no row of it is left. */
const leftByErasure = [
  'dotmac_bulk_failures',
  'dotmac_bulk_operations',
  'dotmac_bulk_targets',
  'dotmac_customer_events',
  'dotmac_customer_terms',
  'dotmac_customers',
  'dotmac_outbox',
  'dotmac_service_runs',
  'dotmac_services',
  'dotmac_webhook_deliveries',
];

/** The tables of a database with a column for a customer's id. */
async function tablesOfCustomers({ kysely }: Database): Promise<string[]> {
  const tables = await kysely.introspection.getTables();
  const isOfCustomer = (column: string): boolean => /(^|_)customer_id$/.test(column);
  return tables
    .filter(({ name, columns }) => name.startsWith('dotmac_') && columns.some((column) => isOfCustomer(column.name)))
    .map(({ name }) => name)
    .sort();
}

for (const { title, present, create } of backends.filter((it) => it.title !== 'memory'))
  describe.skipIf(!present)(`tables that know of a customer, on ${title}`, () => {
    it('have lines in the export, or the documentation says why not; erased, it has no row but in those listed', async () => {
      const backend = await create();
      const database = backend.database ?? expect.unreachable();
      const veto = (): never => {
        throw lifecycleErrors.CUSTOMER_ERASED({ customerId: person.lastName });
      };
      const run = await rig(backend, {
        ...everything,
        webhooks: { egress: { allow: ['loopback'] } },
        hooks: { ...everything.hooks, 'customer.restore': { before: veto } },
      });
      const { acme } = run;
      await acme.webhooks.create({ name: 'CRM', url: (await receiver()).url });
      const id = await lived(run, backend);
      await acme.privacy.setHold(id, { name: 'case' });
      await acme.customers.delete(id);
      // One that refuses, and one whose list is not done with.
      const bulk = await acme.bulk.start({ command: 'restore', filter: { stages: ['deleted'] }, dryRun: false });
      await until(async () => (await acme.bulk.get(bulk.id)).status === 'completed', run.clock);
      const listed = await acme.bulk.start({ command: 'restore', filter: { listed: true }, dryRun: false });
      await backend.store.transaction((trx) => backend.store.tenant('acme').bulk.addTargets(listed.id, [id], trx));
      await acme.verification.resend(id, { channel: 'phone' }).catch(() => undefined);

      const lines: ExportLine[] = [];
      for await (const line of await acme.privacy.export(id)) lines.push(line);
      const kinds = new Set<string>(lines.map(({ kind }) => kind));

      const byColumn = await tablesOfCustomers(database);
      // By whatever is in them, in whatever column.
      const naming = async (...texts: string[]): Promise<string[]> =>
        [...(await allRows(database))]
          .flatMap(([table, rows]) => (rows.some((row) => texts.some((text) => row.includes(text))) ? [table] : []))
          .sort();
      const byContent = await naming(id);
      expect(byColumn.length).toBeGreaterThan(12);
      // Nobody sees a table emptied that was empty before: whoever adds one fills it in this life.
      expect(byColumn.filter((table) => !byContent.includes(table))).toEqual([]);
      for (const table of new Set([...byColumn, ...byContent])) {
        const { kind, why } = documented.get(table) ?? expect.unreachable(`${table} is not in the documentation`);
        expect([table, (kind !== undefined) !== (why !== '')]).toEqual([table, true]);
        if (kind !== undefined) expect([table, kinds.has(kind)]).toEqual([table, true]);
      }
      const lineKinds = [...documented.values()].flatMap(({ kind }) => kind ?? []);
      expect([...kinds].sort()).toEqual([...lineKinds, 'end'].sort());
      expect(lines.find(({ kind }) => kind === 'bulk_refusal')).toMatchObject({
        command: 'restore',
        code: 'CUSTOMER_ERASED',
        message: expect.stringContaining(person.lastName) as string,
      });
      expect(lines.find(({ kind }) => kind === 'webhook_delivery')).toMatchObject({ eventType: 'customer.registered' });

      await acme.privacy.liftHold(id, 'case');
      await acme.privacy.erase(id);
      expect(await tracesOf(database, traces)).toEqual([]);
      expect(await naming(id)).toEqual(leftByErasure);
      await run.stop();
      await backend.close();
    }, 120_000);
  });
