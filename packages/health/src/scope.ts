import { scopeIdentity, type ScopeInit } from '@dotmac/core';
import { alertService, type AlertService } from './alerts/service.js';
import { channelService, type ChannelService } from './channels/service.js';
import type { HealthContext } from './context.js';
import { endpointService, type EndpointService } from './endpoints/service.js';
import type { Explanation } from './explanation/explain.js';
import { explanationService } from './explanation/service.js';
import { hostHealth, type HostHealth } from './host.js';
import { simulationService } from './simulation/service.js';
import type { SimulationDraft } from './simulation/simulation-input.js';
import type { Simulation } from './simulation/simulate.js';
import { objectiveService, type ObjectiveService } from './objectives/service.js';
import { importerService, type ImporterService } from './importers/service.js';
import { historyService, type HistoryService } from './history/service.js';
import { heartbeatService, type HeartbeatService, type OpenHeartbeats } from './heartbeats/service.js';
import { incidentService, type IncidentService } from './incidents/service.js';
import { catalogueOf, type ProbeCatalogue } from './probes/catalogue.js';
import { serviceCheckService, type ServiceCheckService } from './service-checks/service.js';
import type { OpenStatusFeeds } from './status-feeds/open.js';
import { statusFeedService, type StatusFeedService } from './status-feeds/service.js';
import { windowService, type WindowService } from './windows/service.js';
import { streamService, type StreamService } from './stream/service.js';
import { figuresOf, summaryOf, type HealthFigures, type HealthSummary } from './summary/summary.js';

/** Health for one tenant. */
export interface HealthScope extends HostHealth {
  readonly endpoints: EndpointService;
  readonly importers: ImporterService;
  readonly history: HistoryService;
  readonly incidents: IncidentService;
  readonly alerts: AlertService;
  readonly channels: ChannelService;
  readonly windows: WindowService;
  readonly stream: StreamService;
  readonly objectives: ObjectiveService;
  readonly heartbeats: HeartbeatService;
  readonly statusFeeds: StatusFeedService;
  readonly checks: ServiceCheckService;
  /** All endpoints at a glance, from kept state. */
  summary(): HealthSummary;
  /** The figures of {@link summary} without the endpoints. */
  status(): HealthFigures;
  /** The probes that endpoints can name. */
  probes(): ProbeCatalogue;
  /** Why an endpoint is in the state that it is in. @throws ENDPOINT_NOT_FOUND */
  explain(endpointId: string): Promise<Explanation>;
  /**
   * What another policy would have made of the last checks, or of `results` of the caller's own, at most 10,000.
   * @throws ENDPOINT_NOT_FOUND, INVALID_INPUT
   */
  simulate(endpointId: string, policy?: SimulationDraft): Promise<Simulation>;
}

/** What health has for anybody who knows a token. */
export interface OpenHealth {
  readonly heartbeats: OpenHeartbeats;
  readonly statusFeeds: OpenStatusFeeds;
}

/** What one tenant's actor can do. */
export function healthScope(context: HealthContext, init: ScopeInit): HealthScope {
  const { directory, probes, clock } = context;
  const identity = scopeIdentity(init);
  const { tenantId } = identity;
  return {
    endpoints: endpointService(context, identity),
    importers: importerService(context, identity),
    history: historyService(context, tenantId),
    incidents: incidentService(context, identity),
    alerts: alertService(context, identity),
    channels: channelService(context, identity),
    windows: windowService(context, tenantId),
    stream: streamService(context, tenantId),
    heartbeats: heartbeatService(context, tenantId),
    objectives: objectiveService(context, tenantId),
    statusFeeds: statusFeedService(context, tenantId),
    checks: serviceCheckService(context),
    summary: () => summaryOf([...directory.ofTenant(tenantId)], clock.now()),
    status: () => figuresOf(directory.ofTenant(tenantId), clock.now()),
    probes: () => catalogueOf(probes),
    ...hostHealth(context, tenantId),
    explain: explanationService(context, { tenantId, history: historyService(context, tenantId) }),
    simulate: simulationService(context, tenantId),
  };
}
