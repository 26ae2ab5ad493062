import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, expect } from 'vitest';

/**
 * In CI the cases of properties follow from a test's name, so that a change is judged by what it changes, and not by a
 * draw of that day. Elsewhere each run draws new ones. What fails names its seed either way.
 */
if (process.env.CI)
  beforeEach(() => {
    const name = expect.getState().currentTestName ?? '';
    fc.configureGlobal({ seed: createHash('sha256').update(name).digest().readInt32BE() });
  });
