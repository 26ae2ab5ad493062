import type { AnyEvent } from '@dotmac/core';
import type { Block, Customer } from '../customers/customer.js';
import type { LifecycleEvents } from '../events.js';
import type { Run } from '../provisioning/run.js';
import type { Signal } from '../provisioning/signal.js';
import type { ServiceInstance } from '../services/instance.js';

type Event = AnyEvent<LifecycleEvents>;
type Fields = Readonly<Record<string, unknown>>;

const [reason, note] = [{ reason: null }, { note: null }];
const explained = { reason: '' };
const suspension = { ...note, parameters: {} };

/**
 * What in an event's data may say something of a person: words of somebody's own and free-form facts; and what stands in
 * its place without it. Everything else (stages, classes of reasons, names of services) is history and stays.
 */
const personal: Partial<Record<keyof LifecycleEvents, Fields>> = {
  'customer.registered': { referralCode: null },
  'customer.updated': { changes: {}, formerEmail: null, former: {} },
  'customer.linked': { externalId: null, formerExternalId: null },
  'customer.rejected': reason,
  'customer.verified': { additionalData: {} },
  'customer.suspended': suspension,
  'customer.suspension_added': suspension,
  'customer.throttled': suspension,
  'customer.suspension_lifted': suspension,
  'customer.reactivated': suspension,
  'customer.promised': note,
  'customer.churning': reason,
  'customer.won_back': reason,
  'customer.restored': reason,
  'customer.deactivated': reason,
  'customer.deleted': reason,
  'customer.hold_set': note,
  'customer.timer_skipped': explained,
  'customer.timer_postponed': explained,
  'dunning.opened': { facts: {} },
  'dunning.invoice_added': { facts: {} },
  'dunning.step_skipped': explained,
  'dunning.held': explained,
  'journey.step_skipped': explained,
  'journey.failed': explained,
  'service.failed': { error: '' },
  'service.stuck': { error: '' },
  'service.blocked': note,
  'service.promised': note,
  'service.termination_requested': note,
  'service.step_decided': { comment: null },
  'service.intervened': note,
};

/** An event's personal fields; undefined when it has none, or nothing in them. */
export function personalOf({ name, data }: Event): Fields | undefined {
  const blank = personal[name];
  if (!blank) return undefined;
  const given = data as Fields;
  const filled = Object.keys(blank).filter((key) => !isSame(given[key], blank[key]));
  return filled.length === 0 ? undefined : Object.fromEntries(filled.map((key) => [key, given[key]]));
}

/** The event without what is personal in it: it still fits its schema. */
export function withoutPersonal<Any extends Event>(event: Any): Any {
  const blank = personal[event.name];
  return blank ? { ...event, data: { ...event.data, ...blank } } : event;
}

/** The event with its personal fields again. */
export function withPersonal<Any extends Event>(event: Any, fields: Fields): Any {
  return { ...event, data: { ...event.data, ...fields } };
}

/** What stands in the place of an erased customer's names. No name that is registered has a space: nobody has it before. */
export function nameOfErased(customerId: string): string {
  return `erased ${customerId}`;
}

/** What stands in the place of what was said of a reason. */
export const erasedWords = { note: null, parameters: {} } as const satisfies Partial<Block>;

/** What stands in the place of a customer's profile once that is erased. */
export function erasedProfile(customerId: string) {
  const gone = nameOfErased(customerId);
  return {
    username: gone,
    email: gone,
    externalId: null,
    firstName: '',
    lastName: '',
    phone: null,
    referralCode: null,
    marketingConsent: false,
    attributes: {},
    onboardingData: {},
  } as const satisfies Partial<Customer>;
}

/** The customer as it is left by an erasure: stage, dates and classes of reasons. Its names are free to others. */
export function erasedCustomer(customer: Customer, names: OwnNames, at: number): Customer {
  return {
    ...customer,
    ...erasedProfile(customer.id),
    blocks: customer.blocks.map((block) => wordless(block, names)),
    erasedAt: customer.erasedAt ?? at,
  };
}

/** A service without its configuration and what its steps gave back. */
export function erasedService(service: ServiceInstance, names: OwnNames): ServiceInstance {
  const blocks = service.blocks.map((block) => wordless(block, names));
  return { ...service, config: {}, outputs: {}, blocks };
}

/** A run without what it was given and what its steps gave back: which steps there were, and how they went, stay. */
export function erasedRun(run: Run, names: OwnNames): Run {
  return {
    ...run,
    config: {},
    previous: run.previous && { ...run.previous, config: {} },
    given: {},
    steps: run.steps.map(({ compensationError: _, ...step }) => ({ ...step, output: null, error: null })),
    requestedBy: erasedActor(run.requestedBy, names),
  };
}

/** What was said to the steps of a run, without words. Who spoke to a step by several names of its own stays as many. */
export function erasedSignals(signals: readonly Signal[], names: OwnNames): Signal[] {
  const counts = new Map<string, number>();
  return signals.map((signal) => {
    const left: Signal = { ...signal, comment: null, output: null };
    const actor = erasedActor(signal.by, names);
    if (actor === signal.by) return left;
    const count = (counts.get(signal.stepKey) ?? 0) + 1;
    counts.set(signal.stepKey, count);
    return { ...left, by: count === 1 ? actor : `${actor}:${count}` };
  });
}

/** Names that a customer goes by, or went by, in lower case. */
export type OwnNames = ReadonlySet<string>;

/** The names of a customer: those that it has, and the addresses that it had before. */
export function namesOf({ username, email }: Customer, formerEmails: readonly string[]): OwnNames {
  return new Set([username, email, ...formerEmails].map((name) => name.toLowerCase()));
}

/** Who acted; but not a customer who did so by its own name, e.g. `user:neo@example.com`. */
export function erasedActor(actor: string, names: OwnNames): string {
  const [whole, name] = [actor, actor.slice(actor.indexOf(':') + 1)].map((text) => text.toLowerCase());
  return [whole, name].some((it) => it !== undefined && names.has(it)) ? 'erased' : actor;
}

function wordless(block: Block, names: OwnNames): Block {
  return { ...block, ...erasedWords, openedBy: erasedActor(block.openedBy, names) };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
