import { z } from 'zod';
import { maintenanceErrors } from '../errors.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { policies } from './parameters.js';
import { defaultRates, msFor } from './default-rates.js';
import { planned, type PlannedTarget } from './plan.js';
import { defineMaintenanceTask } from './task.js';
import {
  look,
  nothingPending,
  updatePackages,
  updateReport,
  wantedOf,
  warningsOf,
  type UpdateReport,
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
  async plan(context, { policies: names, apply }) {
    const targets: PlannedTarget[] = [];
    const warnings: string[] = [];
    for (const policy of named(context.policies.updates, names)) {
      const pending = await look(context, policy);
      const applies = apply && policy.apply === 'security';
      const wanted = wantedOf(pending);
      targets.push(
        planned(
          {
            target: `packages:${policy.name}`,
            action: applies ? 'update' : 'report',
            items: applies ? wanted.length : 0,
            total: pending.updates.length,
            estimatedMs: applies ? msFor(wanted.length, defaultRates.packages) : 0,
            sample: wanted.slice(0, 10).map(({ name }) => name),
            strategy: applies ? 'updates of security, removing nothing' : 'pending updates are reported',
          },
          [policy.manager, policy.directory, policy.apply],
        ),
      );
      warnings.push(...warningsOf(policy, pending, context.asOf));
    }
    return { targets, warnings };
  },
  async run(context, { policies: names, apply }) {
    const reports: UpdateReport[] = [];
    const chosen = named(context.policies.updates, names);
    for (const policy of chosen) context.expect(`packages:${policy.name}`, null);
    for (const policy of chosen) {
      if (context.isOver) break;
      const updating = context.exclusively(`packages:${policy.manager}:${policy.directory ?? ''}`, () =>
        updatePackages(context, policy, apply),
      );
      reports.push((await updating) ?? { ...nothingPending(policy), outcome: 'busy' });
      context.expect(`packages:${policy.name}`, 0);
    }
    const failed = reports.find(({ outcome }) => outcome === 'failed');
    if (failed && reports.every(({ outcome }) => outcome === 'failed'))
      throw maintenanceErrors.PACKAGES_NOT_READ({ policy: failed.policy, reason: failed.reason ?? 'unknown' });
    const isBusy = reports.length > 0 && reports.every(({ outcome }) => outcome === 'busy');
    return { skipped: isBusy, details: { policies: reports } };
  },
});
