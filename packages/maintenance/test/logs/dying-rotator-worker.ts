// A process that rotates the logs of a directory and is killed at the Nth call that changes a file or flushes it, before that
// is done. Arguments: the directory, the policy as JSON, the process that writes, which is told by SIGUSR2, and N. When there are
// fewer such calls it ends by itself.
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { interruptible, type Operation } from '../support/faulty-files.js';
import { rotate, type LogFolder } from '../support/logs.js';

const [directory = '', given = '{}', writer = '', nth = ''] = process.argv.slice(2);
// Dying before one of these is the same as dying before the next that is not.
const reading: readonly Operation[] = ['opendir', 'lstat', 'statfs', 'read', 'stat'];
let calls = 0;
const system = interruptible((operation, when) => {
  if (!reading.includes(operation) && when === 'before' && ++calls === Number(nth))
    process.kill(process.pid, 'SIGKILL');
});
const policy = JSON.parse(given) as Partial<LogPolicy>;
const reopen = { signal: 'SIGUSR2' as const, pid: Number(writer) };
const { faults } = await rotate(
  { directory } as LogFolder,
  policy.method === 'copytruncate' ? policy : { ...policy, reopen },
  { system },
);
process.exit(faults.length);
