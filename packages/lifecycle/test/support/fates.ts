import type { LifecycleEvents } from '../../src/events.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { LifecycleScope } from '../../src/scope.js';
import { until } from './lifecycle.js';

/** The scopes of others than who asks. */
export type Actors = (actor: string) => LifecycleScope;

/** What is under way when a process dies, and what must come of it whoever finishes it. */
export interface Fate {
  title: string;
  /**
   * What the customer has before: nothing, a service, or one that is suspended, or promised payment for, or stuck at its
   * suspension or on its way back.
   */
  given?:
    | 'active'
    | 'active, to be called off'
    | 'active, to be kept'
    | 'suspended'
    | 'promised'
    | 'stuck'
    | 'stuck on its way back';
  /** The template of what it has before. Default `every-kind`. */
  service?: string;
  /** What the process is asked; everything that follows is its own. */
  ask: (scope: LifecycleScope, customerId: string, serviceId: string, as: Actors) => Promise<unknown>;
  /** What somebody does about it afterwards, who may have done so before the death; then it may be refused. */
  insist?: (scope: LifecycleScope, serviceId: string, as: Actors) => Promise<unknown>;
  /** The host has hooks. */
  hooked?: true;
  /** Of the same customer's history, what comes after: the last one is the end. */
  events: readonly (keyof LifecycleEvents)[];
  leaves: { status: string; access: string };
  /** What the outside is asked, each once: the steps, as the idempotency key names them. */
  calls: readonly string[];
  /** How many runs make them. Default 1. */
  runs?: number;
  /** How many calls are made again after a death. Default 1. */
  repeats?: 0;
  /** The rows that the host's own table has of the service: what follows its id. */
  rows: readonly string[];
  /** Fewer boundaries than this were not all of them. */
  least: number;
  /** The same as another until its last step: only what comes then is new. */
  endsLike?: string;
}

/** The policy that {@link fates} suspend by. */
export const fatal = defineDunningPolicy({ name: 'fatal', steps: [{ afterDays: 0, action: 'suspend' }] });

const serviceName = 'every-kind';
const approve = ({ provisioning }: LifecycleScope, serviceId: string) =>
  provisioning.decide(serviceId, { step: 'boss', decision: 'approve' });
/** Cancels a run that has got as far as it gets by itself. */
const cancelWaiting = async ({ provisioning }: LifecycleScope, serviceId: string) => {
  await until(async () => !['pending', 'running'].includes((await provisioning.get(serviceId)).runStatus));
  await provisioning.cancel(serviceId);
};
const request =
  (customConfig: object, name = serviceName, then?: Fate['insist']): Fate['ask'] =>
  async (scope, customerId, _, as) => {
    const { id } = await scope.services.request(customerId, { serviceName: name, customConfig: { ...customConfig } });
    await then?.(scope, id, as);
  };
const change =
  (customConfig: object): Fate['ask'] =>
  (scope, _, serviceId) =>
    scope.services.changePlan(serviceId, { customConfig: { ...customConfig } });
const suspend: Fate['ask'] = (scope, _, serviceId) => scope.services.suspend(serviceId, { actionType: 'abuse' });
/** Does something about a run that is stuck. */
const intervene =
  (act: (provisioning: LifecycleScope['provisioning'], requestId: string) => Promise<unknown>): Fate['ask'] =>
  async ({ services, provisioning }, _, serviceId) =>
    act(provisioning, (await services.get(serviceId)).openRunId ?? '');
const takenDown = ['account:compensate', 'technician:compensate', 'port:compensate'];
const up = { status: 'active', access: 'full' };
const down = { status: 'terminated', access: 'none' };
const shut = { leaves: { status: 'suspended', access: 'suspended' }, calls: ['shut', 'told'], rows: ['', ':closed'] };
/** Taking down calls what undoes under the keys of steps of its own. */
const undone = { leaves: down, calls: ['account', 'technician', 'port'], rows: [] };

