import { describe, expect, it } from 'vitest';
import { givenBy } from '../../src/provisioning/may-give.js';
import type { Run } from '../../src/provisioning/run.js';
import type { OperationName } from '../../src/services/operation.js';
import { aRun } from '../../src/testing/samples.js';

/** Runs of a service, in the order in which they were begun. */
const runs = (...given: [OperationName, Run['status']][]): Run[] =>
  given.map(([operation, status], index) => aRun('acme', 'someone', { operation, status, createdAt: index }));

describe('what stopped runs were to have their service give', () => {
  it.each([
    { given: runs(['provision', 'completed']), comesTo: [] },
    { given: runs(['provision', 'completed'], ['suspend', 'cancelled']), comesTo: ['suspended'] },
    {
      given: runs(['provision', 'completed'], ['throttle', 'cancelled'], ['resume', 'cancelled']),
      comesTo: ['full', 'throttled'],
    },
    { given: runs(['suspend', 'cancelled'], ['resume', 'completed']), comesTo: [] },
    { given: runs(['suspend', 'cancelled'], ['deprovision', 'cancelled']), comesTo: ['suspended'] },
    { given: runs(['suspend', 'cancelled'], ['resume', 'failed']), comesTo: ['suspended'] },
    { given: runs(['suspend', 'failed']), comesTo: [] },
  ])('comes to $comesTo, the last one first', ({ given, comesTo }) => {
    expect(givenBy([...given].reverse())).toEqual(comesTo);
    // Ids of a process whose clock is fast say that its runs were the last.
    expect(givenBy(given)).toEqual(comesTo);
  });
});
