import { sql, type Transaction } from 'kysely';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import type { LifecycleOptions } from '../../src/options.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';
import { waitingForLocks } from '../support/waiting-for-locks.js';

interface Tables {
  host_ports: { name: string; taken: number };
}

const timeoutMs = 60_000;
/** Where one transaction holds a row that another waits for. */
const waits = new Set(['PostgreSQL', 'MariaDB']);

for (const { title, present, create } of backends.filter((it) => waits.has(it.title)))
  describe.skipIf(!present)(`work of several statements that is given up in the middle, on ${title}`, () => {
    let backend: Backend;
    let run: Rig | undefined;
    /** Calls of the handler that have come to their end. */
    let ended: number;
    let isHeld: boolean;
    let release: () => void;
    let holding: Promise<unknown>;

    const kysely = () => (backend.database as Database).withTables<Tables>();
    const ports = async () =>
      (await kysely().selectFrom('host_ports').selectAll().orderBy('name').execute()).map(({ name }) => name);
    const takePort = async ({ trx }: { trx: unknown }) => {
      const on = trx as Transaction<Tables>;
      try {
        await on
          .updateTable('host_ports')
          .set(({ eb }) => ({ taken: eb('taken', '+', 1) }))
          .where('name', '=', 'first')
          .execute();
        await on.insertInto('host_ports').values({ name: 'second', taken: 1 }).execute();
      } finally {
        ended += 1;
      }
    };
    const step: ServiceStep = { key: 'ports', timeoutMs, retry: { attempts: 2 }, runInTransaction: takePort };
    const templates = [defineServiceTemplate({ name: 'internet', config: z.object({}), steps: [step] })];
    /** Handlers whose statement is at the server, and waits for the row. */
    const waiting = () => waitingForLocks(backend.database as Database);
    const start = async (options: Partial<LifecycleOptions>) => (run = await rig(backend, options));

    beforeEach(async () => {
      [backend, ended, isHeld] = [await create(), 0, false];
      await sql`create table host_ports (name varchar(20) primary key, taken integer not null)`.execute(kysely());
      await kysely().insertInto('host_ports').values({ name: 'first', taken: 0 }).execute();
      const over = new Promise<void>((resolve) => (release = resolve));
      holding = kysely()
        .transaction()
        .execute(async (trx) => {
          await trx.updateTable('host_ports').set({ taken: 7 }).where('name', '=', 'first').execute();
          isHeld = true;
          await over;
        });
      await until(() => isHeld);
    });
    afterEach(async () => {
      release();
      await holding;
      await run?.stop();
      await backend.close();
    });
    const requested = async (): Promise<string> => {
      const { acme, active } = await start({ templates });
      const { id } = await acme.services.request(await active(), { serviceName: 'internet' });
      await until(async () => (await waiting()) === 1, backend.clock);
      return id;
    };
    const statusOf = async (id: string) => (await run?.acme.provisioning.get(id))?.runStatus;

    it('for its time is over is done by the next try alone', async () => {
      const id = await requested();
      await backend.clock.advance(timeoutMs);
      release();
      await until(async () => (await statusOf(id)) === 'completed', backend.clock);
      expect([ended, await ports()]).toEqual([2, ['first', 'second']]);
      expect(await kysely().selectFrom('host_ports').select('taken').where('name', '=', 'first').execute()).toEqual([
        { taken: 8 },
      ]);
    });

    it('for its run is cancelled leaves nothing', async () => {
      const id = await requested();
      await run?.acme.provisioning.cancel(id);
      await backend.clock.advance(timeoutMs);
      release();
      await until(async () => (await statusOf(id)) === 'cancelled', backend.clock);
      await until(() => ended > 0);
      expect(await ports()).toEqual(['first']);
    });

    it('for its process stops leaves nothing', async () => {
      await requested();
      let isOver = false;
      const stopping = run?.stop().then(() => (isOver = true));
      await backend.clock.advance(10_000);
      release();
      await until(() => isOver, backend.clock);
      await stopping;
      await until(() => ended > 0);
      expect(await ports()).toEqual(['first']);
    });

    it('as a hook that has no more time leaves nothing, in a transaction of its own or of the host', async () => {
      const { acme, clock } = await start({
        hooks: { 'customer.register': { inTransaction: takePort } },
        hookTimeoutMs: timeoutMs,
      });
      const registering = [
        acme.customers.register(someone()),
        kysely()
          .transaction()
          .execute((trx) => acme.customers.register(someone(), { trx })),
      ].map((it) =>
        it.then(
          () => 'registered',
          (error: { code?: string }) => error.code,
        ),
      );
      await until(async () => (await waiting()) === 2);
      await clock.advance(timeoutMs);
      release();
      await until(() => ended === 2);
      expect(await Promise.all(registering)).toEqual(['HOOK_TIMED_OUT', 'HOOK_TIMED_OUT']);
      expect(await ports()).toEqual(['first']);
    });
  });
