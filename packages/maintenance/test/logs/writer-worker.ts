// A process that writes 50,000 lines a second to a log until it is told to end, and opens it anew at SIGHUP.
// Argument: the log. It tells when it has written as many lines as a test is about, and at the end how many the system took.
import { logWriter } from '../support/log-writer.js';

const perTick = 500;
const tickMs = 10;
const writer = logWriter(process.argv[2] ?? '');
process.on('SIGHUP', () => writer.reopen());
process.on('disconnect', () => process.exit(1));
const begun = performance.now();
let isTold = false;
const timer = setInterval(() => {
  const owed = Math.floor((performance.now() - begun) / tickMs) * perTick - writer.written();
  // Whoever was held up catches up, but lets signals through.
  writer.write(Math.min(Math.max(0, owed), 10 * perTick));
  if (isTold || writer.written() <= 50_000) return;
  isTold = true;
  process.send?.('enough');
}, tickMs);
process.on('message', () => {
  clearInterval(timer);
  writer.close();
  process.send?.({ lines: writer.written(), ms: performance.now() - begun });
  process.disconnect();
});
process.send?.('ready');
