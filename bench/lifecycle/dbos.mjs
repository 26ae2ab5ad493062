// Workflows of four steps in DBOS, fifty at once. Argument: the URL of a PostgreSQL database. Prints figures as JSON.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { atOnce, poolSize } from './measure.mjs';

const [url, isSmall] = process.argv.slice(2);
DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: url,
  logLevel: 'error',
  runAdminServer: false,
  systemDatabasePoolSize: poolSize,
});
const step = (name) => DBOS.runStep(() => Promise.resolve({ id: DBOS.workflowID }), { name });
const workflow = DBOS.registerWorkflow(
  async () => {
    for (const name of ['one', 'two', 'three', 'four']) await step(name);
  },
  { name: 'four-steps' },
);
await DBOS.launch();
await atOnce(isSmall ? 20 : 100, 50, () => workflow());
const { perSecond } = await atOnce(isSmall ? 50 : 500, 50, () => workflow());
await DBOS.shutdown();
console.log(JSON.stringify({ steps: 4 * perSecond }));
process.exit(0);
