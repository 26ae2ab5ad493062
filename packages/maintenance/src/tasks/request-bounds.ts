import type { InputIssue } from '@dotmac/core';
import { wireName } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import { named, type PolicySet } from '../policies/policy-set.js';

type Kind = 'retention' | 'logs' | 'directoryCaches' | 'directories';

/** A parameter of which one direction is the more careful, and how far a request may go in the other. */
interface RequestBound {
  parameter: string;
  /** Whether more of it, or less, lets more stay. */
  careful: 'more' | 'less';
  /** The limit of each policy of those names. Infinity: it does not go by the parameter. */
  limits(policies: PolicySet, names: readonly string[] | undefined): { policy: string; limit: number }[];
  /** The field of a policy by which the host allows more. */
  option: string;
}

function bound<K extends Kind>(
  kind: K,
  parameter: string,
  limitOf: (policy: PolicySet[K][number], isNamed: boolean) => number,
  how: Partial<Pick<RequestBound, 'careful' | 'option'>> = {},
): RequestBound {
  return {
    parameter,
    careful: 'more',
    option: `requestLimits.${parameter}`,
    limits: (policies, names) =>
      named<PolicySet[K][number]>(policies[kind], names).map((policy) => ({
        policy: policy.name,
        limit: limitOf(policy, names !== undefined),
      })),
    ...how,
  };
}

/**
 * What requests may not say less carefully than the host's code, by type of task. Parameters that are not here take
 * nothing away (`dryRun`, budgets, what only measures), or have a check of their own (`apply`).
 */
const requestBounds: Readonly<Record<string, readonly RequestBound[]>> = {
  database_cleanup: [
    bound(
      'retention',
      'retentionDays',
      ({ minRetentionDays, keepsOwnDays }, isNamed) => (keepsOwnDays && !isNamed ? 0 : minRetentionDays),
      { option: 'minRetentionDays' },
    ),
  ],
  log_rotation: [
    bound('logs', 'maxSizeMb', (it) => it.requestLimits.maxSizeMb),
    bound('logs', 'maxAgeDays', (it) => it.requestLimits.maxAgeDays),
  ],
  cache_cleanup: [bound('directoryCaches', 'maxAgeDays', (it) => it.requestLimits.maxAgeDays)],
  disk_cleanup: [
    bound('directories', 'maxAgeDays', (it) => it.requestLimits.maxAgeDays),
    bound('directories', 'maxSizeMb', (it) => it.requestLimits.maxSizeMb),
    bound('directories', 'minFreePercent', (it) => it.requestLimits.minFreePercent, { careful: 'less' }),
  ],
};

/** How far requests may go for the policy of that name. */
export function requestLimitsOf(
  type: string,
  policies: PolicySet,
  name: string,
): (Pick<RequestBound, 'parameter' | 'careful'> & { limit: number })[] {
  return (requestBounds[type] ?? []).flatMap(({ parameter, careful, limits }) =>
    limits(policies, [name]).map(({ limit }) => ({ parameter, careful, limit })),
  );
}

type Given = Readonly<Record<string, unknown>> & { policies?: readonly string[] };

/**
 * Refuses parameters that are less careful than the policies they are for.
 * @param at what the paths of issues begin with
 * @throws POLICY_UNDERCUT naming each parameter, policy and limit, and how the host allows more
 */
export function checkRequestBounds(type: string, parameters: unknown, policies: PolicySet, at: string): void {
  const given = parameters as Given;
  const issues = (requestBounds[type] ?? []).flatMap((it) => undercut(it, given, policies, at));
  const [first] = issues;
  if (first) throw maintenanceErrors.POLICY_UNDERCUT({ faults: issues.length, first: first.message }, { issues });
}

function undercut(it: RequestBound, given: Given, policies: PolicySet, at: string): InputIssue[] {
  const { careful, limits, option } = it;
  const [value, path] = [given[it.parameter], wireName(it.parameter)];
  if (typeof value !== 'number') return [];
  return limits(policies, given.policies)
    .filter(({ limit }) => (careful === 'more' ? value < limit : value > limit))
    .map(({ policy, limit }) => {
      const allows = Number.isFinite(limit) ? `takes ${limit} or ${careful}` : 'does not go by it';
      const message = `${path} is ${value}; the policy ${policy} ${allows}, unless the host says otherwise by its ${option}`;
      return { path: `${at}${path}`, message };
    });
}
