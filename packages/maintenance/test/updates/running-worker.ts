// A process that waits for a program which is to come to its end. Arguments: the program's script, its own argument, and
// the directory that it holds.
import { holdDirectory } from '../../src/updates/hold-directory.js';
import { runToItsEnd } from '../../src/updates/run-to-its-end.js';

const [, , script = '', mark = '', directory = ''] = process.argv;
const holds = await holdDirectory(directory);
await runToItsEnd({ program: 'node', args: ['-e', script, mark], patienceMs: 60_000, holds });
