import { readDraft } from '@dotmac/core/contract';
import { healthErrors } from '../errors.js';
import type { HealthContext } from '../context.js';
import { keptResultsOf } from '../history/kept-results.js';
import type { CheckResult } from '../history/result.js';
import { slower } from '../probes/judge.js';
import { policyOf } from '../monitoring/policy.js';
import { simulationInput, type SimulationDraft } from './simulation-input.js';
import { simulate, type Simulation } from './simulate.js';

/** Tries policies on what is kept of the endpoints of one tenant. */
export function simulationService(context: HealthContext, tenantId: string) {
  return async (endpointId: string, draft: SimulationDraft = {}): Promise<Simulation> => {
    const changes = readDraft(simulationInput, draft);
    const endpoints = context.store.tenant(tenantId);
    const found = await endpoints.get(endpointId);
    if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const endpoint = { ...found.endpoint, ...given };
    const expectedMs = changes.expectedResponseTime === undefined ? undefined : changes.expectedResponseTime * 1_000;
    const results = await keptResultsOf(context, { tenantId, endpointId, ring: 'recent' });
    const outcomes = results.reverse().map((result) => ({ ...result, status: rejudged(result, expectedMs) }));
    return simulate(outcomes, policyOf(endpoint));
  };
}

/** What a result would have been, had another response time been expected. */
function rejudged(
  { status, responseTimeMs, message }: CheckResult,
  expectedMs: number | undefined,
): CheckResult['status'] {
  const wasSlow = status === 'degraded' && message.endsWith(slower);
  if (expectedMs === undefined || responseTimeMs === null || (status !== 'healthy' && !wasSlow)) return status;
  return responseTimeMs > expectedMs ? 'degraded' : 'healthy';
}
