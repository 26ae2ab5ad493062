// A process that archives rows into a file and is killed at the Nth step: before a call that changes a file or flushes it,
// before or after a question to the database, before a commit. Arguments: the database's URL, the directory, N. When there
// are fewer steps it ends by itself.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { archiveEvents, stepping } from '../support/archiving.js';
import { interruptible, type Operation } from '../support/faulty-files.js';

const [url = '', directory = '', nth = ''] = process.argv.slice(2);
// Dying before one of these is the same as dying before the next that is not.
const reading: readonly Operation[] = ['opendir', 'lstat', 'statfs', 'read', 'stat'];
let steps = 0;
const step = (): void => {
  if (++steps === Number(nth)) process.kill(process.pid, 'SIGKILL');
};
const system = interruptible((operation, when) => {
  if (!reading.includes(operation) && when === 'before') step();
});
const database = databaseFromUrl(url);
await archiveEvents(database, directory, { id: 'dying', system, dialect: stepping(step) });
await database.close();
