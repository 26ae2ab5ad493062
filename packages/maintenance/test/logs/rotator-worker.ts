// A process that rotates the logs of a directory again and again until it is killed. Arguments: the directory, the
// policy as JSON, and the process that writes, which is told by SIGUSR2.
import { silentLogger, systemClock } from '@dotmac/core';
import { openRoot } from '../../src/files/root.js';
import { rotateLogs } from '../../src/logs/rotate-logs.js';
import { rotationOrders } from '../../src/logs/rotation-orders.js';
import { checkLog } from '../../src/policies/check-log.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';

const [directory = '', given = '{}', writer = ''] = process.argv.slice(2);
const policy = checkLog({
  name: 'app',
  directory,
  reopen: { signal: 'SIGUSR2', pid: Number(writer) },
  ...(JSON.parse(given) as Partial<LogPolicy>),
});
const steps = { remaining: Infinity, advance: () => Promise.resolve(true) };
const context = {
  clock: systemClock,
  signal: new AbortController().signal,
  logger: silentLogger,
  begin: () => Promise.resolve(steps),
  note: () => undefined,
};
process.on('disconnect', () => process.exit(1));
process.send?.('ready');
for (;;) {
  const root = await openRoot(directory);
  if (!root) break;
  const { counts, faults } = await rotateLogs(root, policy, rotationOrders(policy, {}, Date.now()), context);
  await root.close();
  if (faults.length > 0) throw faults[0]?.error;
  if (counts.rotated > 0) process.send?.('rotated');
}
