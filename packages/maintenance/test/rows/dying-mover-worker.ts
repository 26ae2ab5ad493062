// A process that moves rows into another table and is killed at the Nth step: before a statement or a commit, or after a commit.
// Arguments: the database's URL, N. When there are fewer steps it ends by itself.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { moveRows } from '../support/moving.js';

const [url = '', nth = ''] = process.argv.slice(2);
let steps = 0;
const database = databaseFromUrl(url);
await moveRows(database, () => {
  if (++steps === Number(nth)) process.kill(process.pid, 'SIGKILL');
});
await database.close();
