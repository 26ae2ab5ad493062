import { isOperationError } from '@dotmac/core';
import {
  clearRoom,
  measureRoom,
  refusedFiles,
  type RefusedFiles,
  type Room,
  type RoomRules,
} from '../files/make-room.js';
import { noRelief, type Relief } from '../files/steps.js';
import type { OpenRoot } from '../files/root.js';
import type { SweepOutcome, Swept } from '../files/sweep.js';
import { directoryResource } from '../policies/directory-resource.js';
import type { CheckedDirectory } from '../policies/check-directory.js';
import { defaultRates, msFor } from './default-rates.js';
import { openPolicyRoot } from './open-policy-root.js';
import { planned, type PlannedTarget } from './plan.js';
import { nothingPurged, type PurgeReport } from './purge-report.js';
import { setback } from './setback.js';
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

/** Until when files go, and how much more. */
interface Until extends Pick<Room, 'cutoff' | 'beyond' | 'missing' | 'size'> {
  /** So much is to go in all; may be below 0. Bytes. */
  excess: number;
}

interface Forecast extends Swept, Until {
  sample: string[];
}

/** Runs wait while the application is under pressure, and know what was refused; plans do not. */
type Looking = Pick<PlanContext, 'clock' | 'signal'> & { relief?: Relief; refused?: RefusedFiles };

/** What would go. Holds no names, but for a few. */
async function forecast(
  root: OpenRoot,
  rules: RoomRules,
  { clock, signal, relief = noRelief, refused }: Looking,
): Promise<Forecast> {
  const counted: Swept & { sample: string[] } = { ...nothingPurged, sample: [] };
  const looking = { clock, signal, relief, most: () => Infinity, ...(refused && { refused }) };
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
async function untilWhen(root: OpenRoot, rules: RoomRules, looking: Looking): Promise<Until> {
  const { cutoff = -Infinity, maxBytes, minFree } = rules;
  if (maxBytes === undefined && minFree === undefined)
    return { cutoff, beyond: 0, missing: 0, size: Infinity, excess: -Infinity };
  const { cutoff: until, bytes, beyond, missing, size } = await measureRoom(root, rules, looking);
  return { cutoff: until, beyond, missing, size, excess: bytes - size };
}

const targetOf = ({ name }: CheckedDirectory): string => `directory:${name}`;
const missingRoom = ({ name }: CheckedDirectory, bytes: number): string =>
  `${name} is short of ${Math.ceil(bytes / megabyte)} MiB: what takes it is younger, or stays.`;

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
    { shared: true },
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
    openPolicyRoot(policy, (root) => purge({ ...context, signal }, root, policy, request), { shared: true }),
  );
  const { complete, seen, removed, bytes } = purged?.result ?? { ...nothingPurged, complete: true };
  const outcome = purged === null ? 'busy' : complete ? purged.outcome : 'partial';
  return { policy: policy.name, kind: 'directory', outcome, seen, removed, bytes, bytesApproximate: false };
}

/** So often others are looked for in the place of what was refused. */
const mostRounds = 10;

async function purge(
  context: TaskContext,
  root: OpenRoot,
  policy: CheckedDirectory,
  request: DirectoryRequest,
): Promise<Swept & { complete: boolean }> {
  let rules = rulesOf(policy, request, context.asOf);
  const { clock, signal, relief } = context;
  const { maxShare } = policy;
  const total: Swept = { ...nothingPurged };
  const refused = refusedFiles();
  for (let round = 1; ; round++) {
    const looking = { clock, signal, relief, refused };
    // What may go as a whole need not be counted before.
    const expected = maxShare < 1 ? await forecast(root, rules, looking) : null;
    const room = expected ?? (await untilWhen(root, rules, looking));
    const size = { planned: expected && expected.removed, total: expected && total.removed + expected.seen };
    const gone = round === 1 ? undefined : total.removed;
    const toSee = expected && (round === 1 ? expected.seen : 0);
    const progress = await context
      .target({ target: targetOf(policy), ...size, gone, toSee, maxShare })
      .catch((error: unknown) => {
        // What went in the rounds before is to be reported.
        if (round === 1 || !isOperationError(error, 'CONFIRMATION_NEEDED')) throw error;
        setback(context, policy.name, error);
        return null;
      });
    if (!progress) return { ...total, complete: false };
    if (progress.isDone) return { ...total, complete: true };
    const step = ({ seen: found, removed, bytes }: Swept): Promise<boolean> => {
      // All were counted in the first round.
      const seen = round === 1 ? found : 0;
      total.seen += seen;
      total.removed += removed;
      total.bytes += bytes;
      return progress.advance({ seen, cleaned: removed, bytes });
    };
    const before = { refused: refused.count, bytes: total.bytes };
    const clearing = { clock, signal, refused, step, most: () => progress.remaining };
    const outcome = await clearRoom(root, rules, room, clearing, true);
    const isShort = refused.count > before.refused && total.bytes - before.bytes < room.excess;
    if (outcome.complete && isShort && round < mostRounds) {
      // Not by what the disk has free: it may not show yet what went.
      rules = { ...rules, minFree: undefined, maxBytes: room.size };
      continue;
    }
    if (room.missing > 0) context.note(missingRoom(policy, room.missing));
    noteWhatStays(context, policy, { ...outcome, filesLeft: before.refused + outcome.filesLeft });
    if (outcome.complete) progress.done();
    return { ...total, complete: outcome.complete };
  }
}

function noteWhatStays({ note }: TaskContext, { name }: CheckedDirectory, stays: SweepOutcome): void {
  const { directoriesLeft, filesLeft } = stays;
  if (directoriesLeft > 0)
    note(`${directoriesLeft} directories of ${name} are locked, mounted, too deep or not to be read.`);
  if (filesLeft > 0) note(`${filesLeft} files of ${name} stay: this process may not look at them, or remove them.`);
}
