import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePolicies, securitySources, type PackagePolicy } from './apt-policy.js';
import { PackageManagerError, type PackageManager, type PendingUpdate } from './package-manager.js';
import { ProgramError, runProgram, type ProgramEnd } from './run-program.js';
import { runToItsEnd } from './run-to-its-end.js';
import { withinBudget } from './within-budget.js';

/** How apt is called. */
export interface AptOptions {
  /** Options in front of every command, as the host wrote them: `-o`, `Dir::...`. */
  options?: readonly string[];
  /** Ask the archives what is new before looking. Needs root. */
  refresh?: boolean;
}

const [lookMs, refreshMs, applyMs] = [120_000, 300_000, 3_600_000];
const unattended = { DEBIAN_FRONTEND: 'noninteractive', APT_LISTCHANGES_FRONTEND: 'none' };
/** Settings that people changed stay as they are; another that is at it is waited for. */
const applyOptions = [
  ...['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'],
  ...['-o', 'DPkg::Lock::Timeout=60'],
];

/** What was read of the lists is not kept beside them, and what was thought of them in no log. */
const dryOptions = [
  'Dir::Cache::pkgcache=',
  'Dir::Cache::srcpkgcache=',
  'Dir::Log::Planner=',
  'Dir::Log::Solver=',
].flatMap((option) => ['-o', option]);

/** The packages of a Debian or Ubuntu machine. */
export function apt({ options = [], refresh = false }: AptOptions = {}): PackageManager {
  const shown = async (running: Promise<ProgramEnd>): Promise<ProgramEnd> => {
    try {
      return await running;
    } catch (error) {
      if (error instanceof ProgramError) throw new PackageManagerError(error.message, { cause: error });
      throw error;
    }
  };
  const call = (
    program: string,
    args: readonly string[],
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<ProgramEnd> => {
    const how = { program, args: [...options, ...args], env: unattended, deadlineMs };
    return shown(runProgram({ ...how, ...(signal && { signal }) }));
  };
  const asked = async (...of: Parameters<typeof call>): Promise<string> => {
    const end = await call(...of);
    if (end.code !== 0) throw new PackageManagerError(`apt-get ${complaintOf(end)}`);
    return end.stdout;
  };
  const simulated = (command: readonly string[], signal?: AbortSignal): Promise<string> =>
    asked('apt-get', ['-s', '-o', 'Debug::NoLocking=true', ...command], lookMs, signal);
  const simulate = async (...of: Parameters<typeof simulated>): Promise<PendingUpdate[]> =>
    parseSimulation(await simulated(...of));
  const policies = async (
    names: readonly string[],
    args: readonly string[] = [],
    signal?: AbortSignal,
  ): Promise<Map<string, PackagePolicy>> => {
    if (names.length === 0) return new Map();
    const sources = securitySources(await asked('apt-cache', [...args, 'policy'], lookMs, signal));
    return parsePolicies(await asked('apt-cache', [...args, 'policy', ...names], lookMs, signal), sources);
  };
  return {
    async pending(signal, isDry = false) {
      const args = isDry ? dryOptions : [];
      if (refresh && !isDry) await asked('apt-get', ['update', '-qq'], refreshMs, signal);
      const free = new Set((await simulate([...args, 'upgrade'], signal)).map(({ name }) => name));
      const all = await simulate([...args, 'dist-upgrade'], signal);
      const others = all.filter(({ isSecurity }) => !isSecurity).map(({ name }) => name);
      const behind = await policies(others, args, signal);
      const said = await asked('apt-config', ['shell', 'lists', 'Dir::State::lists/d'], lookMs, signal);
      const [, lists = ''] = /^lists='(.*)'$/m.exec(said) ?? [];
      return {
        updates: all.map((it) => ({
          ...withSecurity(it, behind.get(it.name)?.security ?? null),
          isHeldBack: !free.has(it.name),
        })),
        knownAt: await newest([lists, join(lists, 'partial')]),
        restartRequired: await access('/var/run/reboot-required').then(
          () => true,
          () => false,
        ),
      };
    },
    async applySecurity(pending, most = Infinity, signal = undefined) {
      const wanted = pending.filter(({ isSecurity, isHeldBack }) => isSecurity && !isHeldBack);
      if (wanted.length === 0) return { applied: [], refused: null, left: 0 };
      const broughtBy = async (updates: readonly PendingUpdate[]): Promise<ReadonlySet<string>> =>
        installsOf(await simulated(installing(updates), signal));
      const isBounded = most !== Infinity;
      const { updates: chosen, size } = isBounded
        ? await withinBudget(most, wanted, broughtBy)
        : { updates: wanted, size: undefined };
      if (chosen.length === 0) return { applied: [], refused: null, left: wanted.length };
      const names = wanted.map(({ name }) => name);
      const automatic = (await asked('apt-mark', ['showauto', ...names], lookMs, signal)).split('\n').filter(Boolean);
      signal?.throwIfAborted();
      const args = [...options, '-y', '-q', ...applyOptions, ...installing(chosen)];
      const end = await shown(runToItsEnd({ program: 'apt-get', args, env: unattended, patienceMs: applyMs }));
      // What was there as a part of something else is to go with it one day.
      if (automatic.length > 0) await call('apt-mark', ['auto', ...automatic], lookMs);
      const now = await policies(names);
      const applied = names.filter((name, place) => now.get(name)?.installed === wanted[place]?.available);
      const left = wanted.filter((it) => !chosen.includes(it) && !applied.includes(it.name)).length;
      if (end.code === 0) return { applied, refused: null, left, installed: size };
      const fault = `apt-get ${complaintOf(end)}`;
      if (applied.length === 0) throw new PackageManagerError(fault);
      return { applied, refused: null, fault, left, installed: size };
    },
  };
}

/** Just the versions that were reported, and what they cannot be without. */
const installing = (updates: readonly PendingUpdate[]): string[] => {
  const versions = updates.map(({ name, available }) => `${name}=${available}`);
  return ['--no-remove', '--only-upgrade', 'install', ...versions];
};

/** What is simulated names the archives of the newest version alone: one of security may have been overtaken by it. */
const withSecurity = (update: PendingUpdate, version: string | null): PendingUpdate =>
  version === null ? update : { ...update, isSecurity: true, note: `${update.note}, with ${version} of security` };

const installs = /^Inst (\S+) \[([^\]]+)\] \((\S+) (.*) \[[^\]]*\]\)/;

