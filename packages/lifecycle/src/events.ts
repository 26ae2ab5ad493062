import { defineEvents } from '@dotmac/core';
import { freeForm } from '@dotmac/core/contract';
import { z } from 'zod';
import { blockSeverity } from './customers/customer.js';
import { stage } from './customers/stage.js';
import { operationName } from './services/operation.js';
import { channel } from './verification/channel.js';

/** An instant in the data of an event: a number here, in the history and in outboxes. What is told of it is ISO 8601. */
export const epochMs = z.number();

const move = { from: stage, to: stage };
const suspension = {
  ...move,
  reason: z.string(),
  note: z.string().nullable(),
  parameters: freeForm,
  openReasons: z.array(z.string()),
};
const service = {
  requestId: z.string(),
  serviceId: z.string(),
  serviceName: z.string(),
  operation: operationName,
};
const invoice = { policy: z.string(), invoiceId: z.string(), overdueSince: epochMs, facts: freeForm };
const payment = { policy: z.string(), invoiceId: z.string().nullable() };
const dunningStep = {
  policy: z.string(),
  action: z.enum(['warn', 'throttle', 'suspend', 'terminate']),
  afterDays: z.number(),
  step: z.int(),
  invoices: z.array(z.string()),
};
const journeyStep = { journey: z.string(), step: z.string() };
const brokenStep = { ...service, step: z.string(), error: z.string() };
const ofService = { serviceId: z.string(), serviceName: z.string() };

/** What happens in the lifecycle domain. The subject of each event is the customer's id. */
export const lifecycleSchemas = {
  'customer.registered': z.object({
    to: stage,
    requiresApproval: z.boolean(),
    registrationSource: z.string(),
    referralCode: z.string().nullable(),
  }),
  'customer.approved': z.object(move),
  'customer.rejected': z.object({ ...move, reason: z.string().nullable() }),
  'customer.verified': z.object({ ...move, channel, additionalData: freeForm }),
  'customer.onboarding_started': z.object(move),
  'customer.onboarding_progressed': z.object(move),
  'customer.activated': z.object(move),
  'customer.suspended': z.object(suspension),
  'customer.suspension_added': z.object(suspension),
  'customer.throttled': z.object(suspension),
  'customer.promised': z.object({ ...move, reason: z.string(), until: epochMs, note: z.string().nullable() }),
  'customer.promise_ended': z.object({ ...move, reasons: z.array(z.string()) }),
  'customer.suspension_lifted': z.object({ ...suspension, lifted: z.array(z.string()) }),
  'customer.reactivated': z.object({ ...suspension, lifted: z.array(z.string()) }),
  /**
   * What was there before, for an erasure takes away what was done by it and what looked for it: `formerEmail` of a change of
   * the address alone, `former` of names, and of those attributes that are not as they were.
   */
  'customer.updated': z.object({
    fields: z.array(z.string()),
    unverified: z.array(channel),
    changes: freeForm,
    formerEmail: z.string().nullable().default(null),
    former: freeForm.default({}),
  }),
  'customer.linked': z.object({
    externalId: z.string().nullable(),
    formerExternalId: z.string().nullable().default(null),
  }),
  'customer.churning': z.object({ ...move, reason: z.string().nullable() }),
  'customer.won_back': z.object({ ...move, reason: z.string().nullable() }),
  'customer.restored': z.object({ ...move, reason: z.string().nullable() }),
  'customer.timer_skipped': z.object({ timer: z.string(), command: z.string(), reason: z.string() }),
  'customer.timer_cleared': z.object({ timer: z.string(), command: z.string(), dueAt: epochMs }),
  'customer.timer_postponed': z.object({
    timer: z.string(),
    command: z.string(),
    reason: z.string(),
    until: epochMs,
  }),
  'customer.deactivated': z.object({ ...move, reason: z.string().nullable() }),
  'customer.deleted': z.object({ ...move, reason: z.string().nullable() }),
  'customer.delivery_discarded': z.object({ subscriber: z.string(), eventType: z.string() }),
  'customer.hold_set': z.object({ hold: z.string(), note: z.string().nullable() }),
  'customer.hold_lifted': z.object({ hold: z.string() }),
  'customer.erased': z.object({ ...move, reference: z.string().nullable() }),
  'dunning.opened': z.object(invoice),
  'dunning.invoice_added': z.object(invoice),
  'dunning.invoice_paid': z.object(payment),
  'dunning.closed': z.object(payment),
  'dunning.warned': z.object(dunningStep),
  'dunning.step_skipped': z.object({ ...dunningStep, reason: z.string() }),
  'journey.step_reached': z.object(journeyStep),
  'journey.step_skipped': z.object({ ...journeyStep, reason: z.string() }),
  'journey.failed': z.object({ journey: z.string(), step: z.string().nullable(), reason: z.string() }),
  'dunning.held': z.object({ policy: z.string(), reason: z.string() }),
  'service.requested': z.object(service),
  'service.operation_started': z.object(service),
  'service.provisioned': z.object(service),
  'service.suspended': z.object(service),
  'service.throttled': z.object(service),
  'service.resumed': z.object(service),
  'service.plan_changed': z.object(service),
  'service.terminated': z.object(service),
  'service.failed': z.object(brokenStep),
  'service.stuck': z.object(brokenStep),
  'service.cancelled': z.object(service),
  'service.cancel_requested': z.object(service),
  'service.blocked': z.object({
    ...ofService,
    reason: z.string(),
    note: z.string().nullable(),
    severity: blockSeverity,
  }),
  'service.unblocked': z.object({ ...ofService, lifted: z.array(z.string()) }),
  /** All that does not count for it from now on: reasons of its customer, and that this one has left. */
  'service.spared': z.object({ ...ofService, reasons: z.array(z.string()), isKept: z.boolean() }),
  'service.promised': z.object({
    ...ofService,
    reason: z.string(),
    until: epochMs,
    note: z.string().nullable(),
  }),
  'service.promise_ended': z.object({ ...ofService, reasons: z.array(z.string()) }),
  'service.termination_requested': z.object({ ...ofService, note: z.string().nullable() }),
  'service.step_decided': z.object({
    ...service,
    step: z.string(),
    decision: z.enum(['approve', 'reject']),
    comment: z.string().nullable(),
  }),
  'service.intervened': z.object({
    ...service,
    action: z.enum(['retry', 'skip', 'force']),
    step: z.string().nullable(),
    note: z.string().nullable(),
  }),
};

/** The lifecycle domain's events, by name. */
export const lifecycleEvents = defineEvents('lifecycle', lifecycleSchemas);

/** The schemas of {@link lifecycleEvents}, for typed listeners. */
export type LifecycleEvents = typeof lifecycleSchemas;

const deliverySchemas = {
  ...lifecycleSchemas,
  /** To an `afterCommit` hook: the command and the state it made. */
  'command.committed': z.object({ command: z.string(), state: freeForm }),
  /** To who looks up whose address was asked for: sealed until then. */
  'verification.asked': z.object({ sealed: z.string() }),
  /** To the sender: a token sealed until it is sent. */
  'verification.issued': z.object({ channel, tokenId: z.string(), sealed: z.string() }),
};

/** Everything that travels through the outbox: the domain's events, and deliveries that are nobody else's business. */
export const deliveries = defineEvents('lifecycle', deliverySchemas);

/** The schemas of {@link deliveries}. */
export type DeliverySchemas = typeof deliverySchemas;
