// The totals of a vitest JSON report in one line; fails on a failure, on a skipped test, and on a run without tests.
import { readFileSync } from 'node:fs';

const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success, testResults } = JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
);
const skipped = numPendingTests + numTodoTests;
for (const { assertionResults } of testResults)
  for (const { status, fullName } of assertionResults)
    if (status !== 'passed' && status !== 'failed') console.log(`skipped: ${fullName}`);
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${skipped} skipped`);
process.exit(success && numFailedTests === 0 && numPassedTests > 0 && skipped === 0 ? 0 : 1);
