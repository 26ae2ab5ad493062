import {
  type CancelTimer,
  checkSecrets,
  createEmitter,
  createOutboxRelay,
  describeError,
  scopeIdentity,
  silentLogger,
  systemClock,
  timerWaker,
  type Clock,
  type Emitter,
  type Logger,
  type Module,
  type StoreTransaction,
  type Waker,
} from '@dotmac/core';
import type { Registry } from 'prom-client';
import { advanceBulk } from './bulk/advance.js';
import { bulkService, type BulkService } from './bulk/service.js';
import { consistencyService, type ConsistencyService } from './consistency/service.js';
import type { LifecycleContext } from './context.js';
import { customerService, type CustomerService } from './customers/service.js';
import { deliver, hostSubscriber, type LifecycleSubscriber } from './deliver.js';
import type { DunningPolicy } from './dunning/policy.js';
import { dunningService, type DunningService } from './dunning/service.js';
import { deliveryService, type DeliveryService } from './deliveries/service.js';
import { feedService, feedTopic, type FeedService } from './feed/service.js';
import { createStreams } from './feed/streams.js';
import { deliveries, type LifecycleEvents } from './events.js';
import { figuresService, type FiguresService } from './figures/service.js';
import type { LifecycleHooks } from './hooks.js';
import type { Journey } from './journeys/journey.js';
import { lifecycleMetrics } from './metrics.js';
import type { ChecklistItem } from './onboarding/checklist.js';
import { onboardingService, type OnboardingService } from './onboarding/service.js';
import { commandService, type CommandService } from './commands/service.js';
import { privacyService, type PrivacyService } from './privacy/service.js';
import { createVault } from './privacy/vault.js';
import { advance } from './provisioning/advance.js';
import { runTopic } from './provisioning/follow.js';
import { templateCatalogue } from './provisioning/catalogue.js';
import { provisioningService, type ProvisioningService } from './provisioning/service.js';
import type { ServiceTemplate } from './provisioning/template.js';
import { lifecycleRoutes } from './routes.js';
import { serviceService, type ServiceService } from './services/service.js';
import { readStatus, type LifecycleStatus } from './status.js';
import { parseBulkKey, parseTimerKey, type LifecycleStore } from './store/store.js';
import { suspensionService, type SuspensionService } from './suspension/service.js';
import { fireTimer } from './timers/fire.js';
import { timerService, type TimerService } from './timers/service.js';
import { createKeyring, type TokenKind } from './verification/keyring.js';
import { openVerification, type OpenVerification } from './verification/open.js';
import { plainPage, type VerificationPage } from './verification/page.js';
import type { SendVerification } from './verification/sender.js';
import { verificationService, type VerificationService } from './verification/service.js';
import { webhookSending, type WebhookOptions } from './webhooks/sending.js';
import { webhookService, type WebhookService } from './webhooks/service.js';
import { subscribeWebhooks } from './webhooks/subscribe.js';

/** What {@link createLifecycle} takes. */
export interface LifecycleOptions<Trx = StoreTransaction> {
  /** `kyselyLifecycleStore(database)` or `memoryLifecycleStore()`. */
  store: LifecycleStore;
  /** The services that customers can be given. Default none. */
  templates?: readonly ServiceTemplate[];
  /** Called around commands, by their names. */
  hooks?: LifecycleHooks<Trx>;
  /** The limit of a `before` or `inTransaction` hook. Default 5,000 ms. */
  hookTimeoutMs?: number;
  /** What must be done before a customer becomes active. Default nothing. */
  checklist?: readonly ChecklistItem[];
  /** What is done about customers who do not pay; the first is meant when billing names none. Default nothing. */
  dunning?: readonly DunningPolicy[];
  /** What happens to customers that stay where they are. Default nothing. */
  journeys?: readonly Journey[];
  /**
   * Keys of `attributes` that customers are found by, where their values are short texts, numbers or flags. Default none.
   * Customers that were there before a key was added are found by it once they change, or after `consistency.check({ repairSearch: true })`.
   */
  searchableAttributes?: readonly string[];
  /** Hands tokens to customers. Without it tokens are made and nobody learns of them. */
  sendVerification?: SendVerification;
  /** Whether emails bring a link, good for 24 hours, or a code of six digits, good for 10 minutes. Default `link`. */
  emailTokens?: TokenKind;
  /** Makes the page that a link leads to. Default a plain one in English. */
  verificationPage?: VerificationPage;
  /**
   * What tokens are hashed and sealed with, and the keys of customers' personal data, at least 32 characters; several:
   * the first is used, the others are still understood: keep them, or what was sealed under them is lost. Default a random one that lasts as long as the process: then a restart voids every token that is out,
   * and several processes do not understand each other's.
   */
  secret?: string | readonly string[];
  /** Lets tenants have events posted to URLs of theirs; needs a `secret`. Default: they cannot. */
  webhooks?: WebhookOptions;
  /** Wakes provisioning runs. Default timers of this process and a sweep of the tables every `sweepMs`. */
  waker?: Waker;
  /** Default 30,000 ms. */
  sweepMs?: number;
  /** How long a worker that died keeps its run from others. Default 30,000 ms. */
  leaseMs?: number;
  /** Provisioning runs worked on at once. Default 16. */
  concurrency?: number;
  /** Attempts at a delivery (hooks, tokens, subscribers) before it is parked. Default 12, about 25 minutes. */
  maxDeliveryAttempts?: number;
  /** Apply migrations in `start()`. Default true. */
  migrate?: boolean;
  clock?: Clock;
  logger?: Logger;
  /** The host's prom-client registry. */
  metrics?: Registry;
}

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
}

