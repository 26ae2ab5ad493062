import type { z } from 'zod';
import { isOperationError, type OperationError } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import { shownName } from '../files/names.js';
import type { Steps } from '../files/steps.js';
import { wordedFileError } from '../files/worded-error.js';
import { forecastRotation } from '../logs/orders.js';
import { rotateLogs } from '../logs/rotate-logs.js';
import { rotationOrders } from '../logs/rotation-orders.js';
import type { RotationContext, RotationCounts, RotationFault, RotationPart } from '../logs/rotation-work.js';
import type { LogFile } from '../logs/rules.js';
import type { CheckedLog } from '../policies/check-log.js';
import { directoryResource } from '../policies/directory-resource.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { logRotationDetails, logRotationParameters } from './log-rotation.schema.js';
import { defaultRates, msFor } from './default-rates.js';
import { openPolicyRoot } from './open-policy-root.js';
import type { policyOutcome } from './parameters.js';
import { planned, type PlannedTarget } from './plan.js';
import { planEach } from './plan-each.js';
import { setback } from './setback.js';
import { defineMaintenanceTask, type PlanContext, type TaskContext } from './task.js';

type Parameters = z.output<typeof logRotationParameters>;

const nothing: RotationCounts = { seen: 0, rotated: 0, compressed: 0, deleted: 0, growing: 0, odd: 0, bytesFreed: 0 };
const targetOf = ({ name }: CheckedLog, part: RotationPart): string => `logs:${name}:${part}`;

/** Rotates, compresses and retires log files in registered directories. */
export const logRotation = defineMaintenanceTask({
  type: 'log_rotation',
  name: 'Log rotation',
  scope: 'host',
  description: 'Rotates large or old logs in registered directories, compresses them and deletes those past retention',
  parameters: logRotationParameters,
  details: logRotationDetails,
  check: ({ policies }, { logs }) => unknownNames(logs, policies),
  plan(context, parameters) {
    const chosen = named(context.policies.logs, parameters.policies);
    return planEach(context, chosen, (policy) => planLogs(context, policy, parameters));
  },
  async run(context, parameters) {
    const policies = [];
    const faults: RotationFault[] = [];
    let fault: OperationError | undefined;
    const chosen = named(context.policies.logs, parameters.policies);
    for (const policy of chosen) {
      // What is amiss with one is told in its turn.
      const foreseen = await planLogs(context, policy, parameters).catch(() => []);
      for (const { target, items } of foreseen) context.expect(target, items);
    }
    for (const policy of chosen) {
      if (context.isOver) break;
      const done = await rotateOne(context, policy, parameters).catch((error: unknown) => {
        const ended = setback(context, policy.name, error);
        fault ??= ended.fault;
        return { outcome: ended.outcome, counts: nothing, faults: [] };
      });
      if (!context.isOver) for (const part of parts) context.expect(targetOf(policy, part), 0);
      policies.push({ policy: policy.name, outcome: done.outcome, ...done.counts } as const);
      for (const fault of done.faults) context.note(`${policy.name}: ${worded(fault)}`);
      faults.push(...done.faults);
    }
    const [first] = faults;
    const bytesFreed = policies.reduce((total, it) => total + it.bytesFreed, 0);
    return {
      space: { returnedBytes: Math.max(0, bytesFreed) },
      skipped: policies.length > 0 && policies.every(({ outcome }) => outcome === 'busy'),
      details: { policies },
      // All that could be done is done; and yet people are to know.
      fault:
        fault ??
        (first &&
          maintenanceErrors.LOG_ROTATION_INCOMPLETE(
            { faults: faults.length, first: worded(first) },
            { cause: first.error },
          )),
    };
  },
});

function worded({ what, error }: RotationFault): string {
  const reason = wordedFileError(error) ?? 'the log has the details';
  return what === 'file' ? `a file could not be worked on: ${reason}` : `${what} failed: ${reason}`;
}

const strategies: Record<RotationPart, [action: string, strategy: string]> = {
  rotate: ['rotate', 'give the log another name, or copy it and empty it; never onto a file that is there'],
  expire: ['delete', 'rotated files past the age or the number that is kept'],
  compress: ['compress', 'into a partial file, read back, named, and only then the original goes'],
  make_room: ['delete', 'the oldest rotated files, until there is room'],
};

