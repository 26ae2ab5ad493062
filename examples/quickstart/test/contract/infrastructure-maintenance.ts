import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually, type Answer } from './client.js';
import type { ContractSubject } from './subject.js';

const base = '/infrastructure-maintenance';

function assertResult({ body }: Answer): void {
  const members = [
    'task_id',
    'task_name',
    'status',
    'start_time',
    'end_time',
    'duration_seconds',
    'items_processed',
    'items_cleaned',
    'space_freed_mb',
    'error_message',
    'details',
  ];
  assert.deepEqual(
    Object.keys(body)
      .filter((it) => members.includes(it))
      .sort(),
    members.toSorted(),
  );
  assert.equal(body.status, 'completed', JSON.stringify(body));
  assert.equal(body.error_message, null);
  assertInstants(body, 'start_time', 'end_time');
  assert.ok(body.duration_seconds >= 0 && body.space_freed_mb >= 0 && body.items_cleaned <= body.items_processed);
}

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

async function oldFile(path: string, content: string, ageDays: number): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  await utimes(path, daysAgo(ageDays), daysAgo(ageDays));
}

/** `/infrastructure-maintenance`, as the contract has it. These cases share tables and files: run them one after another. */
export const infrastructureMaintenance: Suite<ContractSubject> = {
  name: 'infrastructure maintenance',
  cases: [
    {
      name: 'deletes rows past their retention, and only those',
      async run({ client, seedSessions, sessions }) {
        await seedSessions(1_234, 56);
        const before = await sessions();
        const answer = assertStatus(
          await client.post(`${base}/database/cleanup`, { retention_days: 30, vacuum_analyze: true }),
          200,
        );
        assertResult(answer);
        assert.ok(answer.body.items_cleaned >= 1_234);
        assert.equal(await sessions(), before - answer.body.items_cleaned);
        assert.ok((await sessions()) >= 56);
        const again = assertStatus(await client.post(`${base}/database/cleanup`, { retention_days: 30 }), 200);
        assert.equal(again.body.items_cleaned, 0);
      },
    },
    {
      name: 'counts without deleting when asked for a dry run',
      async run({ client, seedSessions, sessions }) {
        await seedSessions(100, 0);
        const before = await sessions();
        assertStatus(await client.post(`${base}/database/cleanup`, { retention_days: 30, dry_run: true }), 200);
        assert.equal(await sessions(), before);
      },
    },
    {
      name: 'rotates and compresses logs without losing a byte',
      async run({ client, dataDirectory, tenantId }) {
        const content = `${tenantId} line of a log\n`.repeat(100_000);
        const directory = join(dataDirectory, 'logs');
        await oldFile(join(directory, `${tenantId}.log`), content, 3);
        const answer = assertStatus(
          await client.post(`${base}/logs/rotate`, { max_size_mb: 1, compress_old_logs: true }),
          200,
        );
        assertResult(answer);
        const rotated = (await readdir(directory)).filter((it) => it.startsWith(tenantId) && it.endsWith('.gz'));
        assert.equal(rotated.length, 1);
        assert.equal(gunzipSync(await readFile(join(directory, rotated[0] ?? ''))).toString(), content);
        assert.ok(answer.body.space_freed_mb > 0.5, 'the freed bytes are measured');
      },
    },
    {
      name: 'clears stale files of the cache directory, and keeps fresh ones',
      async run({ client, dataDirectory, tenantId }) {
        const directory = join(dataDirectory, 'cache');
        await oldFile(join(directory, `${tenantId}-stale.bin`), 'x'.repeat(200_000), 400);
        await oldFile(join(directory, `${tenantId}-fresh.bin`), 'y', 0);
        const answer = assertStatus(await client.post(`${base}/cache/cleanup`, { max_age_days: 30 }), 200);
        assertResult(answer);
        const left = (await readdir(directory)).filter((it) => it.startsWith(tenantId));
        assert.deepEqual(left, [`${tenantId}-fresh.bin`]);
        assert.ok(answer.body.items_cleaned >= 1 && answer.body.space_freed_mb > 0.1);
      },
    },
    {
      name: 'updates statistics and advises on indexes',
      async run({ client }) {
        const body = { analyze_queries: true, update_statistics: true, optimize_indexes: false };
        assertResult(assertStatus(await client.post(`${base}/performance/optimize`, body), 200));
      },
    },
    {
      name: 'advises on the database with statements, and acts on what the host lets it act on',
      async run({ client }) {
        const run = (body: object) => client.post(`${base}/performance/optimize`, body);
        const answer = assertStatus(await run({ apply: ['stale_statistics'], update_statistics: false }), 200);
        assertResult(answer);
        const [database] = answer.body.details.databases;
        assert.ok(Array.isArray(database.findings) && Array.isArray(database.notes));
        for (const finding of database.findings)
          for (const member of ['id', 'kind', 'severity', 'evidence', 'risk', 'apply_sql', 'undo_sql'])
            assert.ok(member in finding, member);
        assertProblem(await run({ apply: ['bloated_index'] }), 422);
        assertProblem(await run({ apply: ['unused_index'] }), 422);
        assertProblem(await run({ tables: ['users'] }), 422);
      },
    },
    {
      name: 'measures the machine, and reports updates of those packages alone that the host registered',
      async run({ client }) {
        const run = (maintenance_type: string, parameters: object = {}) =>
          client.post(`${base}/execute`, { maintenance_type, parameters });
        const machine = assertStatus(await run('system_monitoring'), 200);
        assertResult(machine);
        assert.ok(machine.body.details.disks.length > 0 && machine.body.details.memory_total_mb > 0);
        const updates = assertStatus(await run('security_updates'), 200);
        assertResult(updates);
        assert.deepEqual(updates.body.details.policies, []);
        assertProblem(await run('security_updates', { apply: true }), 422);
        assertProblem(await run('security_updates', { policies: ['system'] }), 422);
        assertProblem(await run('security_updates', { directory: '/srv' }), 422);
      },
    },
    {
      name: 'executes a task by its type, and refuses what is none',
      async run({ client }) {
        const run = (maintenance_type: string, parameters?: object) =>
          client.post(`${base}/execute`, { maintenance_type, parameters });
        assertResult(assertStatus(await run('database_cleanup', { retention_days: 30 }), 200));
        assertProblem(await run('format_disk'), 422);
        assertProblem(await run('database_cleanup', { table: 'users' }), 422);
        assertProblem(await run('database_cleanup', { retention_days: -1 }), 422);
        assertProblem(await client.post(`${base}/database/cleanup`, { retention_days: 'all' }), 422, 'INVALID_INPUT');
      },
    },
    {
      name: 'refuses what takes less care than the host’s code, in runs, plans and schedules',
      async run({ client }) {
        const undercut = [
          { maintenance_type: 'database_cleanup', parameters: { policies: ['demo-sessions'], retention_days: 29 } },
          { maintenance_type: 'cache_cleanup', parameters: { max_age_days: 1 } },
        ];
        const ways = ['execute', 'plans', 'schedules'];
        for (const body of undercut)
          for (const way of ways) {
            const more = way === 'schedules' ? { name: 'hasty', cron: '0 3 * * *' } : {};
            const answer = await client.post(`${base}/${way}`, { ...body, ...more });
            assertProblem(answer, 422, 'POLICY_UNDERCUT');
            const [{ path, message }] = answer.body.errors;
            assert.match(path, /^parameters\.(retention_days|max_age_days)$/);
            assert.match(message, /takes (30|7) or more.* by its (minRetentionDays|requestLimits\.maxAgeDays)/);
          }
        assertProblem(await client.post(`${base}/cache/cleanup`, { max_age_days: 1 }), 422, 'POLICY_UNDERCUT');
        assertProblem(await client.get(`${base}/schedules/hasty`), 404);
      },
    },
    {
      name: 'backs its database up, and lists the backups with what keeps them',
      async run({ client, powerless }) {
        const answer = assertStatus(
          await client.post(`${base}/execute`, { maintenance_type: 'backup_management' }),
          200,
        );
        assertResult(answer);
        const [outcome] = answer.body.details.policies;
        assert.equal(outcome.backup.state, 'verified');
        const { body } = assertStatus(await client.get(`${base}/backups?limit=1`), 200);
        const [newest] = body.items;
        assert.deepEqual(
          [newest.id, newest.policy, newest.state, newest.kept],
          [outcome.backup.id, 'main', 'verified', true],
        );
        assert.ok(newest.reasons.includes('newest verified') && newest.tables > 10);
        assertInstants(newest, 'taken_at', 'verified_at');
        assertProblem(await client.get(`${base}/backups?state=lost`), 422);
        assertProblem(await powerless.get(`${base}/backups`), 403);
      },
    },
    {
      name: 'reports runs as pages and tables, their trends, and what to look at',
      async run({ client, powerless }) {
        const { body: run } = assertStatus(await client.post(`${base}/performance/optimize`, {}), 200);
        const reports: [string, string, string][] = [
          [`runs/${run.task_id}/report.html`, 'text/html; charset=utf-8', 'performance_optimization'],
          [`runs/${run.task_id}/report.csv`, 'text/csv; charset=utf-8; header=present', `task_id,${run.task_id}`],
          ['runs.csv?limit=1', 'text/csv; charset=utf-8; header=present', run.task_id],
          ['digest.html', 'text/html; charset=utf-8', 'none failed'],
        ];
        for (const [path, type, text] of reports) {
          const { headers, body } = assertStatus(await client.get(`${base}/${path}`), 200);
          assert.equal(headers.get('content-type'), type);
          assert.equal(headers.get('cache-control'), 'no-store');
          assert.ok(body.includes(text), `${path} has ${text}`);
          assertProblem(await powerless.get(`${base}/${path}`), 403);
        }
        const { body: trends } = assertStatus(
          await client.get(`${base}/trends?days=3&task=performance_optimization`),
          200,
        );
        assert.equal(trends.items[0].days.length, 3);
        assert.ok(trends.items[0].days[2].runs >= 1 && trends.items[0].days[2].failure_share === 0);
        assertInstants(trends.items[0].days[0], 'day');
        const { body: digest } = assertStatus(await client.get(`${base}/digest`), 200);
        assertInstants(digest, 'from', 'to');
        assert.ok(
          digest.runs >= 1 && digest.tasks.some((it: { task: string }) => it.task === 'performance_optimization'),
        );
        assertProblem(await client.get(`${base}/digest?days=0`), 422);
      },
    },
    {
      name: 'goes on after the answer when the client prefers that',
      async run({ client }) {
        const answer = assertStatus(
          await client.post(`${base}/database/cleanup`, {}, { prefer: 'respond-async' }),
          202,
        );
        const location = answer.headers.get('location') ?? '';
        assertResult(
          await eventually(
            () => client.get(location),
            (it) => it.body.status !== 'running' && it.body.status !== 'pending',
          ),
        );
      },
    },
    {
      name: 'shows its state, and starts and stops the scheduler',
      async run({ client }) {
        assertStatus(await client.post(`${base}/cache/cleanup`), 200);
        const { body } = assertStatus(await client.get(`${base}/status`), 200);
        assert.ok(Array.isArray(body.recent_results) && body.recent_results.length > 0);
        for (const member of ['active_tasks', 'maintenance_tasks']) assert.ok(member in body, member);
        assertInstants(body, 'timestamp');
        for (const [action, running] of [
          ['stop', false],
          ['start', true],
        ] as const) {
          const answer = assertStatus(await client.post(`${base}/${action}`), 200);
          assert.equal(typeof answer.body.message, 'string');
          assert.equal((await client.get(`${base}/status`)).body.scheduler_running, running);
        }
      },
    },
  ],
};
