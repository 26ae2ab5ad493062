import type { Code } from '../probes/outcomes.js';
import type { CheckedServiceType, ServiceFacts } from './service-check.js';

/** A service that can be checked. It throws what went wrong: a `ConnectFailure`, `WrongAnswer` or `Unreachable`. */
export interface ServiceTarget {
  readonly serviceType: CheckedServiceType;
  /**
   * Asks the service something real. `degraded` with a reason, when the answer is one to worry about, `code` for programs;
   * `responseTimeMs` when the answer came sooner than the facts beside it.
   */
  check(signal: AbortSignal): Promise<{ facts: ServiceFacts; degraded?: string; code?: Code; responseTimeMs?: number }>;
}
