import { readDraft } from '@dotmac/core/contract';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import { healthErrors } from '../errors.js';
import type { HealthContext } from '../context.js';
import { keptResultsOf } from '../history/kept-results.js';
import type { CheckResult } from '../history/result.js';
import { slower } from '../probes/judge.js';
import { policyOf } from '../monitoring/policy.js';
import { simulationInput, written, type GivenResult, type SimulationDraft } from './simulation-input.js';
import { simulate, type Simulation } from './simulate.js';

/** Tries policies on what is kept of the endpoints of one tenant, or on what is given. */
export function simulationService(context: HealthContext, tenantId: string) {
  return async (endpointId: string, draft: SimulationDraft = {}): Promise<Simulation> => {
    const { results: own, ...changes } = readDraft(simulationInput, written(draft));
    const endpoints = context.store.tenant(tenantId);
    const found = await endpoints.get(endpointId);
    if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const endpoint = { ...found.endpoint, ...given };
    const expectedMs = changes.expectedResponseTime === undefined ? undefined : changes.expectedResponseTime * 1_000;
    const results = own
      ? own.map(resultOf).sort((a, b) => b.at - a.at)
      : await keptResultsOf(context, { tenantId, endpointId, ring: 'recent' });
    const outcomes = results.reverse().map((result) => ({ ...result, status: rejudged(result, expectedMs) }));
    return simulate(outcomes, policyOf(endpoint));
  };
}

type Tried = Pick<CheckResult, 'at' | 'status' | 'responseTimeMs' | 'message'>;

function resultOf({ checkedAt: at, status, responseTime, message = slower }: GivenResult): Tried {
  return { at, status, responseTimeMs: responseTime === null ? null : responseTime * 1_000, message };
}

/** What a result would have been, had another response time been expected. */
function rejudged({ status, responseTimeMs, message }: Tried, expectedMs: number | undefined): EndpointStatus {
  const wasSlow = status === 'degraded' && message.endsWith(slower);
  if (expectedMs === undefined || responseTimeMs === null || (status !== 'healthy' && !wasSlow)) return status;
  return responseTimeMs > expectedMs ? 'degraded' : 'healthy';
}
