import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventsUntil, eventually } from './client.js';
import type { ContractSubject } from './subject.js';

const base = '/infrastructure-maintenance';
const cleanup = { maintenance_type: 'database_cleanup', parameters: { retention_days: 30 } };

/** Plans, and runs that are watched, ended and taken up again. These cases share a table: run them one after another. */
export const maintenancePlans: Suite<ContractSubject> = {
  name: 'maintenance plans and runs',
  cases: [
    {
      name: 'says what a run would do, and then does just that, once',
      async run({ client, seedSessions, sessions }) {
        await seedSessions(300, 10);
        const before = await sessions();
        const made = assertStatus(await client.post(`${base}/plans`, cleanup), 201);
        assertInstants(made.body, 'created_at', 'expires_at');
        const [target] = made.body.plan.targets;
        assert.equal(target.target, 'table:main.demo_sessions');
        assert.ok(target.items >= 300);
        assert.equal(await sessions(), before);
        const location = made.headers.get('location') ?? '';
        assert.deepEqual(assertStatus(await client.get(location), 200).body, made.body);
        const listed = assertStatus(await client.get(`${base}/plans?limit=1`), 200);
        assert.equal(listed.body.items[0].id, made.body.id);
        const applied = assertStatus(await client.post(`${location}/apply`), 200);
        assert.equal(applied.body.items_cleaned, target.items);
        assert.equal(await sessions(), before - target.items);
        assertProblem(await client.post(`${location}/apply`), 409, 'PLAN_APPLIED');
        assertProblem(await client.post(`${base}/plans`, { maintenance_type: 'format_disk' }), 422, 'INVALID_INPUT');
      },
    },
    {
      name: 'refuses a plan whose table has changed much since',
      async run({ client, seedSessions }) {
        await seedSessions(100, 0);
        const { body } = assertStatus(await client.post(`${base}/plans`, cleanup), 201);
        await seedSessions(body.plan.targets[0].items, 0);
        assertProblem(await client.post(`${base}/plans/${body.id}/apply`), 409, 'PLAN_DRIFTED');
        assertStatus(await client.post(`${base}/execute`, cleanup), 200);
      },
    },
    {
      name: 'answers a dry run with a plan that can be applied',
      async run({ client, seedSessions, sessions }) {
        await seedSessions(50, 0);
        const before = await sessions();
        const dry = assertStatus(await client.post(`${base}/database/cleanup`, { dry_run: true }), 200);
        assert.deepEqual([dry.body.status, dry.body.items_cleaned], ['completed', 0]);
        assert.equal(await sessions(), before);
        const later = await client.post(`${base}/plans/${dry.body.details.plan_id}/apply`, undefined, {
          prefer: 'respond-async',
        });
        const location = assertStatus(later, 202).headers.get('location') ?? '';
        const run = await eventually(
          () => client.get(location),
          (it) => it.body.status !== 'running',
        );
        assert.equal(run.body.items_cleaned, dry.body.items_processed);
        assert.deepEqual([run.body.plan_id, run.body.trigger], [dry.body.details.plan_id, 'request']);
      },
    },
    {
      name: 'tells a run’s end to who follows it, and refuses to end it again',
      async run({ client }) {
        const { body } = assertStatus(await client.post(`${base}/cache/cleanup`), 200);
        const events = await eventsUntil(await client.stream('GET', `${base}/runs/${body.task_id}/events`), 'ended');
        assert.equal(JSON.parse(events.at(-1)?.data ?? '').data.task_id, body.task_id);
        assertProblem(await client.post(`${base}/runs/${body.task_id}/cancel`), 409, 'RUN_NOT_ACTIVE');
        assertProblem(await client.post(`${base}/runs/${body.task_id}/resume`), 409, 'RUN_NOT_RESUMABLE');
        assertProblem(await client.post(`${base}/runs/${body.task_id}/confirm`), 409, 'RUN_NOT_UNCONFIRMED');
      },
    },
    {
      name: 'lists tasks with what they take, and policies without paths and patterns',
      async run({ client, dataDirectory }) {
        const tasks = assertStatus(await client.get(`${base}/tasks`), 200).body.items as {
          type: string;
          parameters: { properties: object };
        }[];
        const rotation = tasks.find(({ type }) => type === 'log_rotation');
        for (const field of ['max_size_mb', 'compress_old_logs', 'dry_run', 'max_runtime_seconds'])
          assert.ok(field in (rotation?.parameters.properties ?? {}), field);
        const policies = assertStatus(await client.get(`${base}/policies`), 200);
        const names = policies.body.items.map(({ name }: { name: string }) => name);
        for (const name of ['demo-sessions', 'logs', 'pages']) assert.ok(names.includes(name), name);
        const pages = policies.body.items.find(({ name }: { name: string }) => name === 'pages');
        assert.deepEqual(pages.limits, [{ parameter: 'max_age_days', careful: 'more', limit: 7 }]);
        const text = JSON.stringify(policies.body);
        assert.ok(!text.includes(dataDirectory) && !text.includes('demo:cache'));
      },
    },
  ],
};