/** Takes a service down, which its boss agrees to. */
const agreedEnd = async ({ services, provisioning }: LifecycleScope, serviceId: string) =>
  provisioning.decide((await services.get(serviceId)).openRunId ?? '', { step: 'boss', decision: 'approve' });
const terminate: Fate['ask'] = async (scope, _, serviceId) => {
  await scope.services.terminate(serviceId);
  await agreedEnd(scope, serviceId);
};
const closing = ['service.termination_requested', 'service.operation_started', 'service.step_decided'] as const;

/** Everything that goes on by itself after a command, with the calls that it makes. */
export const ownFates: readonly Fate[] = [
  {
    title: 'provision',
    ask: request({}, serviceName, approve),
    insist: approve,
    events: ['service.requested', 'service.step_decided', 'service.provisioned'],
    leaves: up,
    calls: ['port', 'technician', 'account'],
    rows: [''],
    least: 16,
  },
  {
    title: 'provision, failing',
    ask: request({ fail: true }, serviceName, approve),
    insist: approve,
    events: ['service.requested', 'service.step_decided', 'service.failed'],
    leaves: { status: 'failed', access: 'none' },
    calls: ['port', 'technician', 'account', ...takenDown],
    rows: [],
    least: 16,
    endsLike: 'provision',
  },
  {
    title: 'suspend',
    given: 'active',
    ask: suspend,
    events: ['service.blocked', 'service.operation_started', 'service.suspended'],
    ...shut,
    least: 10,
  },
  {
    title: 'resume',
    given: 'suspended',
    ask: (scope, _, serviceId) => scope.services.resume(serviceId, { actionType: 'abuse' }),
    events: ['service.unblocked', 'service.operation_started', 'service.resumed'],
    leaves: up,
    calls: ['open', 'told'],
    rows: [''],
    least: 10,
  },
  {
    title: 'change_plan',
    given: 'active',
    ask: change({}),
    events: ['service.operation_started', 'service.plan_changed'],
    leaves: up,
    calls: ['speed', 'tariff'],
    rows: ['', ':fast'],
    least: 10,
  },
  {
    title: 'change_plan, failing',
    given: 'active',
    ask: change({ fail: true }),
    events: ['service.operation_started', 'service.failed'],
    leaves: up,
    calls: ['speed', 'tariff', 'tariff:compensate', 'speed:compensate'],
    rows: [''],
    least: 10,
    endsLike: 'change_plan',
  },
  {
    title: 'deprovision',
    given: 'active',
    ask: (scope, _, serviceId) => scope.services.terminate(serviceId),
    events: ['service.termination_requested', 'service.operation_started', 'service.terminated'],
    ...undone,
    least: 10,
  },
  {
    title: 'dunning',
    given: 'active',
    ask: (scope, customerId) => scope.dunning.overdue(customerId, { invoiceId: 'r-1' }),
    events: ['dunning.opened', 'customer.suspended', 'service.operation_started', 'service.suspended'],
    ...shut,
    least: 14,
  },
  {
    title: 'a timer',
    given: 'active',
    ask: (scope, customerId) =>
      scope.timers.set(customerId, { name: 'trial-end', command: 'deactivate', dueAt: Date.now() }),
    events: ['customer.deactivated', 'service.operation_started', 'service.terminated'],
    ...undone,
    least: 14,
  },
];

const nothing = { leaves: { status: 'failed', access: 'none' }, rows: [] };
const closed = shut.leaves;

