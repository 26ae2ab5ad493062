/** `@dotmac/lifecycle`: customers from registration to deletion, and the services they are given. */
export { createLifecycle } from './lifecycle.js';
export type { Lifecycle } from './lifecycle.js';
export type { LifecycleScope, OpenLifecycle } from './scope.js';
export type { LifecycleOptions } from './options.js';
export { kyselyLifecycleStore } from './store/kysely/index.js';
export type { KyselyLifecycleStoreOptions } from './store/kysely/index.js';
export { memoryLifecycleStore } from './store/memory/index.js';
export type { MemoryLifecycleStoreOptions } from './store/memory/index.js';
export type { Checkpoint, RunLeases, RunStanding, TakenRun } from './store/runs.js';
export type {
  BulkChange,
  BulkCustomerStore,
  BulkStore,
  CustomerStore,
  DunningCaseStore,
  FeedEntry,
  HistoryAsk,
  HistoryEntry,
  HistoryStore,
  LifecycleStore,
  LifecycleStoreCapabilities,
  Erasure,
  PrivacyStore,
  RunStore,
  ServiceStore,
  SignalStore,
  StageChange,
  StoredToken,
  TenantStore,
  TimerStore,
  TokenStore,
  WebhookStore,
  CustomerChange,
  Standing,
} from './store/store.js';
export { lifecycleErrors } from './errors.js';
export { lifecycleEvents } from './events.js';
export type { LifecycleEvents } from './events.js';
export type { LifecycleSubscriber } from './deliver.js';
export { lifecycleRoutes } from './routes.js';
export { lifecycleStatus } from './status.js';
export type { LifecycleStatus } from './status.js';
export type { HookName, LifecycleCommands, LifecycleHooks, SuspensionInput } from './hooks.js';
export { commands, legalCommands, transitions } from './customers/transitions.js';
export type { Command, Transition } from './customers/transitions.js';
export { stages, statusOf } from './customers/stage.js';
export type { CustomerStatus, Stage, Whereabouts } from './customers/stage.js';
export { transitionDiagram } from './customers/diagram.js';
export { fold } from './customers/fold.js';
export type { Folded } from './customers/fold.js';
export { foldServices } from './services/fold.js';
export type { FoldedService } from './services/fold.js';
export type {
  Approval,
  Block,
  BlockSeverity,
  Customer,
  CustomerView,
  NextAction,
  Registration,
  RegistrationDraft,
} from './customers/customer.js';
export type { CustomerRecord } from './customers/customer-record.js';
export type { CustomerService } from './customers/service.js';
export type { ReasonDraft } from './customers/reason.js';
export type { CommandOptions, JoinOptions } from './customers/command-options.js';
export type { FeedAsk, FeedService, FollowAsk } from './feed/service.js';
export type { CustomerEvent, EventFilter, EventName, FeedPage, StreamedCustomerEvent } from './feed/event.js';
export type { CustomerFigures } from './figures/figures.js';
export type { FiguresAsk, FiguresService } from './figures/service.js';
export type { ConsistencyLine } from './consistency/report.js';
export type { DriftAsk } from './consistency/drift.js';
export type { DriftLine } from './consistency/drift-line.js';
export type { ConsistencyAsk, ConsistencyService } from './consistency/service.js';
export type { RunCommand, RunCommandExplanation } from './provisioning/explanation.js';
export type { RunFollowAsk } from './provisioning/follow.js';
export type { RunProgress } from './provisioning/progress.js';
export type { CustomerState } from './feed/state-at.js';
export type { CustomerAsk, FoundCustomer, FoundCustomers } from './search/ask.js';
export type { CustomerListDraft, CustomerListItem } from './search/query.js';
export type { SearchTerm, TermKind } from './search/terms.js';
export type { CustomerSummary } from './customers/summary.js';
export type { Channel } from './verification/channel.js';
export type { DeliveryService } from './deliveries/service.js';
export type { ParkedDelivery } from './deliveries/parked.js';
export type { TokenKind } from './verification/keyring.js';
export type { OpenVerification } from './verification/open.js';
export type { VerificationPage, VerificationPageState } from './verification/page.js';
export type { SendVerification, VerificationDelivery, VerificationMessage } from './verification/sender.js';
export type { VerificationService } from './verification/service.js';
export type { DisabledWebhook, WebhookOptions } from './webhooks/sending.js';
export type { WebhookService } from './webhooks/service.js';
export type { DeliveryState, WebhookDelivery } from './webhooks/delivery.js';
export type { Webhook, WebhookView } from './webhooks/webhook.js';
export type { ChecklistItem } from './onboarding/checklist.js';
export type { OnboardingService } from './onboarding/service.js';
export type { SuspensionService } from './suspension/service.js';
export { defineServiceTemplate } from './provisioning/template.js';
export type { ServiceTemplate, ServiceTemplateInit } from './provisioning/template.js';
export type {
  ActionContext,
  ActionStep,
  ApprovalStep,
  CompensationContext,
  Reconciliation,
  RetryPolicy,
  ServiceStep,
  StepContext,
  TransactionStep,
  WaitStep,
} from './provisioning/definition.js';
export type { ProvisioningService } from './provisioning/service.js';
export type { Provisioning, Run, RunStatus, RunStep, StepStatus } from './provisioning/run.js';
export type { Signal } from './provisioning/signal.js';
export type { ServiceService } from './services/service.js';
export type {
  ServiceAccess,
  ServiceInstance,
  ServiceRequest,
  ServiceStatus,
  ServiceView,
} from './services/instance.js';
export type { ServiceRecord } from './services/service-record.js';
export type { OperationName } from './services/operation.js';
export type { ServiceDrift } from './services/drift.js';
export type { BulkService } from './bulk/service.js';
export type { BulkDraft, BulkFailure, BulkFilter, BulkOperation, BulkView } from './bulk/operation.js';
export type { CommandService } from './commands/service.js';
export type { CommandExplanation, DryRun } from './commands/explanation.js';
export { defineDunningPolicy } from './dunning/policy.js';
export type { DunningAction, DunningPolicy, DunningPolicyInit, DunningStep } from './dunning/policy.js';
export type { DunningCase, DunningView } from './dunning/case.js';
export type { DunningService } from './dunning/service.js';
export { defineJourney } from './journeys/journey.js';
export type { Journey, JourneyEvent, JourneyInit, JourneyStep } from './journeys/journey.js';
export type { PrivacyService } from './privacy/service.js';
export type { ExportLine } from './privacy/export-line.js';
export type { HoldView, LegalHold } from './privacy/hold.js';
export type { Timer } from './timers/timer.js';
export type { TimerService } from './timers/service.js';
export type { TimerDraft, TimerView } from './timers/view.js';
export type { CommandInput } from './commands/input.js';
