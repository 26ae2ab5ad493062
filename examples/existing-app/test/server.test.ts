import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { sql, type Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../test/support/bundle-worker.js';
import { closedPort } from '../../../test/support/ports.js';
import { available, freshPostgres, type FreshDatabase } from '../../../test/support/services.js';
import { openDatabase, type AppTables } from '../src/database.js';

describe.skipIf(!available.postgres)('the server of an application', () => {
  let fresh: FreshDatabase;
  let bundle: Awaited<ReturnType<typeof bundleWorker>>;
  let database: Kysely<AppTables>;
  let server: ChildProcess;
  let url: string;
  const send = (path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'neo@example.com', password: 'follow the rabbit', ...body }),
    });

  beforeEach(async () => {
    fresh = await freshPostgres();
    database = openDatabase(fresh.url);
    bundle = await bundleWorker(new URL('../src/server.ts', import.meta.url));
    const port = await closedPort();
    url = `http://127.0.0.1:${port}`;
    const env = { DATABASE_URL: fresh.url, PORT: String(port), SECRET: 'a secret of more than 32 characters' };
    server = fork(bundle.path, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore', 'ipc'] });
    for await (const said of server.stdout!) if (String(said).includes('Listening')) break;
  });
  afterEach(async () => {
    server.kill('SIGKILL');
    await database.destroy();
    bundle.remove();
    await fresh.drop();
  });

  it('outlives the end of its connections, as of a database that restarts', async () => {
    expect((await send('/signup', { name: 'Thomas Anderson' })).status).toBe(201);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(database);
    await expect.poll(async () => (await send('/login', {})).status).toBe(200);
    expect(server.exitCode).toBeNull();
  });

  it('ends when it is told to, although somebody follows its events', async () => {
    const cookie = (await send('/signup', { name: 'Thomas Anderson' })).headers.get('set-cookie') ?? '';
    await database.updateTable('users').set({ is_staff: true }).execute();
    const stream = await fetch(`${url}/ops/customer-lifecycle/events`, {
      headers: { cookie: cookie.split(';')[0] ?? '' },
    });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const cut = stream.text().catch(() => 'cut');
    server.kill('SIGTERM');
    expect(await once(server, 'exit')).toEqual([0, null]);
    await cut;
  });
});