/** The lifecycle domain, to be mounted. */
export interface Lifecycle extends Module<LifecycleScope> {
  /** What needs no credentials, for the routes that are open to anybody. */
  readonly open: OpenLifecycle;
  /** Events of this process's commits, while they happen. What must not be lost subscribes. */
  readonly events: Emitter<LifecycleEvents>;
  /** Delivers events at least once, in order for each customer, from the outbox. Subscribe before `start()`. */
  subscribe(subscriber: LifecycleSubscriber): () => void;
}

/** Makes the lifecycle domain. Nothing happens before `start()`. */
export function createLifecycle<Trx = StoreTransaction>(options: LifecycleOptions<Trx>): Lifecycle {
  const { store, clock = systemClock, logger = silentLogger, sendVerification, leaseMs = 30_000 } = options;
  const relayOptions = { outbox: store.outbox, events: deliveries, clock, logger };
  const { maxDeliveryAttempts, sweepMs, concurrency = 16 } = options;
  const sweep = async (untilMs: number) =>
    (
      await Promise.all([store.dueRuns(untilMs, 10_000), store.dueTimers(untilMs, 10_000), store.dueBulk(untilMs, 100)])
    ).flat();
  const secrets = options.secret === undefined ? [] : [options.secret].flat();
  if (options.secret !== undefined) checkSecrets(secrets);
  const context: LifecycleContext = {
    store,
    clock,
    logger,
    // The host names its transaction's type; the store hands out that one.
    hooks: (options.hooks ?? {}) as unknown as LifecycleHooks,
    hookTimeoutMs: options.hookTimeoutMs ?? 5_000,
    checklist: options.checklist ?? [],
    templates: templateCatalogue(options.templates ?? []),
    dunning: options.dunning ?? [],
    journeys: options.journeys ?? [],
    keyring: createKeyring(secrets),
    vault: secrets.length > 0 ? createVault(secrets) : undefined,
    webhooks:
      options.webhooks && webhookSending(options.webhooks, { secrets, outbox: store.webhookOutbox, clock, logger }),
    searchableAttributes: options.searchableAttributes ?? [],
    emailTokens: options.emailTokens ?? 'link',
    verificationPage: options.verificationPage ?? plainPage,
    sendsVerification: sendVerification !== undefined,
    relay: createOutboxRelay({ ...relayOptions, ...(maxDeliveryAttempts && { maxAttempts: maxDeliveryAttempts }) }),
    emitter: createEmitter({ logger }),
    streams: createStreams(clock),
    cancellations: new Map(),
    metrics: lifecycleMetrics(options.metrics),
    waker: options.waker ?? timerWaker({ clock, logger, sweep, concurrency, ...(sweepMs && { sweepMs }) }),
  };
  const { relay, waker, emitter, streams } = context;
  emitter.onAny(({ tenantId, data }) => {
    streams.happened(tenantId, feedTopic);
    if ('requestId' in data) streams.happened(tenantId, runTopic(data.requestId));
  });
  for (const subscriber of deliver(context, sendVerification)) relay.subscribe(subscriber);
  subscribeWebhooks(context);
  let state: 'stopped' | 'starting' | 'running' | 'failed' = 'stopped';
  let starting: Promise<void> | undefined;
  let cancelSweep: CancelTimer = () => undefined;

  /** The in-process waker sweeps by itself; a host's is told again what it may have lost. */
  const sweepAgain = (everyMs: number): void => {
    cancelSweep = clock.after(everyMs, () => {
      void sweep(clock.now())
        .then(async (due) => {
          for (const { key, at } of due) await waker.wake(key, at);
        })
        .catch((error: unknown) => logger.warn(describeError(error), 'due runs could not be looked for'))
        .finally(() => state === 'running' && sweepAgain(everyMs));
    });
  };

  const begin = async (): Promise<void> => {
    state = 'starting';
    if (!sendVerification) logger.warn({}, 'there is no sendVerification: nobody will learn of verification tokens');
    else if (options.secret === undefined)
      logger.warn({}, 'there is no secret: verification tokens that are out are void after a restart');
    try {
      if (options.migrate ?? true) await store.migrate();
      relay.start();
      context.webhooks?.relay.start();
      streams.start();
      await waker.start(async (key, signal) => {
        const nextAt = parseTimerKey(key)
          ? await fireTimer(context, key)
          : parseBulkKey(key)
            ? await advanceBulk(context, key, signal)
            : await advance(context, { leaseMs }, key, signal);
        if (nextAt !== null) await waker.wake(key, nextAt);
      });
      state = 'running';
      if (options.waker) sweepAgain(sweepMs ?? 30_000);
    } catch (error) {
      state = 'failed';
      starting = undefined;
      logger.error(describeError(error), 'the lifecycle could not be started');
      throw error;
    }
  };

  return {
    name: 'lifecycle',
    routes: lifecycleRoutes,
    open: { verification: openVerification(context) },
    events: emitter,
    subscribe: (subscriber) => relay.subscribe(hostSubscriber(subscriber)),
    scope(init) {
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
        status: () => readStatus(store.tenant(identity.tenantId)),
      };
    },
    start: () => (starting ??= begin()),
    async stop() {
      await starting?.catch(() => undefined);
      if (state === 'stopped') return;
      state = 'stopped';
      starting = undefined;
      cancelSweep();
      streams.stop();
      await Promise.all([waker.stop(), relay.stop(), context.webhooks?.relay.stop()]);
    },
    readiness: () => ({ ready: state === 'running', parts: { lifecycle: state } }),
  };
}
