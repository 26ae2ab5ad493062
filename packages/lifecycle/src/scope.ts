import { scopeIdentity, type ScopeInit } from '@dotmac/core';
import { bulkService, type BulkService } from './bulk/service.js';
import { commandService, type CommandService } from './commands/service.js';
import { consistencyService, type ConsistencyService } from './consistency/service.js';
import type { LifecycleContext } from './context.js';
import { customerService, type CustomerService } from './customers/service.js';
import { deliveryService, type DeliveryService } from './deliveries/service.js';
import { dunningService, type DunningService } from './dunning/service.js';
import { feedService, type FeedService } from './feed/service.js';
import { figuresService, type FiguresService } from './figures/service.js';
import { onboardingService, type OnboardingService } from './onboarding/service.js';
import { privacyService, type PrivacyService } from './privacy/service.js';
import type { OpenProvisioning } from './provisioning/open.js';
import { provisioningService, type ProvisioningService } from './provisioning/service.js';
import { serviceService, type ServiceService } from './services/service.js';
import { readStatus, type LifecycleStatus } from './status.js';
import { suspensionService, type SuspensionService } from './suspension/service.js';
import { timerService, type TimerService } from './timers/service.js';
import type { OpenVerification } from './verification/open.js';
import { verificationService, type VerificationService } from './verification/service.js';
import { webhookService, type WebhookService } from './webhooks/service.js';

/** The lifecycle services of one tenant and actor. */
export interface LifecycleScope {
  readonly customers: CustomerService;
  readonly verification: VerificationService;
  readonly onboarding: OnboardingService;
  readonly suspension: SuspensionService;
  /** What commands would do, and why not. */
  readonly commands: CommandService;
  readonly services: ServiceService;
  /** The runs that work on services. */
  readonly provisioning: ProvisioningService;
  readonly timers: TimerService;
  /** What billing says of invoices, and what is done about it. */
  readonly dunning: DunningService;
  /** What customers may ask for: to see what is held on them, and to have it gone. */
  readonly privacy: PrivacyService;
  /** Where events are posted to. */
  readonly webhooks: WebhookService;
  /** One command for many customers, and many registrations. */
  readonly bulk: BulkService;
  /** What hooks, senders and subscribers could not be told. */
  readonly deliveries: DeliveryService;
  /** What happened to customers, and what happens. */
  readonly feed: FeedService;
  /** How customers come, stay and go. */
  readonly figures: FiguresService;
  /** Whether what is kept is what happened. */
  readonly consistency: ConsistencyService;
  /** How many customers are in which stage, and services in which status. */
  status(): Promise<LifecycleStatus>;
}

/** What anybody may do. */
export interface OpenLifecycle {
  readonly verification: OpenVerification;
  readonly provisioning: OpenProvisioning;
}

/** What one tenant's actor can do. */
export function lifecycleScope(context: LifecycleContext, init: ScopeInit): LifecycleScope {
  const identity = scopeIdentity(init);
  return {
    customers: customerService(context, identity),
    verification: verificationService(context, identity),
    onboarding: onboardingService(context, identity),
    suspension: suspensionService(context, identity),
    commands: commandService(context, identity),
    services: serviceService(context, identity),
    provisioning: provisioningService(context, identity),
    timers: timerService(context, identity),
    dunning: dunningService(context, identity),
    privacy: privacyService(context, identity),
    webhooks: webhookService(context, identity),
    bulk: bulkService(context, identity),
    deliveries: deliveryService(context, identity),
    feed: feedService(context, identity),
    figures: figuresService(context, identity),
    consistency: consistencyService(context, identity),
    status: () => readStatus(context.store.tenant(identity.tenantId)),
  };
}
