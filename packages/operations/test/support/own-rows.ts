import type { Database } from '@dotmac/core/kysely';

const dayMs = 86_400_000;

type Row = Readonly<Record<string, string | number | null>>;

/** Rows of one of dotmac's own tables, told apart by a column: those that are old and over, and those that stay. */
export interface OwnRows {
  table: string;
  /** What tells them apart. */
  id: string;
  rows: (row: (id: string, more: Row) => Row) => { gone: Row[]; stay: Row[] };
}

const sums = Object.fromEntries(
  ['healthy', 'degraded', 'critical', 'offline', 'unknown'].flatMap((it) => [
    [`n_${it}`, 0],
    [`ms_${it}`, 0],
  ]),
);

/**
 * Rows of every kind that goes by age, a little older and a little younger than the domains keep them.
 * @param now epoch ms
 */
export function ownRows(now: number): OwnRows[] {
  const days = (count: number): number => now - count * dayMs;
  const [edge, acme] = [0.1, { tenant_id: 'acme' }];
  const bucket = { endpoint_id: 'e', timed: 0, sum_ms: 0, histogram: '', ...sums };
  const bucketRows = (resolution: string, kept: number): OwnRows => ({
    table: 'dotmac_check_buckets',
    id: 'tenant_id',
    rows: (row) => ({
      gone: [row(`old ${resolution}`, { ...bucket, resolution, start: days(kept + edge) })],
      stay: [row(`young ${resolution}`, { ...bucket, resolution, start: days(kept - edge) })],
    }),
  });
  const parcel = (messageId: string): Row => {
    const event = {
      id: 'e',
      name: 'message.due',
      at: 1,
      tenantId: 'acme',
      actor: 'a',
      subject: 'c',
      data: { messageId },
    };
    return { ...acme, lane: 'l', event: JSON.stringify(event), available_at: 1 };
  };
  const parked = (queue: string, subscriber: string): OwnRows => ({
    table: 'dotmac_outbox',
    id: 'delivery_id',
    rows: (row) => ({
      gone: [row(`${queue} old`, { ...parcel(`${queue} old`), queue, subscriber, parked_at: days(90 + edge) })],
      stay: [
        row(`${queue} young`, { ...parcel(`${queue} young`), queue, subscriber, parked_at: days(90 - edge) }),
        row(`${queue} waits`, { ...parcel(`${queue} waits`), queue, subscriber: 'nobody', parked_at: null }),
      ],
    }),
  });
  const message = { ...acme, channel_id: 'c' };
  const incident = {
    ...acme,
    endpoint_id: 'e',
    endpoint_name: 'e',
    severity: 'critical',
    message: '',
    opened_at: 1,
    started_at: 1,
  };
  const entry = { ...acme, endpoint_id: 'e', kind: 'note', actor: 'a', text: '' };
  const bulk = {
    ...acme,
    command: 'suspend',
    input: '{}',
    filter: '{}',
    dry_run: 0,
    processed: 0,
    changed: 0,
    refused: 0,
  };
  const operation = {
    ...bulk,
    outcomes: '{}',
    last_customer_id: '',
    up_to: '',
    created_by: 'a',
    created_at: 1,
    touched_at: now,
  };
  const of = (table: string, more: Row): OwnRows => ({
    table,
    id: 'customer_id',
    rows: (row) => ({
      gone: Array.from({ length: 3 }, (_, index) => row(`old ${index}`, { ...acme, operation_id: 'old', ...more })),
      // Of another tenant's, which is called the same.
      stay: ['young', 'also 0', 'old'].map((it) =>
        row(`of ${it}`, { tenant_id: it === 'old' ? 'globex' : 'acme', operation_id: it, ...more }),
      ),
    }),
  });
  const delivery = { ...acme, webhook_id: 'w', customer_id: 'c', event_type: 't', attempts: 1 };
  const run = { ...acme, task: 't', trigger_kind: 'api', actor: 'a', started_at: 1, items_processed: 0, items_cleaned: 0, bytes_freed: 0, details: '{}' }; // prettier-ignore
  const plan = { ...acme, task: 't', actor: 'a', parameters: '{}', plan: '{}', as_of: 1, expires_at: 1 };
  const schedule = { ...acme, version: 1, effective_at: 1, created_at: 1, updated_at: 1, revision: 0 };
  const simple = (table: string, id: string, column: string, kept: number, more: Row, stay: Row[] = []): OwnRows => ({
    table,
    id,
    rows: (row) => ({
      gone: [row('old', { ...more, [column]: days(kept + edge) })],
      stay: [
        row('young', { ...more, [column]: days(kept - edge) }),
        ...stay.map((it, index) => row(`also ${index}`, { ...more, ...it })),
      ],
    }),
  });
  return [
    bucketRows('minute', 3),
    bucketRows('minute-maintenance', 3),
    bucketRows('hour', 35),
    bucketRows('hour-maintenance', 35),
    bucketRows('day', 401),
    bucketRows('day-maintenance', 401),
    simple('dotmac_incidents', 'id', 'resolved_at', 401, incident, [{ resolved_at: null }]),
    {
      table: 'dotmac_incident_entries',
      id: 'id',
      rows: (row) => ({
        gone: ['a', 'b'].map((it) => row(`old ${it}`, { ...entry, incident_id: 'old', at: days(402) })),
        // Older than what goes: it is of an incident that is open.
        stay: ['young', 'also 0'].map((it) => row(`of ${it}`, { ...entry, incident_id: it, at: days(500) })),
      }),
    },
    parked('health', 'health-messenger'),
    parked('lifecycle', 's'),
    parked('lifecycle-webhooks', 's'),
    {
      table: 'dotmac_alert_messages',
      id: 'id',
      rows: (row) => ({
        gone: [row('health old', { ...message, created_at: days(100) })],
        stay: [
          row('health young', { ...message, created_at: days(100) }),
          row('health waits', { ...message, created_at: days(100) }),
          row('health old', { ...message, tenant_id: 'globex', created_at: days(100) }),
        ],
      }),
    },
    simple('dotmac_endpoint_changes', 'id', 'changed_at', 1, { ...acme, endpoint_id: 'e', origin: 'o' }),
    simple('dotmac_handed_results', 'id', 'handed_at', 1, { ...acme, endpoint_id: 'e', at: 1, body: '{}' }),
    simple('dotmac_health_events', 'event_id', 'logged_at', 1, { ...acme, event: '{}' }),
    simple('dotmac_settlement_receipts', 'process', 'settled_at', 30, { number: 1 }),
    simple('dotmac_bulk_operations', 'id', 'ended_at', 90, { ...operation, status: 'completed' }, [
      { status: 'running', ended_at: null },
    ]),
    of('dotmac_bulk_failures', { code: 'X', message: '' }),
    of('dotmac_bulk_targets', {}),
    {
      table: 'dotmac_webhook_deliveries',
      id: 'id',
      rows: (row) => ({
        gone: ['delivered', 'failed'].map((state) =>
          row(state, { ...delivery, event_id: state, state, event_at: days(31) }),
        ),
        stay: [
          row('young', { ...delivery, event_id: 'y', state: 'delivered', event_at: days(29) }),
          row('pending', { ...delivery, event_id: 'p', state: 'pending', event_at: days(500) }),
        ],
      }),
    },
    simple('dotmac_command_answers', 'key_hash', 'keep_until', 0, { ...acme, fingerprint: 'f' }),
    simple('dotmac_verification_quotas', 'address_key', 'window_started_at', 1, { ...acme, issued: 1 }),
    simple('dotmac_idempotency', 'key_hash', 'keep_until', 0, { ...acme, fingerprint: 'f', lease_until: 1 }),
    simple('dotmac_maintenance_runs', 'id', 'ended_at', 90, { ...run, status: 'completed' }, [{ ended_at: null }]),
    simple('dotmac_maintenance_ledger', 'schedule', 'next_at', 90, { ...acme, scope_id: '', slot_at: 1, outcome: 'done', instance: 'i', attempts: 1, claimed_at: 1 }, [{ next_at: null }]), // prettier-ignore
    simple('dotmac_maintenance_plans', 'id', 'created_at', 90, plan),
    simple('dotmac_maintenance_schedules', 'name', 'deleted_at', 90, schedule, [{ deleted_at: null }]),
    {
      table: 'dotmac_leases',
      id: 'name',
      rows: (row) => ({
        gone: [row('maintenance:old', { fence: 1, until_at: days(90 + edge) })],
        stay: [
          row('maintenance:young', { fence: 1, until_at: days(90 - edge) }),
          row('health:old', { fence: 1, until_at: days(500) }),
        ],
      }),
    },
  ];
}

