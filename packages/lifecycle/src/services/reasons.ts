import type { Block } from '../customers/customer.js';
import { without } from '../suspension/blocks.js';
import { checkPromise, endPromises, withoutPromise, withPromise, type Promised } from '../suspension/promise.js';
import { everyReason } from '../suspension/reasons.js';
import { ownTimer } from '../timers/own-names.js';
import type { ServiceChange, ServiceMoment } from './change.js';
import { isGone, type ServiceInstance } from './instance.js';

/** Reasons that one service may be blocked for at once. */
const mostReasons = 50;

type Decide = (moment: ServiceMoment) => ServiceChange;

/** The name of the timer that ends a promise; a customer's own reasons have no colon. */
const promiseTimer =
  (serviceId: string) =>
  (reason: string): string =>
    ownTimer('promise', serviceId, reason);

const ofService = ({ id: serviceId, serviceName }: ServiceInstance) => ({ serviceId, serviceName });

/** Opens a reason; the same one with a higher severity takes its place, and what was promised for it is over. */
export function blockOpened(given: Omit<Block, 'openedAt' | 'promisedUntil'>): Decide {
  const { reason, severity } = given;
  return ({ service, at, busy }) => {
    if (isGone(service)) throw busy(`it is ${service.status}`);
    const open = service.blocks.find((block) => block.reason === reason);
    if (open && (open.severity === 'suspend' || severity === 'throttle')) throw busy(`the reason ${reason} is open`);
    if (!open && service.blocks.length >= mostReasons) throw busy(`${mostReasons} reasons are open already`);
    return withOpened(service, { ...given, promisedUntil: null, openedAt: at });
  };
}

/** A service with this reason, in the place of the same one with another severity. */
export function withOpened(service: ServiceInstance, block: Block): ServiceChange {
  const { reason, severity, note } = block;
  return {
    service: { ...service, blocks: [...without(service.blocks, [reason]), block] },
    event: { name: 'service.blocked', data: { ...ofService(service), reason, note, severity } },
    timers: endPromises(service.blocks, [reason], promiseTimer(service.id)),
  };
}

/** A service without these open reasons. */
export function withLifted(service: ServiceInstance, lifted: string[]): ServiceChange {
  return {
    service: { ...service, blocks: without(service.blocks, lifted) },
    event: { name: 'service.unblocked', data: { ...ofService(service), lifted } },
    timers: endPromises(service.blocks, lifted, promiseTimer(service.id)),
  };
}

/** Lifts a reason, or every one. */
export function blockLifted(reason: string): Decide {
  return ({ service, busy }) => {
    const open = service.blocks.map((block) => block.reason);
    const lifted = (reason === everyReason ? open : [reason]).filter((each) => open.includes(each));
    if (lifted.length === 0) throw busy(`its open reasons are: ${open.join(', ') || 'none'}`);
    return withLifted(service, lifted);
  };
}

/** Leaves an open reason without effect until a time; promised again, until another. */
export function paymentPromised(promised: Promised): Decide {
  const { reason, until, note } = promised;
  return ({ service, at, busy }) => {
    if (isGone(service)) throw busy(`it is ${service.status}`);
    const open = service.blocks.map((block) => block.reason);
    if (!open.includes(reason)) throw busy(`its open reasons are: ${open.join(', ') || 'none'}`);
    checkPromise(promised, at);
    const input = { actionType: reason, service: service.id };
    const due = { dueAt: until, command: 'endServicePromise', input, anchorAt: at } as const;
    return {
      service: { ...service, blocks: withPromise(service.blocks, promised) },
      event: { name: 'service.promised', data: { ...ofService(service), reason, until, note } },
      timers: [{ set: { name: promiseTimer(service.id)(reason), ...due } }],
    };
  };
}

/** Has a reason, or every one, take effect again. */
export function promiseEnded(reason: string | undefined): Decide {
  return ({ service, busy }) => {
    const { blocks, ended: reasons } = withoutPromise(service.blocks, reason);
    if (reasons.length === 0) throw busy('nothing is promised for it');
    return {
      service: { ...service, blocks },
      event: { name: 'service.promise_ended', data: { ...ofService(service), reasons } },
      timers: reasons.map((each) => ({ clear: promiseTimer(service.id)(each) })),
    };
  };
}
