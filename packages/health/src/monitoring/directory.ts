import type { Endpoint, EndpointRecord } from '../endpoints/endpoint.js';
import type { OpenIncident } from '../incidents/open-close.js';
import type { Code } from '../probes/outcomes.js';
import { unchecked, type StatusState } from './status.js';

/** What was found out about an endpoint at its last check, as stores keep it. */
export interface KeptState extends StatusState {
  responseTimeMs: number | null;
  /** What the check found, for programs. */
  code: Code;
  message: string;
  /** Epoch ms; null before the first check. */
  checkedAt: number | null;
  /** When that check asked for the next, if before its slot; epoch ms. */
  lookAgainAt: number | null;
  /** Checks ever, and those of them that were not healthy: where the next result goes in its ring. */
  checks: number;
  issues: number;
  /** The incident that it is in. */
  incident: OpenIncident | null;
}

/** An endpoint as the monitor has it in memory. */
export interface KeptEndpoint extends KeptState {
  readonly endpoint: EndpointRecord;
}

/** What is kept of an endpoint that nobody has checked. */
export const uncheckedState: KeptState = {
  ...unchecked,
  responseTimeMs: null,
  code: 'unchecked',
  message: 'Not checked yet',
  checkedAt: null,
  lookAgainAt: null,
  checks: 0,
  issues: 0,
  incident: null,
};

/** Where an endpoint's rings stand, and its incident: what stays when everything else begins anew. */
export function lastingOf(state: Pick<KeptState, 'checks' | 'issues' | 'incident'> | null | undefined) {
  return { checks: state?.checks ?? 0, issues: state?.issues ?? 0, incident: state?.incident ?? null };
}

/** The state of an endpoint whose incident is over; itself when it is in another, or in none. */
export function withoutIncident(state: KeptState, incidentId: string): KeptState {
  return state.incident?.id === incidentId ? { ...state, incident: null } : state;
}

const instants = ['since', 'availableSince', 'worseSince', 'betterSince', 'checkedAt', 'lookAgainAt'] as const;

/** Dates what was found out by a clock that was set by so much since: everything lies as far back as it did. */
export function redate(state: KeptState, byMs: number): void {
  if (byMs === 0) return;
  for (const name of instants) {
    const at = state[name];
    if (at !== null) state[name] = at + byMs;
  }
}

/**
 * An endpoint with its state, spelled out: objects that were put together by spreading have a layout of their own each,
 * which takes more memory than what is in them, and makes every access to them slow.
 */
function keptOf(endpoint: EndpointRecord, state: KeptState): KeptEndpoint {
  return {
    status: state.status,
    since: state.since,
    availableSince: state.availableSince,
    worse: state.worse,
    worseSince: state.worseSince,
    better: state.better,
    betterSince: state.betterSince,
    blind: state.blind,
    answered: state.answered,
    changes: state.changes,
    isFlapping: state.isFlapping,
    responseTimeMs: state.responseTimeMs,
    code: state.code,
    message: state.message,
    checkedAt: state.checkedAt,
    lookAgainAt: state.lookAgainAt,
    checks: state.checks,
    issues: state.issues,
    incident: state.incident,
    endpoint: {
      id: endpoint.id,
      tenantId: endpoint.tenantId,
      name: endpoint.name,
      host: endpoint.host,
      port: endpoint.port,
      serviceType: endpoint.serviceType,
      checkInterval: endpoint.checkInterval,
      timeout: endpoint.timeout,
      retryCount: endpoint.retryCount,
      expectedResponseTime: endpoint.expectedResponseTime,
      recoveryCount: endpoint.recoveryCount,
      recoveryResponseTime: endpoint.recoveryResponseTime,
      minErrorTime: endpoint.minErrorTime,
      recheckInterval: endpoint.recheckInterval,
      config: endpoint.config,
      conditions: endpoint.conditions,
      tags: endpoint.tags,
      dependsOn: endpoint.dependsOn,
      registeredBy: endpoint.registeredBy,
      secrets: endpoint.secrets,
      pausedAt: endpoint.pausedAt,
      createdAt: endpoint.createdAt,
      updatedAt: endpoint.updatedAt,
    },
  };
}

/** Every endpoint of this process with its state: what summaries and readiness answer from. */
export interface Directory {
  /** Adds an endpoint, or puts it in the place of the one with its id. */
  add(endpoint: EndpointRecord, state?: KeptState): KeptEndpoint;
  remove(tenantId: string, endpointId: string): void;
  /**
   * The ids of those that are removed from now on, until it is asked for again: before the store is read, lest what was
   * there then comes back.
   */
  noteRemovals(): ReadonlySet<string>;
  get(endpointId: string): KeptEndpoint | undefined;
  ofTenant(tenantId: string): Iterable<KeptEndpoint>;
  countOf(tenantId: string): number;
  /** Every endpoint, each tenant's together and by their age: as stores have them. */
  all(): Iterable<KeptEndpoint>;
  readonly size: number;
}

/** Makes an empty directory. */
export function createDirectory(): Directory {
  const byId = new Map<string, KeptEndpoint>();
  const byTenant = new Map<string, Map<string, KeptEndpoint>>();
  let removed = new Set<string>();
  return {
    add(endpoint, state = uncheckedState) {
      const kept = keptOf(endpoint, state);
      byId.set(endpoint.id, kept);
      const own = byTenant.get(endpoint.tenantId) ?? new Map<string, KeptEndpoint>();
      byTenant.set(endpoint.tenantId, own.set(endpoint.id, kept));
      return kept;
    },
    remove(tenantId, endpointId) {
      removed.add(endpointId);
      byId.delete(endpointId);
      const own = byTenant.get(tenantId);
      own?.delete(endpointId);
      if (own?.size === 0) byTenant.delete(tenantId);
    },
    noteRemovals: () => (removed = new Set()),
    get: (endpointId) => byId.get(endpointId),
    ofTenant: (tenantId) => byTenant.get(tenantId)?.values() ?? [],
    countOf: (tenantId) => byTenant.get(tenantId)?.size ?? 0,
    *all() {
      for (const own of byTenant.values()) yield* own.values();
    },
    get size() {
      return byId.size;
    },
  };
}

/** The endpoint as it is shown: its secrets by their names alone. */
export function shown(
  { secrets, ...endpoint }: EndpointRecord,
  state: Pick<KeptState, 'status' | 'checkedAt'> = uncheckedState,
): Endpoint {
  return {
    ...endpoint,
    secretNames: Object.keys(secrets).sort(),
    lastCheck: state.checkedAt,
    lastStatus: state.status,
  };
}
