// A process that rotates the logs of a directory and at its Nth call is killed, or stopped until somebody wakes it, before that
// is done. Arguments: the directory, the policy as JSON, the process that writes, which is told by SIGUSR2, N, and the signal.
// When there are fewer such calls it ends by itself.
import { writeSync } from 'node:fs';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { interruptible, type Operation } from '../support/faulty-files.js';
import { rotate, type LogFolder } from '../support/logs.js';

const [directory = '', given = '{}', writer = '', nth = '', signal = 'SIGKILL'] = process.argv.slice(2);
const uncounted: Record<string, readonly Operation[]> = {
  // Dying before one of these is the same as dying before the next that is not.
  SIGKILL: ['opendir', 'lstat', 'statfs', 'read', 'stat'],
  // The look right before one of these is a call as well, and what is between the two is left open.
  SIGSTOP: ['unlink', 'truncate'],
};
let calls = 0;
const system = interruptible((operation, when) => {
  if (uncounted[signal]?.includes(operation) || when !== 'before' || ++calls !== Number(nth)) return;
  if (signal === 'SIGSTOP') writeSync(process.stdout.fd, `before ${operation}\n`);
  process.kill(process.pid, signal);
});
const policy = JSON.parse(given) as Partial<LogPolicy>;
const reopen = { signal: 'SIGUSR2' as const, pid: Number(writer) };
const { faults } = await rotate(
  { directory } as LogFolder,
  policy.method === 'copytruncate' ? policy : { ...policy, reopen },
  { system },
);
// What others took that it was stopped at is a fault, and as it is to be; to break is not.
process.exit(signal === 'SIGSTOP' ? 0 : faults.length);
