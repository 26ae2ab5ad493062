import { EventEmitter } from 'node:events';
import {
  checkSecrets,
  describeError,
  createEmitter,
  createOutboxRelay,
  silentLogger,
  systemClock,
  timerWaker,
  type Emitter,
  type Module,
  type StoreTransaction,
} from '@dotmac/core';
import { createBackground, dueFinder } from './background.js';
import { createTurns } from './bulk/turns.js';
import type { LifecycleContext } from './context.js';
import { deliver, hostSubscriber, type LifecycleSubscriber } from './deliver.js';
import { feedTopic } from './feed/service.js';
import { createLookingStreams } from './feed/streams.js';
import { deliveries, type LifecycleEvents } from './events.js';
import type { LifecycleHooks } from './hooks.js';
import { lifecycleMetrics } from './metrics.js';
import { namedOnce } from './named-once.js';
import { readChecklist } from './onboarding/checklist.js';
import { createVault } from './privacy/vault.js';
import { openProvisioning } from './provisioning/open.js';
import { runTopic } from './provisioning/follow.js';
import { templateCatalogue } from './provisioning/catalogue.js';
import { answersKeptMs, keptDaysOf } from './retention.js';
import { lifecycleRoutes } from './routes.js';
import { lifecycleScope, type LifecycleScope, type OpenLifecycle } from './scope.js';
import { ownerOf } from './store/store.js';
import type { LifecycleOptions } from './options.js';
import { createKeyring } from './verification/keyring.js';
import { openVerification } from './verification/open.js';
import { plainPage } from './verification/page.js';
import { webhookSending } from './webhooks/sending.js';
import { subscribeWebhooks } from './webhooks/subscribe.js';

/** The lifecycle domain, to be mounted. */
export interface Lifecycle extends Module<LifecycleScope> {
  /** What needs no credentials, for the routes that are open to anybody. */
  readonly open: OpenLifecycle;
  /**
   * Events of this process's commits, while they happen. Those of a command in a transaction of the host's, whose commit nobody
   * tells, go through the outbox: whichever process delivers them has them, a moment later and perhaps twice. What must not be
   * lost subscribes.
   */
  readonly events: Emitter<LifecycleEvents>;
  /** Delivers events at least once, in order for each customer, from the outbox. Subscribe before `start()`. */
  subscribe<Name extends keyof LifecycleEvents & string>(subscriber: LifecycleSubscriber<Name>): () => void;
}

/** Operations on many are this part of what is worked on at once. */
const bulkShare = 1 / 4;

/**
 * Makes the lifecycle domain. Nothing happens before `start()`.
 * @throws INVALID_ARGUMENT for two templates of one name and version, two dunning policies or two journeys of one name
 */
export function createLifecycle<Trx = StoreTransaction>(options: LifecycleOptions<Trx>): Lifecycle {
  const { store, clock = systemClock, logger = silentLogger, sendVerification } = options;
  const relayOptions = { outbox: store.outbox, events: deliveries, clock, logger };
  const { maxDeliveryAttempts, sweepMs, concurrency = 16 } = options;
  const findDue = dueFinder(store);
  const secrets = options.secret === undefined ? [] : [options.secret].flat();
  if (options.secret !== undefined) checkSecrets(secrets);
  const waker =
    options.waker ??
    timerWaker({ ...{ clock, logger, concurrency, ownerOf }, sweep: findDue, ...(sweepMs && { sweepMs }) });
  // Who is not told is found by the sweep.
  const tell = async (key: string): Promise<void> => {
    try {
      await waker.wake(key, clock.now());
    } catch (error) {
      logger.warn({ key, ...describeError(error) }, 'a wake-up was lost');
    }
  };
  const context: LifecycleContext = {
    store,
    clock,
    logger,
    // The host names its transaction's type; the store hands out that one.
    hooks: (options.hooks ?? {}) as unknown as LifecycleHooks,
    hookTimeoutMs: options.hookTimeoutMs ?? 5_000,
    leaseMs: options.leaseMs ?? 30_000,
    checklist: readChecklist(options.checklist ?? [], logger),
    templates: templateCatalogue(options.templates ?? []),
    dunning: namedOnce('dunning', options.dunning),
    journeys: namedOnce('journeys', options.journeys),
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
    streams: createLookingStreams(clock, options),
    cancellations: new EventEmitter(),
    turns: createTurns(Math.max(1, Math.floor(concurrency * bulkShare)), (key) => void tell(key)),
    standstills: new Map(),
    idempotencyRetentionMs: answersKeptMs(options.idempotencyRetentionSeconds),
    keptDays: keptDaysOf(options.keptDays),
    metrics: lifecycleMetrics(options.metrics),
    waker,
  };
  const { relay, emitter, streams } = context;
  emitter.onAny(({ tenantId, data }) => {
    streams.tell(feedTopic(tenantId), 'news');
    if ('requestId' in data) streams.tell(runTopic(tenantId, data.requestId), 'news');
  });
  for (const subscriber of deliver(context, sendVerification)) relay.subscribe(subscriber);
  subscribeWebhooks(context);
  const background = createBackground(context, {
    migrate: options.migrate ?? true,
    findDue,
    // The in-process waker sweeps by itself.
    sweepMs: options.waker && (sweepMs ?? 30_000),
  });

  return {
    name: 'lifecycle',
    routes: lifecycleRoutes,
    open: { verification: openVerification(context), provisioning: openProvisioning(context) },
    events: emitter,
    subscribe: (subscriber) => relay.subscribe(hostSubscriber(subscriber)),
    scope: (init) => lifecycleScope(context, init),
    start: () => background.start(),
    stop: () => background.stop(),
    readiness: () => ({ ready: background.state() === 'running', parts: { lifecycle: background.state() } }),
  };
}
