// A process in a mount namespace of its own that rotates and cleans where the system refuses. Arguments: the case, and
// a folder of its own. It prints what came of it as JSON.
import { directoryCases } from './adverse-directories.js';
import { logCases } from './adverse-logs.js';

const [name = '', folder = ''] = process.argv.slice(2);
const run = { ...logCases(folder), ...directoryCases(folder) }[name];
if (!run) throw new Error(`there is no case ${name}`);
console.log(JSON.stringify(await run()));
