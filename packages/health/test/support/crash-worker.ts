// A process of its own, for tests to kill: monitors the endpoints of a SQLite file, and writes a line `id status` for
// each change that it tells of. Arguments: its URL.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore } from '../../src/index.js';

const health = createHealth({
  store: kyselyHealthStore(databaseFromUrl(process.argv[2] ?? '')),
  egress: { allow: ['loopback'] },
  checkIntervals: { min: 1 },
});
health.events.on('endpoint.status_changed', ({ subject, data }) => console.log(`${subject} ${data.to}`));
await health.start();
console.log('started');
// Timers of the module do not hold the process open.
setInterval(() => undefined, 1_000);
