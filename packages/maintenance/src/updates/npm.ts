import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { holdDirectory } from './hold-directory.js';
import { scratchPrefixes } from './left-scratch.js';
import { lacksDevelopment } from './npm-tree.js';
import {
  PackageManagerError,
  type PackageManager,
  type PendingUpdate,
  type PendingUpdates,
} from './package-manager.js';
import { ProgramError, runProgram, type ProgramEnd } from './run-program.js';
import { runToItsEnd } from './run-to-its-end.js';

const [lookMs, applyMs] = [120_000, 1_800_000];
const quiet = ['--json', '--no-fund', '--no-update-notifier', '--loglevel=error', '--fetch-retries=1'];

const severity = z.enum(['info', 'low', 'moderate', 'high', 'critical']);
const advisory = z.object({ title: z.string().catch(''), severity: severity.catch('low') });
const auditReport = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      name: z.string(),
      severity,
      range: z.string().catch(''),
      via: z.array(z.union([z.string(), advisory])).catch([]),
      fixAvailable: z
        .union([
          z.boolean(),
          z.object({ name: z.string(), version: z.string(), isSemVerMajor: z.boolean().catch(false) }),
        ])
        .catch(false),
    }),
  ),
});
const failure = z.object({ error: z.object({}) });
const outdated = z.object({
  current: z.string().optional(),
  wanted: z.string().optional(),
  latest: z.string().optional(),
});
const outdatedReport = z.record(z.string(), z.union([outdated, z.array(outdated)]));

/** The packages of the project in a directory, by its lock file. */
export function npm({ directory, options = [] }: { directory: string; options?: readonly string[] }): PackageManager {
  const calling = (args: readonly string[]) => {
    return { program: 'npm', args: [...args, ...quiet, ...options], cwd: directory };
  };
  const said = async (running: Promise<ProgramEnd>): Promise<unknown> => {
    try {
      // Its code says whether it found something.
      return JSON.parse((await running).stdout || '{}');
    } catch (error) {
      if (error instanceof ProgramError) throw new PackageManagerError(error.message, { cause: error });
      if (error instanceof SyntaxError) throw new PackageManagerError('npm said what is no JSON');
      throw error;
    }
  };
  const ask = (args: readonly string[], deadlineMs: number, signal?: AbortSignal): Promise<unknown> =>
    said(runProgram({ ...calling(args), deadlineMs, ...(signal && { signal }) }));
  // Nothing of this process's environment, such as NODE_ENV, says that a project goes without them.
  const omitted = async (): Promise<string[]> => ((await lacksDevelopment(directory)) ? ['--omit=dev'] : []);
  const audit = async (args: readonly string[], signal?: AbortSignal): Promise<PendingUpdate[]> => {
    const answer = await ask(['audit', ...args], lookMs, signal);
    const report = auditReport.safeParse(answer);
    if (!report.success) throw new PackageManagerError(complaintOf(answer));
    return Object.values(report.data.vulnerabilities).map(updateOf);
  };
  const look = async (signal: AbortSignal, args: readonly string[]): Promise<PendingUpdates> => {
    const faults = await audit([...(await omitted()), ...args], signal);
    const names = new Set(faults.map(({ name }) => name));
    const older = outdatedReport.safeParse(await ask(['outdated', ...args], lookMs, signal)).data ?? {};
    const updates = Object.entries(older).flatMap(([name, it]): PendingUpdate[] => {
      const { current, wanted } = (Array.isArray(it) ? it[0] : it) ?? {};
      if (names.has(name) || current === undefined || wanted === undefined || current === wanted) return [];
      return [{ name, current, available: wanted, isSecurity: false, severity: null, isHeldBack: false, note: null }];
    });
    return { updates: [...faults, ...updates], knownAt: null, restartRequired: false };
  };
  return {
    async pending(signal, isDry = false) {
      if (!isDry) return look(signal, []);
      // npm keeps what it is told, and a log of each call.
      const cache = await mkdtemp(join(tmpdir(), scratchPrefixes.npmCache));
      try {
        return await look(signal, [`--cache=${cache}`, '--logs-max=0']);
      } finally {
        await rm(cache, { recursive: true, force: true });
      }
    },
    async applySecurity(pending, most = Infinity) {
      const mendable = pending.filter(({ isSecurity, isHeldBack }) => isSecurity && !isHeldBack);
      if (!pending.some(({ isSecurity }) => isSecurity)) return { applied: [], refused: null, left: 0 };
      // It mends all that it can, or nothing.
      if (mendable.length > most) return { applied: [], refused: null, left: mendable.length };
      const omit = await omitted();
      // Within the ranges that the project asks for; scripts of packages are not run.
      const fixing = calling(['audit', 'fix', '--ignore-scripts', ...omit]);
      // npm itself lets a second one begin beside the first, be that of a process that has died.
      const fixed = holdDirectory(directory).then((holds) => runToItsEnd({ ...fixing, patienceMs: applyMs, holds }));
      const answer = await said(fixed);
      if (failure.safeParse(answer).success) throw new PackageManagerError(complaintOf(answer));
      const left = new Set((await audit(omit)).map(({ name }) => name));
      const wanted = pending.filter(({ isSecurity }) => isSecurity).map(({ name }) => name);
      const waiting = wanted.filter((name) => left.has(name));
      return {
        applied: wanted.filter((name) => !left.has(name)),
        left: 0,
        refused:
          waiting.length === 0 ? null : `no version in the range that the project asks for mends ${waiting.join(', ')}`,
      };
    },
  };
}

function updateOf(it: z.output<typeof auditReport>['vulnerabilities'][string]): PendingUpdate {
  const { name, via, range, fixAvailable } = it;
  const titles = via.flatMap((cause) => (typeof cause === 'string' ? [`through ${cause}`] : [cause.title]));
  const isMajor = typeof fixAvailable === 'object' && fixAvailable.isSemVerMajor;
  const fix =
    fixAvailable === false ? 'there is no mended version' : isMajor ? 'the mended version is a new major one' : null;
  return {
    name,
    current: range === '' ? null : range,
    available: typeof fixAvailable === 'object' && fixAvailable.name === name ? fixAvailable.version : null,
    isSecurity: true,
    severity: it.severity === 'info' ? 'low' : it.severity,
    isHeldBack: fix !== null,
    note:
      [...titles, fix]
        .filter((text) => text !== null && text !== '')
        .join('; ')
        .slice(0, 300) || null,
  };
}

/** npm's error, by its code: its words name addresses. */
function complaintOf(said: unknown): string {
  const { error } = (said ?? {}) as { error?: { code?: unknown } };
  const code = typeof error?.code === 'string' && /^[A-Z0-9_]{2,40}$/.test(error.code) ? error.code : null;
  if (code === 'ENOLOCK') return 'npm finds no lock file: without it nobody knows what is installed';
  return code === null ? 'npm did not report' : `npm failed with ${code}`;
}
