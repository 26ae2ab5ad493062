import { invalidInput } from '@dotmac/core/contract';
import { healthErrors } from '../errors.js';
import type { HealthContext } from '../context.js';
import { mostHours, trendOf, trendWindow, type Trend } from './trend.js';

/** What one tenant's endpoints did. */
export interface HistoryService {
  /**
   * How an endpoint did over the last hours, the last check included.
   * @param hours 1 to 168; default 24
   * @throws ENDPOINT_NOT_FOUND, INVALID_INPUT
   */
  trend(endpointId: string, hours?: number): Promise<Trend>;
}

/** The history of one scope. */
export function historyService({ store, recorder, clock }: HealthContext, tenantId: string): HistoryService {
  const endpoints = store.tenant(tenantId);
  return {
    async trend(endpointId, hours = 24) {
      if (!(Number.isInteger(hours) && hours >= 1 && hours <= mostHours))
        throw invalidInput([{ path: 'hours', message: `A whole number from 1 to ${mostHours}` }]);
      const found = await endpoints.get(endpointId);
      if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
      await recorder.flush();
      return trendOf(found.endpoint, hours, await endpoints.aggregate(endpointId, trendWindow(hours, clock.now())));
    },
  };
}