/**
 * What `apt-get -s` would do, in the C locale: `Inst name [old] (new Origin:version/suite, ... [arch])`. An origin
 * of security makes it an update of security: Debian's `Debian-Security`, Ubuntu's suites that end in `-security`.
 */
export function parseSimulation(output: string): PendingUpdate[] {
  return output.split('\n').flatMap((line): PendingUpdate[] => {
    const [, name, current, available, origins] = installs.exec(line) ?? [];
    if (name === undefined || current === undefined || available === undefined || origins === undefined) return [];
    const isSecurity = origins.split(', ').some((it) => /security/i.test(it));
    return [{ name, current, available, isSecurity, severity: null, isHeldBack: false, note: origins }];
  });
}

/** How many packages a simulation would put there, be they there already or not. */
const installsOf = (output: string): ReadonlySet<string> =>
  new Set([...output.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name));

/** apt's own last word, without the paths and addresses that it may name. */
function complaintOf({ code, stderr }: ProgramEnd): string {
  const errors = stderr.split('\n').filter((line) => line.startsWith('E: '));
  const known: readonly [RegExp, string][] = [
    [/could not get lock|unable to (acquire|lock)/i, 'found another at work'],
    [/are you root|permission denied/i, 'may not do that: it wants to be root'],
    [/dpkg was interrupted/i, 'was interrupted earlier: run dpkg --configure -a'],
    [/packages need to be removed|remove is disabled/i, 'would have to remove packages, and does not'],
    [/failed to fetch|could not resolve|temporary failure/i, 'could not reach its archives'],
    [/no space left/i, 'found no room on the disk'],
  ];
  const word = known.find(([saying]) => errors.some((it) => saying.test(it)) || saying.test(stderr))?.[1];
  return word ?? `ended with code ${code}`;
}

async function newest(paths: readonly string[]): Promise<number | null> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.round(Math.max(...times)) || null;
}
