/** `@dotmac/core`: what every domain stands on. */
export { defineErrors } from './errors/define-errors.js';
export type { ErrorCatalogue, ErrorDefinition, ErrorExtras, ErrorFactory } from './errors/define-errors.js';
export { errorKinds } from './errors/kinds.js';
export type { ErrorKind } from './errors/kinds.js';
export { OperationError, isOperationError } from './errors/operation-error.js';
export type { InputIssue, OperationErrorInit } from './errors/operation-error.js';
export { coreErrors } from './errors/core-errors.js';
export { systemClock, sleepOn } from './clock.js';
export type { CancelTimer, Clock } from './clock.js';
export { Stop } from './stop.js';
export type { StopSignal } from './stop.js';
export { newId } from './ids.js';
export { checkSecrets, createSealer } from './sealer.js';
export type { Sealer } from './sealer.js';
export { silentLogger } from './logger.js';
export type { Logger } from './logger.js';
export { scopeIdentity } from './scope.js';
export type { ScopeIdentity, ScopeInit } from './scope.js';
export type { Module, Readiness } from './module.js';
export { warnIfSlow } from './hooks/hooks.js';
export type { CommandHooks, Hook, HookContext, HookPhase, HookPolicy, HookTiming, Hooks } from './hooks/hooks.js';
export type { StoreTransaction } from './store-transaction.js';
export { describeError } from './errors/describe-error.js';
export { defineEvents } from './events/define-events.js';
export type { AnyEvent, DomainEvent, EventSchemas, EventTable } from './events/define-events.js';
export { createStreams } from './events/streams.js';
export type { OpenStream, StreamAsk, Streams } from './events/streams.js';
export type { StreamLimits } from './events/stream-places.js';
export { createEmitter } from './events/emitter.js';
export type { Emitter, EmitterOptions, EventListener } from './events/emitter.js';
export type {
  ClaimedEntry,
  LongestWaits,
  Outbox,
  OutboxClaim,
  OutboxEntry,
  ParkedEntry,
  ParkedListing,
  ParkedName,
} from './events/outbox.js';
export { createOutboxRelay } from './events/outbox-relay.js';
export type { OutboxRelay, OutboxRelayOptions } from './events/outbox-relay.js';
export type { DeliveryContext, Subscriber } from './events/subscriber.js';
export { createPruning } from './pruning.js';
export type { PruneJob, Pruning } from './pruning.js';
export { drain } from './deadline.js';
export { timeHeap } from './wake/heap.js';
export type { TimeHeap } from './wake/heap.js';
export type { WakeHandler, Waker } from './wake/waker.js';
export { timerWaker } from './wake/timer-waker.js';
export type { DueKey, TimerWakerOptions } from './wake/timer-waker.js';
export type { Lease, Leases, NamedLeases } from './wake/lease.js';
export { holdLease } from './wake/hold-lease.js';
export type { HeldLease, HoldLeaseOptions } from './wake/hold-lease.js';
export { readCron } from './cron/cron.js';
export type { Cron, CronOptions } from './cron/cron.js';
export { isTimeZone, timeZoneOf } from './cron/time-zone.js';
export type { TimeZone } from './cron/time-zone.js';
export { memoryTables } from './memory/tables.js';
export type { MemoryTables, MemoryTransaction } from './memory/tables.js';
export { together } from './together.js';
export { memoryOutbox } from './memory/outbox.js';
export { memoryLeases } from './memory/leases.js';
export { memoryIdempotencyStore } from './memory/idempotency.js';
