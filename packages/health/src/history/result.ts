import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { Code } from '../probes/outcomes.js';
import type { Phases } from '../probes/probe.js';

/** One check's outcome, as it is kept. */
export interface CheckResult {
  tenantId: string;
  endpointId: string;
  /** Epoch ms. */
  at: number;
  /** What this one check found, which is not yet the endpoint's status. */
  status: EndpointStatus;
  /** What it is, for programs. */
  code: Code;
  responseTimeMs: number | null;
  message: string;
  phases: Phases;
}

/**
 * Where results are kept one by one, each ring overwriting its oldest: the last checks, and apart from them the last
 * that were not healthy, so that what was wrong outlives the checks that were not.
 */
export type Ring = 'recent' | 'issues';
