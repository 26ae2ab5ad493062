import { describe, it } from 'vitest';
import { memoryIdempotencyStore } from '../../src/memory/idempotency.js';
import { memoryLeases } from '../../src/memory/leases.js';
import { memoryOutbox } from '../../src/memory/outbox.js';
import { memoryTables } from '../../src/memory/tables.js';
import { fakeClock, idempotencySuite, leaseSuite, outboxSuite, runSuite } from '../../src/testing/index.js';

runSuite(outboxSuite, { describe, it }, () => {
  const clock = fakeClock();
  const outbox = memoryOutbox({ clock });
  const tables = memoryTables({});
  return Promise.resolve({
    subject: { outboxes: [outbox, outbox], clock, transaction: (work) => tables.transaction((_, trx) => work(trx)) },
  });
});

runSuite(leaseSuite, { describe, it }, () => {
  const clock = fakeClock();
  const leases = memoryLeases({ clock });
  return Promise.resolve({ subject: { leases: [leases, leases], clock } });
});

runSuite(idempotencySuite, { describe, it }, () => {
  const store = memoryIdempotencyStore();
  return Promise.resolve({ subject: { stores: [store, store] } });
});
