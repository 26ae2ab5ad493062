import type { EndpointStatus } from '../endpoints/endpoint.js';

/** One check's outcome, as it is kept. */
export interface Sample {
  /** UUIDv7. */
  id: string;
  tenantId: string;
  endpointId: string;
  /** Epoch ms. */
  at: number;
  /** What this one check found, which is not yet the endpoint's status. */
  status: EndpointStatus;
  responseTimeMs: number | null;
  message: string;
}
