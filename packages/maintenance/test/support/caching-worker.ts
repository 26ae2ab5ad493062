import { Redis } from 'ioredis';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, kyselyMaintenanceStore } from '../../src/index.js';

/** A process on a machine of that name, with caches in its memory, in the files of its machine, and in a Redis that all share. */
const [, , url = '', hostId = '', directory = '', redisUrl = '', prefix = ''] = process.argv;
const database = databaseFromUrl(url);
const redis = new Redis(redisUrl);
const memory = new Map<number, string>();
const cache = {
  get size() {
    return memory.size;
  },
  purgeStale: () => undefined,
  clear: () => memory.clear(),
};
// There is always something to be cleaned, and the process stays.
let entries = 0;
const filling = setInterval(() => memory.set((entries += 1), 'x'), 50);

const maintenance = createMaintenance({
  store: kyselyMaintenanceStore(database),
  hostId,
  throttle: [],
  caches: [
    {
      name: 'entries',
      remove: 'all',
      memory: () => cache,
    },
    { name: 'keys', redis: () => redis, pattern: `${prefix}*` },
    { name: 'files', directory, maxAgeDays: 1, ageBy: ['modification'] },
  ],
  schedules: [{ name: 'caches', task: 'cache_cleanup', tenantId: 'acme', everyMs: 20_000 }],
});
process.on('SIGTERM', () => {
  clearInterval(filling);
  void maintenance
    .stop()
    .then(() => redis.quit())
    .then(() => database.close());
});
await maintenance.start();
process.stdout.write('started\n');
