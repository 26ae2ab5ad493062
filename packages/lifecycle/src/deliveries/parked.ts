import { id, instant, parkedPageQuery } from '@dotmac/core/contract';
import { z } from 'zod';
import type { HookName } from '../hooks.js';

/** Which are listed. */
export const parkedQuery = z.object({
  ...parkedPageQuery.shape,
  customerId: id
    .optional()
    .meta({ description: 'Of this customer alone; a page may then be short, or empty, before the last one' }),
});

/** @see parkedQuery */
export type ParkedDraft = z.input<typeof parkedQuery>;

/** A delivery that was given up. What it would deliver is not shown: it may hold what is sealed until it is sent. */
export const parkedDelivery = z
  .object({
    id,
    subscriber: z.string().meta({ examples: ['hook:customer.suspend', 'send-verification'] }),
    eventType: z.string(),
    customerId: z.string().meta({ description: 'Whom it is about' }),
    attempts: z.int(),
    parkedAt: instant,
    reason: z.string(),
  })
  .meta({ id: 'ParkedDelivery' });

/** @see parkedDelivery */
export type ParkedDelivery = z.output<typeof parkedDelivery>;

/** Hooks that are told of a service: it must be named. */
const ofServices = [
  'customer.requestService',
  'service.suspend',
  'service.resume',
  'service.promise',
  'service.endPromise',
  'service.changePlan',
  'service.terminate',
  'operation.provision',
  'operation.suspend',
  'operation.throttle',
  'operation.resume',
  'operation.change_plan',
  'operation.deprovision',
  'operation.fail',
] as const satisfies readonly HookName[];

/**
 * The commands whose `afterCommit` hooks can be run again: all but those of erasures and legal holds, of which nothing
 * may be left to tell.
 */
const replayable = [
  'customer.register',
  'customer.update',
  'customer.link',
  'customer.approve',
  'customer.reject',
  'customer.verify',
  'customer.startOnboarding',
  'customer.progressOnboarding',
  'customer.completeOnboarding',
  'customer.suspend',
  'customer.throttle',
  'customer.reactivate',
  'customer.promise',
  'customer.endPromise',
  'customer.markChurning',
  'customer.winBack',
  'customer.deactivate',
  'customer.delete',
  'customer.restore',
  ...ofServices,
] as const satisfies readonly HookName[];

/** Is a hook told of a service? */
function isOfService(hook: HookName): boolean {
  return (ofServices as readonly HookName[]).includes(hook);
}

/** What running a hook again takes. */
export const replayInput = z
  .object({
    hook: z.enum(replayable).meta({ description: 'The command whose `afterCommit` hook is meant' }),
    serviceId: id.optional().meta({
      description: 'The service that the command was about: with `customer.requestService`, `service.…`, `operation.…`',
    }),
  })
  .refine(({ hook, serviceId }) => isOfService(hook) === (serviceId !== undefined), {
    path: ['serviceId'],
    message: 'Name the service that the command was about, and none for a command on the customer alone',
  })
  .meta({ id: 'HookReplay' });

/** @see replayInput */
export type ReplayDraft = z.input<typeof replayInput>;
