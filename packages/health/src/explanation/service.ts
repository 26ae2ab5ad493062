import type { HealthContext } from '../context.js';
import { suppressorOf } from '../dependencies/suppression.js';
import { healthErrors } from '../errors.js';
import type { HistoryService } from '../history/service.js';
import { countsOf, reasonsFor, type Explanation } from './explain.js';

const recentShown = 5;

/** Explains the endpoints of one tenant, from kept state. */
export function explanationService(
  { directory, monitor, calendar, monitoring, clock }: HealthContext,
  { tenantId, history }: { tenantId: string; history: Pick<HistoryService, 'results'> },
) {
  return async (endpointId: string): Promise<Explanation> => {
    const kept = directory.get(endpointId);
    if (kept?.endpoint.tenantId !== tenantId) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
    const { status, code, since, endpoint } = kept;
    const now = clock.now();
    const window = await calendar.over(tenantId, endpoint);
    const suppressor = suppressorOf(endpointId, (id) => directory.get(id), now);
    const { items: recent } = await history.results(endpointId, { limit: recentShown });
    const { by: monitoredBy } = monitoring();
    const reasons = reasonsFor(kept, { now, window, suppressor, monitoredBy });
    const nextCheckAt = monitor.nextCheckOf(endpointId);
    return { endpointId, status, code, since, reasons, ...countsOf(kept), monitoredBy, nextCheckAt, recent };
  };
}
