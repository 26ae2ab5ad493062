import { defineEvents } from '@dotmac/core';
import { freeForm } from '@dotmac/core/contract';
import { z } from 'zod';
import { stage } from './customers/stage.js';
import { channel } from './verification/channel.js';

const move = { from: stage, to: stage };
const suspension = {
  ...move,
  reason: z.string(),
  note: z.string().nullable(),
  parameters: freeForm,
  openReasons: z.array(z.string()),
};
const service = { requestId: z.string(), serviceName: z.string() };

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
  'customer.suspension_lifted': z.object({ ...suspension, lifted: z.array(z.string()) }),
  'customer.reactivated': z.object({ ...suspension, lifted: z.array(z.string()) }),
  'customer.churning': z.object({ ...move, reason: z.string().nullable() }),
  'customer.deactivated': z.object({ ...move, reason: z.string().nullable() }),
  'customer.deleted': z.object({ ...move, reason: z.string().nullable() }),
  'service.requested': z.object(service),
  'service.provisioned': z.object(service),
  'service.failed': z.object({ ...service, step: z.string(), error: z.string() }),
  'service.stuck': z.object({ ...service, step: z.string(), error: z.string() }),
};

/** The lifecycle domain's events, by name. */
export const lifecycleEvents = defineEvents('lifecycle', lifecycleSchemas);

/** The schemas of {@link lifecycleEvents}, for typed listeners. */
export type LifecycleEvents = typeof lifecycleSchemas;

const deliverySchemas = {
  ...lifecycleSchemas,
  /** To an `afterCommit` hook: the command and the state it made. */
  'command.committed': z.object({ command: z.string(), state: freeForm }),
  /** To the sender: a token sealed until it is sent. */
  'verification.issued': z.object({ channel, tokenId: z.string(), sealed: z.string() }),
};

/** Everything that travels through the outbox: the domain's events, and deliveries that are nobody else's business. */
export const deliveries = defineEvents('lifecycle', deliverySchemas);

/** The schemas of {@link deliveries}. */
export type DeliverySchemas = typeof deliverySchemas;
