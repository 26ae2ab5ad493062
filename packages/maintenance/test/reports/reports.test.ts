import { describe, expect, it } from 'vitest';
import {
  createMaintenance,
  digestHtml,
  digestText,
  memoryMaintenanceStore,
  type Digest,
  type Run,
} from '../../src/index.js';
import { runCsv, runsCsv } from '../../src/reports/csv.js';
import { digestOf } from '../../src/reports/digest.js';
import { runHtml } from '../../src/reports/run-html.js';
import { tallyOf } from '../../src/reports/tally.js';
import { trendsOf } from '../../src/reports/trend.js';
import { runViewOf } from '../../src/runs/result.js';
import { began, ended } from '../../src/testing/samples.js';

const day = 86_400_000;
const start = Date.parse('2026-11-20T00:00:00Z');
let nextId = 0;
const run = (change: Partial<Run> = {}): Run => {
  const startedAt = change.startedAt ?? start;
  const id = `run-${String(nextId++).padStart(4, '0')}`;
  return { ...began, ...ended, id, tenantId: 'acme', startedAt, endedAt: startedAt + 2_000, ...change };
};
const nasty = `<script>alert(1)</script>"'&\u0007=cmd|' /C calc'!A0`;

describe('trends', () => {
  it('have every day of the period, those without a run too', () => {
    const tallies = tallyOf([
      run({ startedAt: start + 1 }),
      run({ startedAt: start + day - 1, endedAt: start + day + 9_999, status: 'failed' }),
      run({ startedAt: start + 2 * day }),
      run({ startedAt: start + 2 * day, dryRun: true }),
      run({ startedAt: start, status: 'running', endedAt: null }),
    ]);
    const [trend, ...others] = trendsOf(tallies, { from: start, to: start + 3 * day });
    expect(others).toEqual([]);
    expect(
      trend?.days.map((it) => [it.day, it.runs, it.failed, it.failureShare, it.itemsCleaned, it.meanSeconds]),
    ).toEqual([
      [start, 2, 1, 0.5, 10, 6],
      [start + day, 0, 0, null, 0, null],
      [start + 2 * day, 1, 0, 0, 5, 2],
    ]);
    expect(trend?.days[0]?.longestSeconds).toBe(10);
  });
});

const digest = (runs: Run[], before: Run[] = []): Digest =>
  digestOf({
    ...{ from: start, to: start + 7 * day },
    ...{ tallies: tallyOf(runs), before: tallyOf(before) },
    attention: runs.filter(({ status }) => status !== 'completed'),
  });

describe('a digest', () => {
  it('sums up, compares with the period before, and says what to look at', () => {
    const failed = run({
      task: 'backup_management',
      status: 'failed',
      errorCode: 'BACKUP_FAILED',
      errorMessage: nasty,
    });
    const made = digest([run(), run(), failed], [run({ task: 'cache_cleanup' }), run({ itemsCleaned: 20 })]);
    expect(made).toMatchObject({ runs: 3, failed: 1, itemsCleaned: 15 });
    expect(
      made.tasks.map(({ task, runs, runsBefore, itemsCleaned, itemsCleanedBefore }) => [
        task,
        runs,
        runsBefore,
        itemsCleaned,
        itemsCleanedBefore,
      ]),
    ).toEqual([
      ['backup_management', 1, 0, 5, 0],
      ['cache_cleanup', 0, 1, 0, 5],
      ['log_rotation', 2, 1, 10, 20],
    ]);
    const text = digestText(made);
    expect(text.split('\n')[0]).toBe('Maintenance: 1 of 3 runs failed');
    expect(text).toContain('did not run; once before');
    expect(text).toContain('−50 %');
    expect(text).not.toContain('\u0007');
    const html = digestHtml(made);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
    expect(html).not.toContain('<script');
  });

  it.each<[string, Run[]]>([
    ['Maintenance: nothing ran', []],
    ['Maintenance: 1 run, none failed', [run()]],
    ['Maintenance: 2 runs, none failed, 1 to be confirmed', [run(), run({ status: 'needs_confirmation' })]],
  ])('is headed "%s"', (headline, runs) => {
    expect(digestText(digest(runs)).split('\n')[0]).toBe(headline);
  });
});