/** Tables of which rows go with those of others: they are not counted as rows of a policy. */
export const alongside = [
  'dotmac_incident_entries',
  'dotmac_alert_messages',
  'dotmac_bulk_failures',
  'dotmac_bulk_targets',
];

/** Writes them; which of each table stay, and how many of each go. */
export async function writeOwnRows(
  { kysely }: Database,
  all: readonly OwnRows[],
): Promise<{ stay: Map<string, string[]>; gone: Map<string, number> }> {
  const [stay, gone] = [new Map<string, string[]>(), new Map<string, number>()];
  for (const { table, id, rows } of all) {
    const made = rows((its, more) => ({ ...more, [id]: its }));
    for (const row of [...made.gone, ...made.stay])
      await kysely
        .insertInto(table as never)
        .values(row as never)
        .execute();
    stay.set(
      table,
      [...(stay.get(table) ?? []), ...made.stay.map((row) => `${row['tenant_id'] ?? ''} ${row[id]}`)].sort(),
    );
    gone.set(table, (gone.get(table) ?? 0) + made.gone.length);
  }
  return { stay, gone };
}

/** What there is of each of those tables. */
export async function readOwnRows({ kysely }: Database, all: readonly OwnRows[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { table, id } of all) {
    const rows = (await kysely
      .selectFrom(table as never)
      .selectAll()
      .execute()) as Row[];
    found.set(table, rows.map((row) => `${row['tenant_id'] ?? ''} ${row[id]}`).sort());
  }
  return found;
}
