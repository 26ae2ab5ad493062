import { silentLogger } from '@dotmac/core';
import { databaseFromUrl, sqlite, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available, freshMysql, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';
import { inStep } from '../../../core/test/support/traffic.js';
import { kyselyHealthStore } from '../../src/index.js';
import { receiver, staged } from '../support/staged.js';

const fresh = async (make: () => Promise<FreshDatabase>): Promise<Database> => {
  const { url, drop } = await make();
  const database = databaseFromUrl(url);
  onTestFinished(() => database.close().then(drop));
  return database;
};
const refuse = `ALTER TABLE dotmac_incidents ADD CONSTRAINT no_poison CHECK (endpoint_name <> 'poison')`;
const databases = [
  {
    title: 'SQLite',
    isThere: true,
    open: () => {
      const database = sqlite(':memory:');
      onTestFinished(() => database.close());
      return Promise.resolve(database);
    },
    refuse: `CREATE TRIGGER no_poison BEFORE INSERT ON dotmac_incidents WHEN NEW.endpoint_name = 'poison'
      BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    allow: 'DROP TRIGGER no_poison',
  },
  {
    ...{ title: 'PostgreSQL', isThere: available.postgres, open: () => fresh(freshPostgres) },
    ...{ refuse, allow: 'ALTER TABLE dotmac_incidents DROP CONSTRAINT no_poison' },
  },
  {
    ...{ title: 'MariaDB', isThere: available.mysql, open: () => fresh(freshMysql) },
    ...{ refuse, allow: 'ALTER TABLE dotmac_incidents DROP CONSTRAINT no_poison' },
  },
];

describe.each(databases)('an endpoint that $title keeps nothing of', ({ isThere, open, refuse, allow }) => {
  it.skipIf(!isThere)('keeps nobody else from being stored and told, and is told when that is over', async () => {
    const database = await open();
    const run = async (statement: string): Promise<void> =>
      void (await sql.raw(statement).execute(database.withTables()));
    const warned: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
    const it = await staged((clock) => inStep(kyselyHealthStore(database, { clock }), clock).store, { logger });
    const { health, clock, scope, states, register, until } = it;
    const hook = await receiver();
    const { id: channelId } = await scope.channels.create({
      ...{ name: 'operators', kind: 'webhook', config: { url: hook.url }, groupWait: 0 },
      secrets: { key: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
    });
    await scope.alerts.create({ name: 'all', channelIds: [channelId] });
    const names = Array.from({ length: 20 }, (_, index) => `web ${index}`);
    for (const name of names) await register(name);
    const rival = health.scope({ tenantId: 'rival', actor: 'user:2' });
    const of = { serviceType: 'played', checkInterval: 5, retryCount: 1, config: { name: 'poison' } };
    const poison = await rival.endpoints.register({ name: 'poison', ...of });
    await until(() => scope.summary().details.every(({ status }) => status === 'healthy'));
    await until(async () => (await rival.endpoints.get(poison.id)).lastStatus === 'healthy');

    await run(refuse);
    for (const name of [...names, 'poison']) states.set(name, 'offline');
    const told = (): Set<string> =>
      new Set(
        hook.received.flatMap(({ text }) =>
          (JSON.parse(text) as { items: { endpoint_name: string }[] }).items.map((item) => item.endpoint_name),
        ),
      );
    await until(() => told().size === names.length);
    expect((await scope.incidents.list()).items).toHaveLength(names.length);
    expect((await rival.incidents.list()).items).toEqual([]);
    await until(() => warned.some((fields) => 'endpointId' in fields && fields.endpointId === poison.id));
    // That one tenant's waits does not make the process one that is behind.
    const muchLater = clock.now() + 180_000;
    await until(() => clock.now() > muchLater && health.readiness().parts['store'] === undefined, 5_000);

    await run(allow);
    await until(async () => (await rival.incidents.list()).items.length === 1);
    expect((await rival.history.results(poison.id)).items.some(({ status }) => status === 'offline')).toBe(true);
  });
});
