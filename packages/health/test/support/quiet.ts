import { fakeClock } from '@dotmac/core/testing';
import { createHealth, memoryHealthStore, type HealthOptions } from '../../src/index.js';

export const acme = { tenantId: 'acme', actor: 'user:1' };
export const secret = 'a secret of more than 32 characters, for tests';
export const gateway = { name: 'gateway', host: 'gw.example.com', port: 443, serviceType: 'https' };

/** Health that checks nothing. */
export function quiet(options: Partial<HealthOptions> = {}) {
  const store = memoryHealthStore();
  const health = createHealth({ store, clock: fakeClock(), monitoring: false, secret, ...options });
  return { store, health, endpoints: health.scope(acme).endpoints };
}

/** The refusal of a draft, by the fields at fault. */
export const paths = (...expected: string[]) => ({
  code: 'INVALID_INPUT',
  issues: expected.map((path) => ({ path })),
});
