import { readDraft } from '@dotmac/core/contract';
import { healthErrors } from '../errors.js';
import type { HealthContext } from '../context.js';
import { keptResultsOf } from '../history/kept-results.js';
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
    const slowerMs = (changes.expectedResponseTime ?? Infinity) * 1_000;
    const results = await keptResultsOf(context, { tenantId, endpointId, ring: 'recent' });
    const outcomes = results.reverse().map(({ at, status, responseTimeMs }) => {
      const isSlow = status === 'healthy' && (responseTimeMs ?? 0) > slowerMs;
      return { at, responseTimeMs, status: isSlow ? ('degraded' as const) : status };
    });
    return simulate(outcomes, policyOf(endpoint));
  };
}