/** What comes of it when somebody steps in: slows down, cancels, does not come, looks at what is stuck, or takes part. */
export const interruptedFates: readonly Fate[] = [
  {
    title: 'throttle',
    given: 'active',
    ask: (scope, _, serviceId) => scope.services.suspend(serviceId, { actionType: 'abuse', severity: 'throttle' }),
    events: ['service.blocked', 'service.operation_started', 'service.throttled'],
    leaves: { status: 'active', access: 'throttled' },
    calls: ['slow', 'told'],
    rows: ['', ':slow'],
    least: 10,
  },
  {
    title: 'suspend, with hooks',
    given: 'active',
    hooked: true,
    ask: suspend,
    events: ['service.blocked', 'service.operation_started', 'service.suspended'],
    leaves: closed,
    calls: ['asked', 'shut', 'told'],
    rows: ['', ':agreed', ':closed'],
    least: 12,
  },
  {
    title: 'cancel while it waits',
    ask: request({}, serviceName, cancelWaiting),
    insist: cancelWaiting,
    events: ['service.requested', 'service.cancel_requested', 'service.cancelled'],
    ...nothing,
    calls: ['port', 'port:compensate'],
    least: 14,
  },
  {
    title: 'cancel in the middle of a step',
    ask: request({ cancel: true }, serviceName, approve),
    insist: approve,
    events: ['service.requested', 'service.step_decided', 'service.cancel_requested', 'service.cancelled'],
    ...nothing,
    calls: ['port', 'technician', 'account', ...takenDown],
    least: 16,
    endsLike: 'provision',
  },
  {
    title: 'cancel in the middle of a change of plan',
    given: 'active',
    ask: change({ cancel: true }),
    events: ['service.operation_started', 'service.cancel_requested', 'service.cancelled'],
    leaves: up,
    calls: ['speed', 'tariff', 'tariff:compensate', 'speed:compensate'],
    rows: [''],
    least: 10,
    endsLike: 'change_plan',
  },
  {
    title: 'cancel a suspension whose reason is open',
    given: 'active, to be called off',
    ask: suspend,
    events: [
      ...(['service.blocked', 'service.operation_started', 'service.cancel_requested', 'service.unblocked'] as const),
      ...(['service.cancelled', 'service.operation_started', 'service.resumed'] as const),
    ],
    leaves: up,
    calls: ['shut', 'told', 'open', 'told'],
    runs: 2,
    rows: [''],
    least: 20,
  },
  {
    title: 'deprovision, by steps of its own',
    given: 'active',
    service: 'retrievable',
    ask: terminate,
    insist: agreedEnd,
    events: [...closing, 'service.terminated'],
    leaves: down,
    calls: ['close', 'technician', 'erase'],
    rows: [],
    least: 16,
  },
  {
    title: 'cancel in the middle of taking down',
    given: 'active, to be kept',
    service: 'retrievable',
    ask: terminate,
    insist: agreedEnd,
    events: [...closing, 'service.cancel_requested', 'service.cancelled'],
    leaves: up,
    calls: ['close', 'technician', 'erase', 'erase:compensate', 'technician:compensate', 'close:compensate'],
    rows: [''],
    least: 10,
    endsLike: 'deprovision, by steps of its own',
  },
  {
    title: 'an approval that nobody gives',
    ask: request({}, 'unapproved'),
    events: ['service.requested', 'service.failed'],
    ...nothing,
    calls: ['port', 'port:compensate'],
    least: 10,
  },
  {
    title: 'a completion that never comes',
    ask: request({}, 'unanswered'),
    events: ['service.requested', 'service.failed'],
    ...nothing,
    calls: ['port', 'technician', 'technician:compensate', 'port:compensate'],
    least: 14,
  },
  {
    title: 'retry',
    given: 'stuck',
    ask: intervene((provisioning, id) => provisioning.retry(id)),
    events: ['service.intervened', 'service.suspended'],
    ...shut,
    least: 10,
  },
  {
    title: 'skip',
    given: 'stuck',
    ask: intervene((provisioning, id) => provisioning.skip(id)),
    events: ['service.intervened', 'service.suspended'],
    leaves: closed,
    calls: ['told'],
    rows: ['', ':closed'],
    least: 8,
  },
  {
    title: 'force, completed',
    given: 'stuck',
    ask: intervene((provisioning, id) => provisioning.force(id, { outcome: 'completed' })),
    events: ['service.intervened', 'service.suspended'],
    leaves: closed,
    calls: [],
    rows: [''],
    least: 3,
  },
  {
    title: 'force, failed',
    given: 'stuck',
    ask: intervene((provisioning, id) => provisioning.force(id, { outcome: 'failed' })),
    events: ['service.intervened', 'service.failed', 'service.operation_started', 'service.suspended'],
    ...shut,
    least: 10,
  },
  {
    title: 'retry on the way back',
    given: 'stuck on its way back',
    ask: intervene((provisioning, id) => provisioning.retry(id)),
    events: ['service.intervened', 'service.failed'],
    leaves: up,
    calls: ['speed:compensate'],
    rows: [''],
    least: 6,
  },
  {
    title: 'skip on the way back',
    given: 'stuck on its way back',
    ask: intervene((provisioning, id) => provisioning.skip(id)),
    events: ['service.intervened', 'service.failed'],
    leaves: up,
    calls: [],
    rows: [''],
    least: 4,
  },
];