const parts = Object.keys(strategies) as RotationPart[];

async function planLogs(context: PlanContext, policy: CheckedLog, parameters: Parameters): Promise<PlannedTarget[]> {
  const orders = rotationOrders(policy, parameters, context.asOf);
  const { result } = await openPolicyRoot(policy, (root) => forecastRotation(root, policy, orders));
  if (!result) return [];
  const { found, rotate, expire, compress, makeRoom, exact } = result;
  const all = found.rotated.length + rotate.length;
  const { hooks: _, reopen, naming, compress: packing, ...configuration } = policy;
  const told = typeof reopen === 'function' ? 'function' : reopen;
  const compression = [packing.level, packing.delay, packing.codec.suffix];
  const fingerprinted = [configuration, parameters, naming.format, told, compression];
  const part = (name: RotationPart, files: readonly LogFile[], total: number, isExact = true): PlannedTarget[] => {
    const [action, strategy] = strategies[name];
    if (files.length === 0 && name !== 'rotate') return [];
    const size = files.reduce((sum, { facts }) => sum + facts.diskBytes, 0);
    const estimatedMs =
      name === 'compress'
        ? msFor(size, defaultRates.compressed)
        : msFor(files.length, defaultRates[name === 'rotate' ? 'logs' : 'files']);
    const sample = files.slice(0, 10).map((file) => shownName(file.name));
    const target = {
      target: targetOf(policy, name),
      action,
      strategy,
      items: files.length,
      total,
      sample,
      estimatedMs,
    };
    return [planned({ ...target, exact: isExact, ...roomOf(name, size) }, fingerprinted)];
  };
  return [
    ...part('rotate', rotate, found.logs.length),
    ...part('expire', expire, all),
    ...part('compress', compress, all),
    ...part('make_room', makeRoom, all, exact),
  ];
}

/** Text comes out of gzip at about a fifth. */
const packedShare = 0.2;

function roomOf(part: RotationPart, size: number): Pick<PlannedTarget, 'bytes' | 'bytesFrom'> {
  if (part === 'compress') return { bytes: Math.round(size * (1 - packedShare)), bytesFrom: 'estimated' };
  return { bytes: part === 'rotate' ? 0 : size, bytesFrom: 'measured' };
}

const noSteps: Steps = { remaining: 0, advance: () => Promise.resolve(true) };

/** What came of one policy. */
interface Rotated {
  outcome: z.output<typeof policyOutcome>;
  counts: RotationCounts;
  faults: RotationFault[];
}

async function rotateOne(context: TaskContext, policy: CheckedLog, parameters: Parameters): Promise<Rotated> {
  const orders = rotationOrders(policy, parameters, context.asOf);
  let isWaiting = false;
  const begin: RotationContext['begin'] = async (part, planned, total, seen) => {
    const target = targetOf(policy, part);
    if (planned === 0 && part !== 'rotate') {
      context.expect(target, 0);
      return noSteps;
    }
    const destroys = part === 'expire' || part === 'make_room';
    try {
      return await context.target({ target, planned, total, seen, maxShare: destroys ? policy.maxShare : 1 });
    } catch (error) {
      if (!isOperationError(error, 'CONFIRMATION_NEEDED')) throw error;
      // The other parts have their turn.
      setback(context, policy.name, error);
      isWaiting = true;
      return noSteps;
    }
  };
  const { logger, relief, clock } = context;
  const now = (): number => clock.now();
  const note = (message: string): void => context.note(message);
  const done = await context.exclusively(directoryResource(context.policies, policy.directory), ({ signal }) =>
    openPolicyRoot(policy, (root) =>
      rotateLogs(root, policy, orders, { clock, signal, logger, now, relief, note, begin }),
    ),
  );
  const { counts, faults } = done?.result ?? { counts: nothing, faults: [] };
  const outcome = done === null ? 'busy' : isWaiting ? 'unconfirmed' : done.outcome;
  return { outcome, counts, faults };
}
