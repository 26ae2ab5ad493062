import { setImmediate as endOfTurn } from 'node:timers/promises';
import { fakeClock, runSuite, wakerSuite } from '@dotmac/lifecycle/testing';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { available, freshPostgres } from '../../../test/support/services.js';
import { openDatabase, prepareDatabase } from '../src/database.js';
import { wakeupTable } from '../src/wakeups.js';

// What dotmac asks of whatever wakes its work, asked of this application's own table of wake-ups.
describe.skipIf(!available.postgres)("the application's own wake-ups", () => {
  runSuite(wakerSuite, { describe, it }, async () => {
    const { url, drop } = await freshPostgres();
    // One connection: what is asked of it is done in its order.
    const database = openDatabase(url, { max: 1 });
    await prepareDatabase(database);
    const clock = fakeClock();
    const waker = wakeupTable(database, clock);
    /** Lets what was asked of the database be answered, and what follows from the answers be asked. */
    const settle = async (): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        await sql`select 1`.execute(database);
        await endOfTurn();
      }
    };
    const pass = async (ms: number): Promise<void> => {
      await settle();
      await clock.advance(ms);
      await settle();
    };
    return { subject: { waker, now: () => clock.now(), pass }, close: () => database.destroy().then(drop) };
  });

  it('outlive a database that is away when what they woke fails', async () => {
    const { url, drop } = await freshPostgres();
    const database = openDatabase(url);
    await prepareDatabase(database);
    const told = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(async () => {
      told.mockRestore();
      await database.destroy();
      await drop();
    });
    const clock = fakeClock();
    const waker = wakeupTable(database, clock);
    waker.start(async () => {
      await database.schema.dropTable('wakeups').execute();
      throw new Error('the work failed');
    });
    await waker.wake('key', clock.now());
    await clock.advance(1_000);
    await expect
      .poll(() => told.mock.calls.map(([what]) => what as string))
      .toContain('a wake-up could not be written');
    await waker.stop();
  });
});
