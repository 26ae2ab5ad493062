import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually, type Client } from './client.js';
import type { ContractSubject } from './subject.js';

const base = '/infrastructure-maintenance/schedules';
const schedule = {
  name: 'yearly',
  maintenance_type: 'performance_optimization',
  cron: '30 2 1 1 *',
  time_zone: 'Europe/Berlin',
  windows: [{ from: '02:00', until: '04:00' }],
};

/** A schedule that comes due once a year. */
export async function scheduleOf(client: Client, name = 'owned'): Promise<string> {
  return (await client.post(base, { ...schedule, name })).body.name;
}

/** Schedules that are made by request. */
export const maintenanceSchedules: Suite<ContractSubject> = {
  name: 'maintenance schedules',
  cases: [
    {
      name: 'makes, lists, changes and removes a schedule',
      async run({ client }) {
        const made = assertStatus(await client.post(base, schedule), 201);
        const location = made.headers.get('location') ?? '';
        assert.deepEqual(assertStatus(await client.get(location), 200).body, made.body);
        const { origin, version, overlap, catch_up, outside_window, grace_ms, every_ms } = made.body;
        assert.deepEqual([origin, version, overlap, catch_up], ['store', 1, 'skip', 'once']);
        assert.deepEqual([outside_window, grace_ms, every_ms], ['wait', null, null]);
        assert.equal(made.body.windows[0].days.length, 7);
        assertInstants(made.body, 'created_at', 'updated_at', 'next_run');
        const { items } = assertStatus(await client.get(`${base}?limit=100`), 200).body;
        assert.ok(items.some(({ name }: { name: string }) => name === 'yearly'));
        const changes = { version: 1, cron: null, every_ms: 86_400_000, jitter_ms: 60_000 };
        const changed = assertStatus(await client.call('PATCH', location, changes), 200).body;
        assert.deepEqual([changed.version, changed.cron, changed.every_ms], [2, null, 86_400_000]);
        assertProblem(await client.call('PATCH', location, changes), 409, 'SCHEDULE_CHANGED');
        assertStatus(await client.call('DELETE', location), 200);
        assertProblem(await client.get(location), 404, 'SCHEDULE_NOT_FOUND');
      },
    },
    {
      name: 'refuses what is no schedule, naming the fault',
      async run({ client }) {
        const faultyPath = async (wrong: object): Promise<string> => {
          const answer = await client.post(base, { ...schedule, name: 'wrong', ...wrong });
          assertProblem(answer, 422, 'INVALID_INPUT');
          return answer.body.errors[0].path;
        };
        assert.match(await faultyPath({ cron: '61 * * * *' }), /cron/);
        assert.match(await faultyPath({ time_zone: 'Mars/Phobos' }), /time_zone/);
        assert.match(await faultyPath({ maintenance_type: 'format_disk' }), /maintenance_type/);
        assert.match(await faultyPath({ parameters: { nope: 1 } }), /parameters/);
        assert.match(await faultyPath({ windows: [{ from: '02:00', until: '02:00' }] }), /windows/);
        await scheduleOf(client, 'twice');
        assertProblem(await client.post(base, { ...schedule, name: 'twice' }), 409, 'SCHEDULE_NAME_TAKEN');
        assertStatus(await client.call('DELETE', `${base}/twice`), 200);
      },
    },
    {
      name: 'pauses, resumes and previews a schedule, and runs it now',
      async run({ client }) {
        const path = `${base}/${await scheduleOf(client, 'now')}`;
        const paused = assertStatus(await client.post(`${path}/pause`), 200).body;
        assertInstants(paused, 'paused_at');
        assert.equal(paused.next_run, null);
        assert.equal(assertStatus(await client.post(`${path}/resume`), 200).body.paused_at, null);
        const preview = assertStatus(await client.get(`${path}/preview?count=3`), 200).body.items;
        assert.equal(preview.length, 3);
        assertInstants(preview[0], 'slot_at', 'due_at', 'starts_at');
        assert.match(preview[0].local_time, /-01-01T02:30:00\+01:00$/);
        const begun = assertStatus(await client.post(`${path}/run`), 202);
        const run = await eventually(
          () => client.get(begun.headers.get('location') ?? ''),
          (it) => it.body.status !== 'running',
        );
        assert.deepEqual([run.body.schedule, run.body.trigger, run.body.status], ['now', 'request', 'completed']);
        assertStatus(await client.call('DELETE', path), 200);
      },
    },
    {
      name: 'fires a schedule, and says what became of its slots',
      async run({ client }) {
        const often = { name: 'often', maintenance_type: 'performance_optimization', every_ms: 1_000 };
        assertStatus(await client.post(base, often), 201);
        const slots = await eventually(
          () => client.get(`${base}/often/slots?limit=50`),
          (it) => it.body.items.some(({ outcome }: { outcome: string }) => outcome === 'completed'),
        );
        const ran = slots.body.items.find(({ outcome }: { outcome: string }) => outcome === 'completed');
        const path = `${base}/often/explanation`;
        const why = assertStatus(await client.get(`${path}?slot_at=${ran.slot_at}`), 200).body;
        assert.deepEqual([why.ran, why.reason, why.elected, why.slots], [true, 'completed', true, [ran]]);
        const before = assertStatus(await client.get(`${path}?slot_at=2026-01-01T00:00:00.000Z`), 200).body;
        assert.deepEqual([before.ran, before.reason, before.slots], [false, 'before_schedule', []]);
        assertStatus(await client.call('DELETE', `${base}/often`), 200);
      },
    },
  ],
};