/** Until a second from now: anew where that was over before it was promised, for the machine paused. */
const promiseShortly: Fate['ask'] = async ({ services }, _, serviceId) => {
  for (let tries = 1; ; tries++)
    try {
      return await services.promise(serviceId, { actionType: 'abuse', until: Date.now() + 1_000 });
    } catch (error) {
      if (tries === 5 || (error as { code?: string }).code !== 'INVALID_INPUT') throw error;
    }
};
/** Two have to approve; one may have done so before a death. */
const approveByTwo = (_: LifecycleScope, serviceId: string, as: Actors) =>
  Promise.allSettled(['user:1', 'user:2'].map((actor) => approve(as(actor), serviceId)));

/** What comes of it when several have to agree: two people, the host’s hooks, the outside, and who promised to pay. */
export const agreedFates: readonly Fate[] = [
  {
    title: 'an approval by two',
    ask: async (scope, customerId, _, as) => {
      const { id } = await scope.services.request(customerId, { serviceName: 'approved by two' });
      await approveByTwo(scope, id, as);
    },
    insist: approveByTwo,
    events: ['service.requested', 'service.step_decided', 'service.step_decided', 'service.provisioned'],
    leaves: up,
    calls: ['port', 'account'],
    rows: [''],
    least: 14,
  },
  {
    title: 'steps that are looked for before they are done again',
    ask: request({}, 'reconciled'),
    events: ['service.requested', 'service.provisioned'],
    leaves: up,
    calls: ['line', 'account'],
    repeats: 0,
    rows: [''],
    least: 10,
  },
  {
    title: 'a promise that is not kept',
    given: 'promised',
    ask: promiseShortly,
    events: ['service.promised', 'service.promise_ended', 'service.operation_started', 'service.suspended'],
    ...shut,
    least: 12,
  },
  {
    title: 'a promise that is ended before its time',
    given: 'promised',
    ask: ({ services }, _, serviceId) => services.endPromise(serviceId, {}),
    events: ['service.promise_ended', 'service.operation_started', 'service.suspended'],
    ...shut,
    least: 10,
  },
  {
    title: 'provision, with hooks',
    hooked: true,
    ask: request({}, serviceName, approve),
    insist: approve,
    events: ['service.requested', 'service.step_decided', 'service.provisioned'],
    leaves: up,
    calls: ['asked', 'port', 'technician', 'account'],
    rows: ['', ':agreed'],
    least: 18,
  },
  {
    title: 'change_plan, failing, with hooks',
    given: 'active',
    hooked: true,
    ask: change({ fail: true }),
    events: ['service.operation_started', 'service.failed'],
    leaves: up,
    calls: ['asked', 'speed', 'tariff', 'tariff:compensate', 'speed:compensate'],
    rows: [''],
    least: 12,
  },
  {
    title: 'deprovision, with hooks',
    given: 'active',
    hooked: true,
    ask: (scope, _, serviceId) => scope.services.terminate(serviceId),
    events: ['service.termination_requested', 'service.operation_started', 'service.terminated'],
    leaves: down,
    calls: ['asked', 'account', 'technician', 'port'],
    rows: [':agreed'],
    least: 12,
  },
];

/** All of them, by which a process of its own finds its own. */
export const fates = [...ownFates, ...interruptedFates, ...agreedFates];
