import { readDraft } from '@dotmac/core/contract';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import { healthErrors } from '../errors.js';
import type { HealthContext } from '../context.js';
import { keptResultsOf } from '../history/kept-results.js';
import type { CheckResult } from '../history/result.js';
import { slower } from '../probes/judge.js';
import { keptCode } from '../probes/outcomes.js';
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

type Tried = Pick<CheckResult, 'at' | 'status' | 'code' | 'responseTimeMs' | 'message'>;

function resultOf({ checkedAt: at, status, code, responseTime, message }: GivenResult): Tried {
  const isSlow = status === 'degraded' && code === undefined && message === undefined;
  return {
    ...{ at, status, message: message ?? '' },
    code: isSlow ? 'slow' : keptCode(status, code),
    responseTimeMs: responseTime === null ? null : responseTime * 1_000,
  };
}

/** What a result would have been, had another response time been expected. */
function rejudged({ status, code, responseTimeMs, message }: Tried, expectedMs: number | undefined): EndpointStatus {
  const saysSlow = code === 'slow' || (code === 'unspecified' && message.endsWith(slower));
  const wasSlow = status === 'degraded' && saysSlow;
  if (expectedMs === undefined || responseTimeMs === null || (status !== 'healthy' && !wasSlow)) return status;
  return responseTimeMs > expectedMs ? 'degraded' : 'healthy';
}
