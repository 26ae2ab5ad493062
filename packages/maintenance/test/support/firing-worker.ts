import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, defineMaintenanceTask, kyselyMaintenanceStore } from '../../src/index.js';

/**
 * A process that fires a schedule every ten minutes by a clock of its own, and writes three rows in each run; one that is
 * `held` stops itself once between two of them, as if it were held up.
 */
const [, , url = '', name = '', startsAt = '0', leaseTtlMs = '0', held = ''] = process.argv;
const offsetMs = Number(startsAt) - Date.now();
const clock = { ...systemClock, now: () => Date.now() + offsetMs };
const database = databaseFromUrl(url);
const steps = 3;
let toBeHeld = held === 'held';

const task = defineMaintenanceTask({
  type: 'write_rows',
  name: 'Write rows',
  description: 'Writes rows, each under its lease',
  parameters: z.object({}),
  details: z.object({ written: z.number() }),
  plan: () => Promise.resolve({ targets: [], warnings: [] }),
  async run({ exclusively, runId }) {
    let written = 0;
    await exclusively('rows', async ({ confirm }) => {
      for (let step = 0; step < steps; step++) {
        await (database.kysely as Kysely<unknown>).transaction().execute(async (trx) => {
          await confirm({ database, trx });
          await sql`insert into rows_written (writer, run_id, step) values (${name}, ${runId}, ${step})`.execute(trx);
        });
        written += 1;
        if (toBeHeld && step === 1) {
          toBeHeld = false;
          process.kill(process.pid, 'SIGSTOP');
        }
        await sleep(20);
      }
    });
    return { details: { written } };
  },
});

const everyMs = 600_000;
const firstSlot = Math.ceil(Number(startsAt) / everyMs) * everyMs;
const store = kyselyMaintenanceStore(database);
let cameToIt = false;

const maintenance = createMaintenance({
  store: {
    ...store,
    // Each poll asks for that. What comes due before it is begun before it, and brought to its end by who stops.
    scheduleRevision() {
      if (!cameToIt && clock.now() > firstSlot) {
        cameToIt = true;
        process.stdout.write('came to its slot\n');
      }
      return store.scheduleRevision();
    },
  },
  clock,
  tasks: [task],
  hostId: name,
  leaseTtlMs: Number(leaseTtlMs),
  schedulePollMs: 500,
  schedules: [
    {
      name: 'often',
      task: 'write_rows',
      tenantId: 'acme',
      everyMs,
      overlap: 'queue',
      catchUp: 'all',
      graceMs: 86_400_000,
    },
  ],
});
// Nothing of the scheduler holds a process open.
const holdOpen = setInterval(() => {}, 60_000);
process.on('SIGTERM', () => {
  void maintenance
    .stop()
    .then(() => database.close())
    .then(() => clearInterval(holdOpen));
});
await maintenance.start();
process.stdout.write('started\n');
