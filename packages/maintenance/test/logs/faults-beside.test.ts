import { operations } from '../support/faulty-files.js';
import { failEach } from '../support/log-faults.js';

/** Those that `faults.test.ts` has: they change files or flush them. */
const changing: readonly string[] = ['open', 'link', 'rename', 'unlink', 'write', 'sync', 'truncate'];

failEach(operations.filter((it) => !changing.includes(it)));
