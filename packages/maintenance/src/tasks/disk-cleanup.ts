import { named, unknownNames } from '../policies/policy-set.js';
import { cacheCleanupDetails, diskCleanupParameters } from './cache-cleanup.schema.js';
import { planEach } from './plan-each.js';
import { planDirectory, purgeDirectory } from './purge-directory.js';
import { purgeEach } from './purge-each.js';
import { defineMaintenanceTask } from './task.js';

/** Removes files of registered directories that nobody used for long, or for the sake of room. */
export const diskCleanup = defineMaintenanceTask({
  type: 'disk_cleanup',
  name: 'Disk cleanup',
  description: 'Removes files from registered directories that nobody used for long, or for the sake of room',
  scope: 'host',
  parameters: diskCleanupParameters,
  details: cacheCleanupDetails,
  check: ({ policies }, { directories }) => unknownNames(directories, policies),
  plan(context, { policies, ...request }) {
    const chosen = named(context.policies.directories, policies);
    return planEach(context, chosen, async (policy) => [await planDirectory(context, policy, request)]);
  },
  async run(context, { policies, ...request }) {
    const chosen = named(context.policies.directories, policies);
    return purgeEach(
      context,
      chosen.map((policy) => ({
        policy: policy.name,
        target: `directory:${policy.name}`,
        kind: 'directory',
        run: () => purgeDirectory(context, policy, request),
      })),
    );
  },
});
