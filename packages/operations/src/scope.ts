import type { HealthScope } from '@dotmac/health';
import type { LifecycleScope } from '@dotmac/lifecycle';
import type { MaintenanceScope } from '@dotmac/maintenance';
import type { OperationsStatus } from './status/status.js';

/** The three domains for one tenant. */
export interface OperationsScope {
  readonly health: HealthScope;
  readonly lifecycle: LifecycleScope;
  readonly maintenance: MaintenanceScope;
  /** All three at a glance. */
  status(): Promise<OperationsStatus>;
}
