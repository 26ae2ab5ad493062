/** `@dotmac/lifecycle`: customers from registration to deletion, and the services they are given. */
export { createLifecycle } from './lifecycle.js';
export type { Lifecycle, LifecycleOptions, LifecycleScope } from './lifecycle.js';
export { kyselyLifecycleStore } from './store/kysely/index.js';
export type { KyselyLifecycleStoreOptions } from './store/kysely/index.js';
export { memoryLifecycleStore } from './store/memory/index.js';
export type { MemoryLifecycleStoreOptions } from './store/memory/index.js';
export type {
  Checkpoint,
  CustomerStore,
  HistoryEntry,
  HistoryStore,
  LifecycleStore,
  LifecycleStoreCapabilities,
  RunStore,
  StoredToken,
  TenantStore,
  TokenStore,
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
export type { CustomerStatus, Stage } from './customers/stage.js';
export { fold } from './customers/fold.js';
export type { Folded } from './customers/fold.js';
export type {
  Approval,
  Block,
  Customer,
  CustomerView,
  NextAction,
  Registration,
  RegistrationDraft,
} from './customers/customer.js';
export type { CustomerService, ReasonDraft } from './customers/service.js';
export type { CommandOptions } from './customers/perform.js';
export type { CustomerSummary } from './customers/summary.js';
export type { Channel } from './verification/channel.js';
export type { SendVerification, VerificationDelivery, VerificationMessage } from './verification/sender.js';
export type { VerificationService } from './verification/service.js';
export type { ChecklistItem } from './onboarding/checklist.js';
export type { OnboardingService } from './onboarding/service.js';
export type { SuspensionService } from './suspension/service.js';
export { defineServiceTemplate } from './provisioning/definition.js';
export type {
  CompensationContext,
  RetryPolicy,
  ServiceStep,
  ServiceTemplate,
  ServiceTemplateInit,
  StepContext,
} from './provisioning/definition.js';
export type { ServiceService } from './provisioning/service.js';
export type {
  Provisioning,
  Run,
  RunStep,
  ServiceRequest,
  ServiceRequestDraft,
  ServiceStatus,
  StepStatus,
} from './provisioning/run.js';
