/** `@dotmac/health`: monitors endpoints and services, keeps history, answers from kept state. */
export { createHealth } from './health.js';
export type { Monitoring } from './sharing/processes.js';
export type { EndpointChange, HandedResult, Receipt, SharedStore, Term, WatchTime } from './store/sharing.js';
export type { Health } from './health.js';
export type { HealthOptions } from './options.js';
export type { HealthScope, OpenHealth } from './scope.js';
export { healthErrors } from './errors.js';
export { healthEvents } from './events.js';
export type { HealthEvents } from './events.js';
export { endpoint, endpointSchemas, endpointStatus } from './endpoints/endpoint.js';
export type {
  Endpoint,
  EndpointBounds,
  EndpointChanges,
  EndpointDraft,
  EndpointFilter,
  EndpointInput,
  EndpointRecord,
  EndpointSchemas,
  EndpointStatus,
} from './endpoints/endpoint.js';
export type { EndpointService } from './endpoints/service.js';
export type { RegisteringOptions } from './endpoints/registrant.js';
export { healthFigures, healthSummary } from './summary/summary.js';
export type { HealthFigures, HealthSummary } from './summary/summary.js';
export { NotDelivered } from '@dotmac/core/net';
export { defineChannel } from './channels/channel-kind.js';
export type { AnyChannelKind, ChannelKind, Delivery } from './channels/channel-kind.js';
export { emailChannel } from './channels/email.js';
export type { EmailChannelOptions, MailTransport } from './channels/email.js';
export { channel } from './channels/channel.js';
export type { Channel, ChannelChanges, ChannelDraft, ChannelRecord } from './channels/channel.js';
export type { DeliveryState } from './channels/delivery-state.js';
export type { ChannelService } from './channels/service.js';
export { alertMessage } from './alerts/message.js';
export type { AlertItem, AlertMessage } from './alerts/message.js';
export { alertRule } from './alerts/rule.js';
export type { AlertRule, AlertRuleChanges, AlertRuleDraft, AlertRuleRecord } from './alerts/rule.js';
export type { AlertRecord } from './alerts/alert.js';
export type { AlertService } from './alerts/service.js';
export { importedLine } from '@dotmac/core/contract';
export type { ImportedLine } from '@dotmac/core/contract';
export { streamedEvent } from './stream/streamed-event.js';
export type { StreamedEvent, StreamFilter } from './stream/streamed-event.js';
export type { FollowAsk, StreamService } from './stream/service.js';
export { heartbeat } from './heartbeats/heartbeat.js';
export type { Heartbeat, HeartbeatRecord, Ping } from './heartbeats/heartbeat.js';
export type { HeartbeatService, OpenHeartbeats } from './heartbeats/service.js';
export { explanation } from './explanation/explain.js';
export type { Explanation } from './explanation/explain.js';
export { simulate } from './simulation/simulate.js';
export type { Simulation } from './simulation/simulate.js';
export type { SimulatedResult, SimulationDraft } from './simulation/simulation-input.js';
export type { Outcome, StatusPolicy } from './monitoring/status.js';
export type { HostHealth, HostReadiness, Transition } from './host.js';
export type { PassiveOutcome } from './monitoring/passive.js';
export { objective, objectiveReport } from './objectives/objective.js';
export type {
  Objective,
  ObjectiveChanges,
  ObjectiveDraft,
  ObjectiveRecord,
  ObjectiveReport,
} from './objectives/objective.js';
export type { ObjectiveService } from './objectives/service.js';
export { issuedStatusFeed, statusFeed } from './status-feeds/status-feed.js';
export type {
  IssuedStatusFeed,
  StatusFeed,
  StatusFeedChanges,
  StatusFeedDraft,
  StatusFeedRecord,
  StatusFeedToken,
} from './status-feeds/status-feed.js';
export { publicStatus } from './status-feeds/public-status.js';
export type { PublicStatus } from './status-feeds/public-status.js';
export type { StatusFeedService } from './status-feeds/service.js';
export type { OpenStatusFeeds } from './status-feeds/open.js';
export { maintenanceWindow } from './windows/window.js';
export type { MaintenanceWindow, WindowChanges, WindowDraft, WindowRecord } from './windows/window.js';
export type { WindowService } from './windows/service.js';
export { condition } from './conditions/condition.js';
export type { Condition } from './conditions/condition.js';
export type { Facts } from './conditions/facts.js';
export { CannotCheck, defineProbe, Unreachable, WrongAnswer } from './probes/probe.js';
export { outcomes } from './probes/outcomes.js';
export type { Code, OutcomeCode } from './probes/outcomes.js';
export { hostProbe } from './probes/host.js';
export type { HostProbeOptions } from './probes/host.js';
export { probeRegistry } from './probes/registry.js';
export type { ProbeRegistry } from './probes/registry.js';
export { runProbe } from './probes/run-probe.js';
export type { Check } from './probes/run-probe.js';
export type { ProbeResult } from './probes/judge.js';
export type { AnyProbe, Observation, Phases, Probe, ProbeContext, ProbeSubject } from './probes/probe.js';
export { incident, incidentStory } from './incidents/incident.js';
export type { Incident, IncidentEntry, IncidentRecord, IncidentStory } from './incidents/incident.js';
export type { IncidentService } from './incidents/service.js';
export { trend } from './history/trend.js';
export type { Trend } from './history/trend.js';
export type { HistoryService } from './history/service.js';
export type { Bucket, Sums } from './history/bucket.js';
export type { BucketDelta } from './history/pending-buckets.js';
export type { Resolution } from './history/resolution.js';
export type { CheckResult, Ring } from './history/result.js';
export type { RingChunk } from './history/ring.js';
export type { ShownResult } from './history/shown-result.js';
export type { ConnectivityOptions, ConnectivityTarget } from './monitoring/connectivity.js';
export { uncheckedState } from './monitoring/directory.js';
export type { KeptEndpoint, KeptState } from './monitoring/directory.js';
export type { LatenessBounds } from './monitoring/lateness.js';
export { containerTarget, type DockerClient, type DockerContainer } from './service-checks/container.js';
export { databaseTarget } from './service-checks/database.js';
export type { ConnectionPool, DatabaseTargetOptions } from './service-checks/database.js';
export { redisTarget, type RedisCheckClient } from './service-checks/redis.js';
export type { ServiceTarget } from './service-checks/target.js';
export type { ServiceCheck, ServiceCheckDraft, ServiceFacts } from './service-checks/service-check.js';
export type { ServiceCheckService } from './service-checks/service.js';
export { fromGatus } from './importers/gatus.js';
export { fromUptimeKuma } from './importers/uptime-kuma.js';
export type { Carried, CarryOptions, LeftBehind } from './importers/carried.js';
export { importReport } from './importers/report.js';
export type { ImportedMonitor, ImportReport } from './importers/report.js';
export type { ImporterService, ImportOptions } from './importers/service.js';
export { healthRoutes } from './routes.js';
export { kyselyHealthStore } from './store/kysely/index.js';
export type { KyselyHealthStoreOptions } from './store/kysely/index.js';
export { memoryHealthStore } from './store/memory/index.js';
export type { MemoryHealthStoreOptions } from './store/memory/index.js';
export type { DueChannel, MessageRecord, TenantAlerts } from './store/alerts.js';
export type { Documents } from './store/documents.js';
export type { EventLog, PlacedEvent } from './store/event-log.js';
export type {
  BucketSpan,
  EndpointListing,
  IncidentListing,
  Handed,
  IncidentWrite,
  HealthStore,
  Settlement,
  TenantEndpoints,
  TenantSettings,
  TenantStore,
  Timeline,
} from './store/store.js';
export type { StoredEndpoint } from './store/stored-endpoint.js';
