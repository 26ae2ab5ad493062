import { runSuite } from '@dotmac/core/testing';
import { describe, it } from 'vitest';
import { healthStoreSuite } from '../src/testing/index.js';
import { healthStores } from './support/stores.js';

describe.each(healthStores)('$title', ({ open }) => {
  runSuite(healthStoreSuite, { describe, it }, open);
});
