import { createHealth, memoryHealthStore, type HealthOptions, type ServiceCheckService } from '../../src/index.js';

/** The checks of one tenant, with these targets and settings. */
export function checksWith(options: Omit<HealthOptions, 'store'> = {}): ServiceCheckService {
  return createHealth({ store: memoryHealthStore(), monitoring: false, ...options }).scope({
    tenantId: 'acme',
    actor: 'user:1',
  }).checks;
}
