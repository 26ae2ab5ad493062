import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import type { Preview } from '../customers/preview.js';
import type { HookName } from '../hooks.js';
import { phasesOf } from './explain.js';
import type { DryRun } from './explanation.js';

/** What a command would do, as it is shown. @param customer as it is; null: there is none yet */
export function shownPreview(
  context: LifecycleContext,
  customer: Customer | null,
  preview: Preview | undefined,
): DryRun {
  const { before, after, hooks, events, operations, timers } = preview ?? unchanged(customer);
  const names = new Set<HookName>([...hooks, ...operations.map(({ operation }) => `operation.${operation}` as const)]);
  return {
    allowed: true,
    code: null,
    reason: null,
    from: before?.stage ?? null,
    to: after?.stage ?? null,
    events: events.map(({ name }) => name),
    operations: operations.map(({ service, operation }) => {
      return { serviceId: service.id, serviceName: service.serviceName, operation };
    }),
    timers: [...timers.set],
    clearedTimers: [...timers.cleared],
    hooks: [...names].flatMap((hook) => phasesOf(context, hook).map((phase) => ({ hook, phase }))),
  };
}

function unchanged(customer: Customer | null): Omit<Preview, 'after'> & { after: Customer | null } {
  const timers = { set: [], cleared: [] };
  return { before: customer, after: customer, hooks: [], events: [], operations: [], timers };
}
