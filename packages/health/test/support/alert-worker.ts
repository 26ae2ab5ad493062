// A process of its own, for tests to kill: monitors the endpoints of a SQLite file and tells of their incidents.
// Arguments: its URL, and the epoch and speed of its clock.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore } from '../../src/index.js';
import { fastClock } from './fast-clock.js';

const [url = '', epoch, speed] = process.argv.slice(2);
const clock = fastClock(Number(epoch), Number(speed));
const health = createHealth({
  store: kyselyHealthStore(databaseFromUrl(url), { clock }),
  clock,
  egress: { allow: ['loopback'] },
  checkIntervals: { min: 1 },
  secret: 'a secret of thirty-two characters',
});
await health.start();
console.log('started');
// Timers of the module do not hold the process open.
setInterval(() => undefined, 1_000);
