import { z } from 'zod';
import { named, unknownNames } from '../policies/policy-set.js';
import { removeLeftScratch } from '../updates/left-scratch.js';
import { policies } from './parameters.js';
import { defaultRates, msFor } from './default-rates.js';
import { planned } from './plan.js';
import { planEach } from './plan-each.js';
import { defineMaintenanceTask } from './task.js';
import {
  ageOf,
  look,
  nothingPending,
  updatePackages,
  updateReport,
  wantedOf,
  warningsOf,
  type Updated,
} from './update-packages.js';

const parameters = z.object({
  policies,
  apply: z
    .boolean()
    .default(false)
    .describe('Apply updates of security, by the policies that allow it; otherwise they are reported'),
});

/** Updates of the packages of this machine, and of the projects on it. */
export const securityUpdates = defineMaintenanceTask({
  type: 'security_updates',
  name: 'Security updates',
  description: 'Reports pending updates of apt and npm packages; applies those of security where the host allows it',
  scope: 'host',
  parameters,
  details: z.object({ policies: z.array(updateReport) }),
  check: ({ policies: names, apply }, { updates }) => [
    ...unknownNames(updates, names),
    ...(apply && !named(updates, names).some((policy) => policy.apply === 'security')
      ? [{ path: 'apply', message: 'The host lets no run apply these updates' }]
      : []),
  ],
  plan(context, { policies: names, apply }) {
    return planEach(context, named(context.policies.updates, names), async (policy) => {
      const pending = await look(context, policy);
      const applies = apply && policy.apply === 'security';
      const wanted = wantedOf(pending);
      const target = planned(
        {
          target: `packages:${policy.name}`,
          action: applies ? 'update' : 'report',
          items: applies ? wanted.length : 0,
          total: pending.updates.length,
          estimatedMs: applies ? msFor(wanted.length, defaultRates.packages) : 0,
          sample: wanted.slice(0, 10).map(({ name }) => name),
          strategy: applies ? 'updates of security, removing nothing' : 'pending updates are reported',
        },
        [policy.manager, policy.directory, policy.apply, policy.options, policy.refresh],
      );
      const warnings = [...ageOf(policy, pending), ...warningsOf(policy, pending, context.asOf)];
      return { targets: [target], warnings };
    });
  },
  async run(context, { policies: names, apply }) {
    await removeLeftScratch(context.clock.now());
    const all: Updated[] = [];
    const chosen = named(context.policies.updates, names);
    for (const policy of chosen) context.expect(`packages:${policy.name}`, null);
    for (const policy of chosen) {
      if (context.isOver) break;
      const updating = context.exclusively(`packages:${policy.manager}:${policy.directory ?? ''}`, ({ signal }) =>
        updatePackages({ ...context, signal }, policy, apply),
      );
      all.push((await updating) ?? { report: { ...nothingPending(policy), outcome: 'busy' } });
      context.expect(`packages:${policy.name}`, 0);
    }
    return {
      fault: all.find(({ fault }) => fault !== undefined)?.fault,
      overBudget: all.some(({ overBudget }) => overBudget === true),
      skipped: all.length > 0 && all.every(({ report }) => report.outcome === 'busy'),
      details: { policies: all.map(({ report }) => report) },
    };
  },
});
