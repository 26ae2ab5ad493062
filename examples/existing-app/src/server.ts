import { createApp } from './app.js';
import { createCustomers } from './customers.js';
import { openDatabase, prepareDatabase } from './database.js';

const { DATABASE_URL = 'postgres://postgres@127.0.0.1:5432/postgres', PORT = '3000', SECRET } = process.env;
if (!SECRET) throw new Error('Set SECRET to at least 32 characters that only this application knows.');
const database = openDatabase(DATABASE_URL);
await prepareDatabase(database);
const customers = createCustomers({
  database,
  secret: SECRET,
  // Where a real application would send a mail.
  sendVerification: ({ address, path }) => console.log(`To ${address}: http://127.0.0.1:${PORT}/ops${path}`),
});
await customers.start();
const server = createApp(database, customers).listen(Number(PORT), '127.0.0.1', () =>
  console.log(`Listening on http://127.0.0.1:${PORT}`),
);
process.once('SIGTERM', async () => {
  const answered = new Promise((resolve) => server.close(resolve));
  setTimeout(() => server.closeAllConnections(), 3_000).unref(); // event streams would go on for ever
  await answered;
  await customers.stop();
  await database.destroy();
});
