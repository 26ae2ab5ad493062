// A process of its own, for tests to stop, kill and suspend: monitors the endpoints of a database when no other does.
// Arguments: the database's URL, what the process is called, and for how long its lease lasts (ms). It says what it does
// in lines of JSON; SIGTERM stops it.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore } from '../../src/index.js';

const [url = '', instance = '', leaseTtlMs] = process.argv.slice(2);
const database = databaseFromUrl(url);
const say = (said: object): void => console.log(JSON.stringify(said));
const health = createHealth({
  ...{ store: kyselyHealthStore(database), instance, leaseTtlMs: Number(leaseTtlMs) },
  egress: { allow: ['loopback'] },
  checkIntervals: { min: 1 },
  onMonitoring: say,
});
health.events.on('endpoint.status_changed', ({ data: { name, from, to } }) =>
  say({ change: `${name}: ${from} > ${to}` }),
);
await health.start();
// Timers of the module do not hold the process open.
const open = setInterval(() => undefined, 1_000);
process.on('SIGTERM', () => {
  void (async () => {
    await health.stop();
    await database.close();
    clearInterval(open);
  })();
});
