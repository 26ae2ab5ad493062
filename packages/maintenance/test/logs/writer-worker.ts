// A process that writes 50,000 lines a second to a log until it is told to end, and opens it anew at SIGHUP.
// Argument: the log. At the end it tells how many lines the system took.
import { logWriter } from '../support/log-writer.js';

const perTick = 500;
const tickMs = 10;
const writer = logWriter(process.argv[2] ?? '');
process.on('SIGHUP', () => writer.reopen());
process.on('disconnect', () => process.exit(1));
const begun = performance.now();
const timer = setInterval(() => {
  const owed = Math.floor((performance.now() - begun) / tickMs) * perTick - writer.written();
  // Whoever was held up catches up, but lets signals through.
  writer.write(Math.min(Math.max(0, owed), 10 * perTick));
}, tickMs);
process.on('message', () => {
  clearInterval(timer);
  writer.close();
  process.send?.({ lines: writer.written(), ms: performance.now() - begun });
  process.disconnect();
});
process.send?.('ready');
