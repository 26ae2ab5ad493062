// A process of its own that stops itself (SIGSTOP) at a place where something is written, and ends once it went on and
// nothing of its own is left to do. Arguments: database URL, ledger file, the number of the place, and what it is woken
// by; with nothing to be woken by it delivers. Told to end (SIGTERM), it says how many places there were.
import { appendFileSync } from 'node:fs';
import { setTimeout as turn } from 'node:timers/promises';
import { timerWaker } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { workerOptions } from './held-up.js';
import { withPauses } from './pausing.js';
import { nothingDue } from './nothing-due.js';

const [, , url = '', ledger = '', place = '', ...keys] = process.argv;
let passed = 0;
const end = async (): Promise<void> => {
  await lifecycle.stop();
  process.exit(0);
};
const { store, isIdle } = withPauses(kyselyLifecycleStore(databaseFromUrl(url)), async (boundary) => {
  // Inside a transaction it would be the database that is held up.
  if (boundary.endsWith('inside a transaction') || ++passed !== Number(place)) return;
  while (!isIdle()) await turn(1);
  appendFileSync(ledger, boundary);
  process.kill(process.pid, 'SIGSTOP');
  void end();
});
const outbox = keys.length === 0 ? store.outbox : { ...store.outbox, claim: () => Promise.resolve([]) };
const waker = timerWaker();
const lifecycle = createLifecycle({
  ...workerOptions,
  // It minds its own: what others were held up at is for who comes after them all.
  store: { ...store, outbox, ...nothingDue },
  waker,
  migrate: false,
});
process.on('SIGTERM', () => {
  // What it is about to come to counts as well.
  void lifecycle.stop().then(() => process.stdout.write(String(passed), () => process.exit(0)));
});
await lifecycle.start();
for (const key of keys) await waker.wake(key, Date.now());
setInterval(() => undefined, 1_000);
