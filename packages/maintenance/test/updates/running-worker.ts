// A process that waits for a program which is to come to its end. Arguments: the program's script, and its own argument.
import { runToItsEnd } from '../../src/updates/run-to-its-end.js';

const [, , script = '', mark = ''] = process.argv;
await runToItsEnd({ program: 'node', args: ['-e', script, mark], patienceMs: 60_000 });
