import { z } from 'zod';
import type { Customer } from '../../src/customers/customer.js';
import { defineJourney } from '../../src/journeys/journey.js';
import type { LifecycleScope } from '../../src/scope.js';
import type { LifecycleOptions } from '../../src/options.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { bulkKey, runKey, timerKey, type TenantStore } from '../../src/store/store.js';
import { fatal } from './fates.js';

/** Work that a process is held up at. */
export interface HeldUp {
  title: string;
  /** The customers that it is about. */
  customers: Partial<Customer>;
  /** How many of them. Default 1. */
  count?: number;
  /** Asks for the work; `userType` is that of these customers alone. */
  ask: (scope: LifecycleScope, customerId: string, userType: string) => Promise<unknown>;
  /** What the work is woken by. Default nothing: it is a delivery. */
  keys?: (store: TenantStore, customerId: string) => Promise<string[]>;
  /** Is the work done? */
  isOver: (store: TenantStore, customerId: string) => Promise<boolean>;
  /** Fewer places than this to be held up at were not all of them. */
  least: number;
}

const timersOf = async ({ timers }: TenantStore, customerId: string) =>
  (await timers.listFor(customerId)).map(({ id }) => timerKey('acme', id));
const becomes =
  (stage: string) =>
  async (store: TenantStore, customerId: string): Promise<boolean> =>
    (await store.customers.get(customerId))?.stage === stage && (await timersOf(store, customerId)).length === 0;
/** A message for each event, delivered or given up. */
const areSent = async ({ webhooks }: TenantStore, customerId: string): Promise<boolean> => {
  const [webhook] = await webhooks.all();
  const { items } = await webhooks.deliveries({ webhookId: webhook?.id ?? '', limit: 500 });
  const own = items.filter((delivery) => delivery.customerId === customerId);
  return own.length > 0 && own.every(({ state }) => state === 'delivered');
};

/** What has a lease, a fence, a claim or a compare-and-swap between it and a process that comes back late. */
export const heldUp: readonly HeldUp[] = [
  {
    title: 'a provisioning run',
    customers: { stage: 'active' },
    ask: ({ services }, customerId) => services.request(customerId, { serviceName: 'internet' }),
    keys: async ({ services }, customerId) =>
      (await services.list({ customerId, limit: 9 })).items.map(({ id }) => runKey('acme', id)),
    isOver: async ({ services }, customerId) =>
      (await services.list({ customerId, limit: 9 })).items.every(({ status }) => status === 'active'),
    least: 6,
  },
  {
    title: 'a timer',
    customers: { stage: 'active' },
    ask: ({ timers }, customerId) =>
      timers.set(customerId, { name: 'trial-end', command: 'deactivate', dueAt: Date.now() }),
    keys: timersOf,
    isOver: becomes('inactive'),
    least: 2,
  },
  {
    title: 'a step of dunning',
    customers: { stage: 'active' },
    ask: ({ dunning }, customerId) => dunning.overdue(customerId, { invoiceId: 'r-1' }),
    keys: timersOf,
    isOver: becomes('suspended'),
    least: 2,
  },
  {
    title: 'a journey',
    customers: { stage: 'active' },
    ask: ({ customers }, customerId) => customers.markChurning(customerId),
    keys: timersOf,
    isOver: becomes('inactive'),
    least: 4,
  },
  {
    title: 'an erasure',
    customers: { stage: 'deleted' },
    ask: ({ timers }, customerId) => timers.set(customerId, { name: 'forget', command: 'erase', dueAt: Date.now() }),
    keys: timersOf,
    isOver: async ({ customers }, customerId) => (await customers.get(customerId))?.erasedAt !== null,
    least: 2,
  },
  {
    title: 'an operation on many',
    customers: { stage: 'active' },
    count: 5,
    ask: ({ bulk }, _, userType) =>
      bulk.start({
        command: 'suspend',
        input: { actionType: 'move' },
        filter: { userTypes: [userType] },
        dryRun: false,
      }),
    keys: async ({ bulk, customers }, customerId) => {
      const { userType = '' } = (await customers.get(customerId)) ?? {};
      const { items } = await bulk.list({ limit: 99 });
      return items.filter(({ filter }) => filter.userTypes?.includes(userType)).map(({ id }) => bulkKey('acme', id));
    },
    isOver: async ({ bulk, customers }, customerId) => {
      const { userType = '' } = (await customers.get(customerId)) ?? {};
      const { items } = await bulk.list({ limit: 99 });
      return items.every(({ filter, status }) => !filter.userTypes?.includes(userType) || status === 'completed');
    },
    least: 4,
  },
  {
    title: 'what a hook is told',
    customers: { stage: 'active' },
    ask: ({ suspension }, customerId) => suspension.suspend(customerId, { actionType: 'abuse' }),
    // It is told once the outbox is empty.
    isOver: () => Promise.resolve(true),
    least: 3,
  },
  {
    title: 'what a webhook is told',
    customers: { stage: 'active' },
    ask: ({ suspension }, customerId) => suspension.suspend(customerId, { actionType: 'abuse' }),
    isOver: areSent,
    least: 9,
  },
];

/** How the processes are set up that do that work. */
export const workerOptions = {
  secret: 'a secret of more than 32 characters, for tests',
  dunning: [fatal],
  journeys: [
    defineJourney({
      name: 'parting',
      startsOn: ['customer.churning'],
      steps: [
        { key: 'call', afterDays: 0 },
        { key: 'leave', afterDays: 0, command: 'deactivate' },
      ],
    }),
  ],
  hooks: { 'customer.suspend': { afterCommit: () => undefined } },
  webhooks: { egress: { allow: ['loopback'] } },
  templates: [
    defineServiceTemplate({
      name: 'internet',
      config: z.object({}),
      steps: ['port', 'account'].map((key) => ({ key, run: () => undefined })),
    }),
  ],
} as const satisfies Partial<LifecycleOptions>;
