import type { Endpoint, EndpointRecord, EndpointStatus } from '../endpoints/endpoint.js';
import { unchecked } from './status.js';

/** An endpoint as the monitor has it in memory. */
export interface KeptEndpoint {
  readonly endpoint: EndpointRecord;
  status: EndpointStatus;
  streak: number;
  /** Troubles of our own in a row; stores do not keep them. */
  blind?: number;
  responseTimeMs: number | null;
  message: string;
  /** Epoch ms; null before the first check. */
  checkedAt: number | null;
}

/** What was found out about an endpoint at its last check, as stores keep it. */
export type KeptState = Omit<KeptEndpoint, 'endpoint'>;

/** Every endpoint of this process with its state: what summaries and readiness answer from. */
export interface Directory {
  add(endpoint: EndpointRecord, state?: KeptState): KeptEndpoint;
  remove(tenantId: string, endpointId: string): void;
  get(endpointId: string): KeptEndpoint | undefined;
  ofTenant(tenantId: string): Iterable<KeptEndpoint>;
  countOf(tenantId: string): number;
  all(): Iterable<KeptEndpoint>;
}

/** Makes an empty directory. */
export function createDirectory(): Directory {
  const byId = new Map<string, KeptEndpoint>();
  const byTenant = new Map<string, Map<string, KeptEndpoint>>();
  return {
    add(endpoint, state = { ...unchecked, responseTimeMs: null, message: 'Not checked yet', checkedAt: null }) {
      const kept = { endpoint, ...state };
      byId.set(endpoint.id, kept);
      const own = byTenant.get(endpoint.tenantId) ?? new Map<string, KeptEndpoint>();
      byTenant.set(endpoint.tenantId, own.set(endpoint.id, kept));
      return kept;
    },
    remove(tenantId, endpointId) {
      byId.delete(endpointId);
      const own = byTenant.get(tenantId);
      own?.delete(endpointId);
      if (own?.size === 0) byTenant.delete(tenantId);
    },
    get: (endpointId) => byId.get(endpointId),
    ofTenant: (tenantId) => byTenant.get(tenantId)?.values() ?? [],
    countOf: (tenantId) => byTenant.get(tenantId)?.size ?? 0,
    all: () => byId.values(),
  };
}

/** The endpoint as it is shown. */
export function shown(endpoint: EndpointRecord, state: Pick<KeptState, 'status' | 'checkedAt'> | undefined): Endpoint {
  return { ...endpoint, lastCheck: state?.checkedAt ?? null, lastStatus: state?.status ?? 'unknown' };
}
