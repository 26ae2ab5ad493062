import type { EndpointRecord } from '../endpoints/endpoint.js';
import type { KeptState } from '../monitoring/directory.js';

/** An endpoint and what was last found out about it; null when it was never checked. */
export interface StoredEndpoint {
  endpoint: EndpointRecord;
  state: KeptState | null;
}
