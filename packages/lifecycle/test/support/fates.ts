import type { LifecycleEvents } from '../../src/events.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { LifecycleScope } from '../../src/lifecycle.js';

/** What is under way when a process dies, and what must come of it whoever finishes it. */
export interface Fate {
  title: string;
  /** What the customer has before: nothing, a service, or a service that is suspended. */
  given?: 'active' | 'suspended';
  /** What the process is asked; everything that follows is its own. */
  ask: (scope: LifecycleScope, customerId: string, serviceId: string) => Promise<unknown>;
  /** The service has a step that somebody must approve. */
  approved?: true;
  /** Of the same customer's history, what comes after: the last one is the end. */
  events: readonly (keyof LifecycleEvents)[];
  leaves: { status: string; access: string };
  /** What the outside is asked, each once: the steps, as the idempotency key names them. */
  calls: readonly string[];
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
const request =
  (fail: boolean): Fate['ask'] =>
  async (scope, customerId) => {
    const { id } = await scope.services.request(customerId, { serviceName, customConfig: { fail } });
    await scope.provisioning.decide(id, { step: 'boss', decision: 'approve' });
  };
const change =
  (fail: boolean): Fate['ask'] =>
  (scope, _, serviceId) =>
    scope.services.changePlan(serviceId, { customConfig: { fail } });
const takenDown = ['account:compensate', 'technician:compensate', 'port:compensate'];
const up = { status: 'active', access: 'full' };
const down = { status: 'terminated', access: 'none' };
const shut = { leaves: { status: 'suspended', access: 'suspended' }, calls: ['shut', 'told'], rows: ['', ':closed'] };
/** Taking down calls what undoes under the keys of steps of its own. */
const undone = { leaves: down, calls: ['account', 'technician', 'port'], rows: [] };

/** Everything that goes on by itself after a command, with the calls that it makes. */
export const fates: readonly Fate[] = [
  {
    title: 'provision',
    ask: request(false),
    approved: true,
    events: ['service.requested', 'service.step_decided', 'service.provisioned'],
    leaves: up,
    calls: ['port', 'technician', 'account'],
    rows: [''],
    least: 16,
  },
  {
    title: 'provision, failing',
    ask: request(true),
    approved: true,
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
    ask: (scope, _, serviceId) => scope.services.suspend(serviceId, { actionType: 'abuse' }),
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
    ask: change(false),
    events: ['service.operation_started', 'service.plan_changed'],
    leaves: up,
    calls: ['speed', 'tariff'],
    rows: ['', ':fast'],
    least: 10,
  },
  {
    title: 'change_plan, failing',
    given: 'active',
    ask: change(true),
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
