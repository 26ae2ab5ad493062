// A process of its own, for tests to stop, kill and suspend: monitors the endpoints of a database when no other does.
// Arguments: the database's URL, what the process is called, and for how long its lease lasts (ms). It says what it does
// in lines of JSON; SIGTERM stops it, and SIGUSR2 suspends it as soon as it has nothing to do with its store.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore } from '../../src/index.js';

const [url = '', instance = '', leaseTtlMs] = process.argv.slice(2);
const database = databaseFromUrl(url);
const say = (said: object): void => console.log(JSON.stringify(said));

/** How much is asked of the store just now. Who is suspended meanwhile may hold a lock, and with it everybody else. */
let asked = 0;
let isToSuspend = false;
const suspend = (): void => {
  if (!isToSuspend || asked > 0) return;
  isToSuspend = false;
  say({ isSuspended: true });
  process.kill(process.pid, 'SIGSTOP');
};
const answered = (): void => {
  asked--;
  suspend();
};
/** The same, and what is asked of it is counted. */
function counted<Part extends object>(part: Part): Part {
  return new Proxy(part, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name);
      if (typeof value === 'object' && value !== null) return counted(value);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const made: unknown = Reflect.apply(value, target, args);
        if (typeof made !== 'object' || made === null) return made;
        if (!(made instanceof Promise)) return counted(made);
        asked++;
        void made.then(answered, answered);
        return made;
      };
    },
  });
}

const health = createHealth({
  ...{ store: counted(kyselyHealthStore(database)), instance, leaseTtlMs: Number(leaseTtlMs) },
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
process.on('SIGUSR2', () => {
  isToSuspend = true;
  suspend();
});
process.on('SIGTERM', () => {
  void (async () => {
    await health.stop();
    await database.close();
    clearInterval(open);
  })();
});
