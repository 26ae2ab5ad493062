import { describe, it } from 'vitest';
import { runSuite } from '@dotmac/core/testing';
import { lifecycleStoreSuite } from '../../src/testing/store-suite.js';
import { backends } from '../support/backends.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(title, () => {
    runSuite(lifecycleStoreSuite, { describe, it }, async () => {
      const { store, clock, close } = await create();
      return { subject: { store, clock }, close };
    });
  });
