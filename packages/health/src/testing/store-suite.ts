import type { Suite } from '@dotmac/core/testing';
import type { HealthStore } from '../store/store.js';
import { alertCases } from './alert-cases.js';
import { endpointCases } from './endpoint-cases.js';
import { eventLogCases } from './event-log-cases.js';
import { historyCases } from './history-cases.js';
import { incidentCases } from './incident-cases.js';
import { retentionCases } from './retention-cases.js';
import { sharingCases } from './sharing-cases.js';
import { statusFeedCases } from './status-feed-cases.js';

/** What every health store does alike. The subject is migrated and empty. */
export const healthStoreSuite: Suite<HealthStore> = {
  name: 'health store',
  cases: [
    {
      name: 'is found migrated once it was, however often',
      async run(store) {
        await store.migrate();
        await store.checkMigrated();
      },
    },
    ...endpointCases,
    ...historyCases,
    ...incidentCases,
    ...alertCases,
    ...retentionCases,
    ...eventLogCases,
    ...sharingCases,
    ...statusFeedCases,
  ],
};
