import { z } from 'zod';
import { lacksDevelopment } from './npm-tree.js';
import { PackageManagerError, type PackageManager, type PendingUpdate } from './package-manager.js';
import { ProgramError, runProgram } from './run-program.js';

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
  const ask = async (args: readonly string[], deadlineMs: number, signal?: AbortSignal): Promise<unknown> => {
    try {
      const call = { program: 'npm', args: [...args, ...quiet, ...options], cwd: directory, deadlineMs };
      // Its code says whether it found something.
      const { stdout } = await runProgram({ ...call, ...(signal && { signal }) });
      return JSON.parse(stdout || '{}');
    } catch (error) {
      if (error instanceof ProgramError) throw new PackageManagerError(error.message, { cause: error });
      if (error instanceof SyntaxError) throw new PackageManagerError('npm said what is no JSON');
      throw error;
    }
  };
  // Nothing of this process's environment, such as NODE_ENV, says that a project goes without them.
  const omitted = async (): Promise<string[]> => ((await lacksDevelopment(directory)) ? ['--omit=dev'] : []);
  const audit = async (omit: readonly string[], signal?: AbortSignal): Promise<PendingUpdate[]> => {
    const said = await ask(['audit', ...omit], lookMs, signal);
    const report = auditReport.safeParse(said);
    if (!report.success) throw new PackageManagerError(complaintOf(said));
    return Object.values(report.data.vulnerabilities).map(updateOf);
  };
  return {
    async pending(signal) {
      const faults = await audit(await omitted(), signal);
      const names = new Set(faults.map(({ name }) => name));
      const older = outdatedReport.safeParse(await ask(['outdated'], lookMs, signal)).data ?? {};
      const updates = Object.entries(older).flatMap(([name, it]): PendingUpdate[] => {
        const { current, wanted } = (Array.isArray(it) ? it[0] : it) ?? {};
        if (names.has(name) || current === undefined || wanted === undefined || current === wanted) return [];
        return [{ name, current, available: wanted, isSecurity: false, severity: null, isHeldBack: false, note: null }];
      });
      return { updates: [...faults, ...updates], knownAt: null, restartRequired: false };
    },
    async applySecurity(pending) {
      if (!pending.some(({ isSecurity }) => isSecurity)) return { applied: [], refused: null };
      const omit = await omitted();
      // Within the ranges that the project asks for; scripts of packages are not run.
      const said = await ask(['audit', 'fix', '--ignore-scripts', ...omit], applyMs);
      if (failure.safeParse(said).success) throw new PackageManagerError(complaintOf(said));
      const left = new Set((await audit(omit)).map(({ name }) => name));
      const wanted = pending.filter(({ isSecurity }) => isSecurity).map(({ name }) => name);
      const waiting = wanted.filter((name) => left.has(name));
      return {
        applied: wanted.filter((name) => !left.has(name)),
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