describe('a report', () => {
  const reported = runViewOf(
    run({
      ...{
        status: 'failed',
        stopReason: 'error',
        errorMessage: nasty,
        actor: '=1+1',
        parameters: { policies: [nasty] },
      },
      details: {
        policies: [
          { policy: 'a', rows: 12_345, nested: { [nasty]: [1, 2] } },
          { policy: nasty, rows: 2 },
        ],
      },
      log: [{ at: start, message: nasty }],
    }),
  );

  it('is a page in which nothing of others is markup', () => {
    const html = runHtml(reported);
    expect(html).not.toContain('<script');
    expect(html.match(/&lt;script&gt;/g)?.length).toBeGreaterThanOrEqual(5);
    expect(html).toContain('12,345');
    // Every element that is opened is closed.
    const [opened, closed] = [/<(?!\/|!|meta)[a-z]/g, /<\//g].map((it) => html.match(it)?.length);
    expect(opened).toBe(closed);
  });

  it('is a table in which no text is a formula', () => {
    const csv = runCsv(reported);
    expect(csv).toContain(`actor,"'=1+1"\r\n`);
    expect(csv).toContain('details.policies.0.rows,12345\r\n');
    for (const line of csv.split('\r\n')) expect(line).not.toMatch(/,"?[=+@]/);
    const [head, first] = runsCsv([reported]).split('\r\n');
    expect(head?.split(',').slice(0, 4)).toEqual(['task_id', 'task_name', 'status', 'stop_reason']);
    expect(first).toContain(',failed,error,2026-11-20T00:00:00.000Z,2026-11-20T00:00:02.000Z,2,7,5,');
  });

  it('is there for every run of the tenant, and for no other’s', async () => {
    const maintenance = createMaintenance({ store: memoryMaintenanceStore() });
    const [mine, other] = ['acme', 'other'].map((tenantId) => maintenance.scope({ tenantId }));
    const { taskId } = await mine!.runs.run('system_monitoring', {});
    expect(await mine!.reports.runHtml(taskId)).toContain('system_monitoring');
    const { taskId: later } = await mine!.runs.run('system_monitoring', {});
    const ids = (csv: string) =>
      csv
        .trim()
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(',')[0]);
    expect(ids(await mine!.reports.runsCsv({ limit: 1 }))).toEqual([later]);
    expect(ids(await mine!.reports.runsCsv({ limit: 1, cursor: later }))).toEqual([taskId]);
    await expect(other!.reports.runHtml(taskId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(other!.reports.runCsv(taskId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect((await mine!.reports.trends({ days: 2 })).items).toMatchObject([{ days: [{ runs: 0 }, { runs: 2 }] }]);
    expect(await mine!.reports.digest({ days: 1 })).toMatchObject({ runs: 2, tasks: [{ task: 'system_monitoring' }] });
    expect((await other!.reports.digest({ days: 1 })).runs).toBe(0);
  });

  it('of a while tells of what failed or waits yet, not of what went on since, and of no dry run', async () => {
    const store = memoryMaintenanceStore();
    const { reports } = createMaintenance({ store }).scope({ tenantId: 'acme' });
    const startedAt = Date.now() - day / 2;
    const add = async (status: Run['status'], change: Partial<Run> = {}): Promise<string> => {
      const { id, ...it } = run({ status: 'running', endedAt: null, startedAt, ...change });
      await store.runs('acme').insert({ ...it, id });
      await store.runs('acme').finish(id, { ...ended, status, endedAt: startedAt + 1_000 });
      return id;
    };
    const headline = async () => digestText(await reports.digest({ days: 1 })).split('\n')[0];
    const attention = async () => (await reports.digest({ days: 1 })).attention.map(({ taskId }) => taskId);
    const [waiting, failed] = [await add('needs_confirmation'), await add('failed')];
    await add('failed', { dryRun: true });
    expect(await attention()).toEqual([failed, waiting]);
    expect(await headline()).toBe('Maintenance: 1 of 2 runs failed, 1 to be confirmed');
    for (let many = 0; many < 20; many++) await add('completed', { resumes: await add('failed') });
    await add('completed', { resumes: waiting });
    expect(await attention()).toEqual([failed]);
    expect(await headline()).toBe('Maintenance: 21 of 43 runs failed');
    const again = await add('failed', { resumes: failed });
    expect(await attention()).toEqual([again]);
  });
});
