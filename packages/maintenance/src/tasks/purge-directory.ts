import { clearRoom, measureRoom, type RoomRules } from '../files/make-room.js';
import { noRelief, type Relief } from '../files/steps.js';
import type { OpenRoot } from '../files/root.js';
import type { Swept } from '../files/sweep.js';
import { directoryResource } from '../policies/directory-resource.js';
import type { CheckedDirectory } from '../policies/check-directory.js';
import { defaultRates, msFor } from './default-rates.js';
import { openPolicyRoot } from './open-policy-root.js';
import { planned, type PlannedTarget } from './plan.js';
import { nothingPurged, type PurgeReport } from './purge-report.js';
import type { PlanContext, TaskContext } from './task.js';

/** What a request may say about directories, in the place of what the policy does. */
export interface DirectoryRequest {
  maxAgeDays?: number | undefined;
  maxSizeMb?: number | undefined;
  minFreePercent?: number | undefined;
}

const [dayMs, minuteMs, megabyte] = [86_400_000, 60_000, 1_048_576];

/** What is to go, as the request says, else as the policy does. */
function rulesOf(policy: CheckedDirectory, request: DirectoryRequest, asOf: number): RoomRules {
  const maxAgeDays = request.maxAgeDays ?? policy.maxAgeDays;
  const maxSizeMb = request.maxSizeMb ?? policy.maxSizeMb;
  const minFreePercent = request.minFreePercent ?? policy.minFreePercent;
  const { ageBy, exclude, links, minAgeMinutes } = policy;
  return {
    cutoff: maxAgeDays === undefined ? undefined : asOf - maxAgeDays * dayMs,
    maxBytes: maxSizeMb === undefined ? undefined : maxSizeMb * megabyte,
    minFree: minFreePercent === undefined ? undefined : { share: minFreePercent / 100 },
    floor: asOf - minAgeMinutes * minuteMs,
    ageBy,
    exclude,
    links,
  };
}

interface Forecast extends Swept {
  sample: string[];
  cutoff: number;
  beyond: number;
  /** Room that is not to be had. Bytes. */
  missing: number;
}

/** Runs wait while the application is under pressure; plans do not. */
type Looking = Pick<PlanContext, 'clock' | 'signal'> & { relief?: Relief };

/** What would go. Holds no names, but for a few. */
async function forecast(
  root: OpenRoot,
  rules: RoomRules,
  { clock, signal, relief = noRelief }: Looking,
): Promise<Forecast> {
  const counted: Swept & { sample: string[] } = { ...nothingPurged, sample: [] };
  const looking = { clock, signal, relief, most: () => Infinity };
  const room = await untilWhen(root, rules, looking);
  const step = async ({ seen, removed, bytes }: Swept, sample: string[]): Promise<boolean> => {
    counted.seen += seen;
    counted.removed += removed;
    counted.bytes += bytes;
    if (counted.sample.length < 10) counted.sample.push(...sample.slice(0, 10 - counted.sample.length));
    await relief();
    return true;
  };
  await clearRoom(root, rules, room, { ...looking, step }, false);
  return { ...counted, ...room };
}

/** Where age alone decides, nothing has to be measured. */
async function untilWhen(
  root: OpenRoot,
  rules: RoomRules,
  looking: Looking,
): Promise<{ cutoff: number; beyond: number; missing: number }> {
  const { cutoff = -Infinity, maxBytes, minFree } = rules;
  if (maxBytes === undefined && minFree === undefined) return { cutoff, beyond: 0, missing: 0 };
  const { cutoff: until, beyond, missing } = await measureRoom(root, rules, looking);
  return { cutoff: until, beyond, missing };
}

const targetOf = ({ name }: CheckedDirectory): string => `directory:${name}`;
const missingRoom = ({ name }: CheckedDirectory, bytes: number): string =>
  `${name} is short of ${Math.ceil(bytes / megabyte)} MiB that younger files take.`;

/** What would go of one policy's directory. */
export async function planDirectory(
  context: PlanContext,
  policy: CheckedDirectory,
  request: DirectoryRequest,
): Promise<PlannedTarget> {
  const rules = rulesOf(policy, request, context.asOf);
  const { result } = await openPolicyRoot(
    policy,
    (root) => forecast(root, rules, { clock: context.clock, signal: context.signal }),
    true,
  );
  const { seen, removed, bytes, sample, missing } = result ?? { ...nothingPurged, sample: [], missing: 0 };
  const strategies = [
    ...(rules.cutoff === undefined ? [] : ['files that nobody used since the cutoff']),
    ...(rules.maxBytes === undefined && rules.minFree === undefined
      ? []
      : ['the least recently used, for the sake of room']),
    ...(missing > 0 ? [missingRoom(policy, missing)] : []),
  ];
  const estimatedMs = msFor(seen, defaultRates.files);
  const found = { target: targetOf(policy), items: removed, total: seen, toSee: seen, bytes, sample, estimatedMs };
  return planned({ ...found, action: 'delete', strategy: strategies.join('; ') }, [policy, request]);
}

/** Removes what is to go of one policy's directory. */
export async function purgeDirectory(
  context: TaskContext,
  policy: CheckedDirectory,
  request: DirectoryRequest,
): Promise<PurgeReport> {
  const purged = await context.exclusively(directoryResource(context.policies, policy.directory), ({ signal }) =>
    openPolicyRoot(policy, (root) => purge({ ...context, signal }, root, policy, request), true),
  );
  const { complete, seen, removed, bytes } = purged?.result ?? { ...nothingPurged, complete: true };
  const outcome = purged === null ? 'busy' : complete ? purged.outcome : 'partial';
  return { policy: policy.name, kind: 'directory', outcome, seen, removed, bytes, bytesApproximate: false };
}

async function purge(
  context: TaskContext,
  root: OpenRoot,
  policy: CheckedDirectory,
  request: DirectoryRequest,
): Promise<Swept & { complete: boolean }> {
  const rules = rulesOf(policy, request, context.asOf);
  const { maxShare } = policy;
  // What may go as a whole need not be counted before.
  const expected = maxShare < 1 ? await forecast(root, rules, context) : null;
  const room = expected ?? (await untilWhen(root, rules, context));
  const planned = expected?.removed ?? null;
  const seen = expected?.seen ?? null;
  const progress = await context.target({ target: targetOf(policy), planned, total: seen, toSee: seen, maxShare });
  const total: Swept = { ...nothingPurged };
  if (progress.isDone) return { ...total, complete: true };
  if (room.missing > 0) context.note(missingRoom(policy, room.missing));
  const step = ({ seen, removed, bytes }: Swept): Promise<boolean> => {
    total.seen += seen;
    total.removed += removed;
    total.bytes += bytes;
    return progress.advance({ seen, cleaned: removed, bytes });
  };
  const { clock, signal } = context;
  const outcome = await clearRoom(root, rules, room, { clock, signal, step, most: () => progress.remaining }, true);
  if (outcome.directoriesLeft > 0)
    context.note(
      `${outcome.directoriesLeft} directories of ${policy.name} are locked, mounted, too deep or not to be read.`,
    );
  if (outcome.filesLeft > 0)
    context.note(
      `${outcome.filesLeft} files of ${policy.name} stay: this process may not look at them, or remove them.`,
    );
  if (outcome.complete) progress.done();
  return { ...total, complete: outcome.complete };
}
