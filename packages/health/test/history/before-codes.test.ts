import { sqlite, mysql, postgres, type Database } from '@dotmac/core/kysely';
import { newId } from '@dotmac/core';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { kyselyHealthStore, uncheckedState } from '../../src/index.js';
import { endpointRecord } from '../support/endpoints.js';

const open: [string, () => Promise<Database>][] = [
  ['SQLite', () => Promise.resolve(sqlite(':memory:'))],
  [
    'PostgreSQL',
    async () => {
      const { url, drop } = await freshPostgres();
      onTestFinished(() => drop());
      return postgres(url);
    },
  ],
  [
    'MariaDB',
    async () => {
      const { url, drop } = await freshMysql();
      onTestFinished(() => drop());
      return mysql(url);
    },
  ],
];

describe.each(open)('what %s kept before results had codes', (_, database) => {
  it('is read: states, incidents, timelines and what was handed over', async () => {
    const opened = await database();
    onTestFinished(() => opened.close());
    const store = kyselyHealthStore(opened);
    await store.migrate();
    const endpoint = endpointRecord({ id: newId(), tenantId: 'acme' });
    const tenant = store.tenant('acme');
    await tenant.insert(endpoint);
    const incidentId = newId();
    const text = 'No answer in time';
    const opening = { id: newId(), at: 5, kind: 'opened' as const, actor: 'system', code: 'timeout', text };
    await store.settle({
      states: [
        { ...uncheckedState, endpoint, status: 'offline', code: 'timeout', message: text, checkedAt: 5, checks: 3 },
      ],
      chunks: [],
      deltas: [],
      incidents: [
        {
          ...{ tenantId: 'acme', endpointId: endpoint.id, incidentId, severity: 'offline', resolvedAt: null },
          opened: {
            ...{ tenantId: 'acme', id: incidentId, endpointId: endpoint.id, endpointName: 'web', severity: 'offline' },
            ...{ code: 'timeout', message: text, startedAt: 5, openedAt: 5 },
            ...{ acknowledgedAt: null, acknowledgedBy: null, resolvedAt: null },
          },
          entry: opening,
        },
      ],
      events: [],
    });
    const result = { status: 'offline' as const, code: 'seen_away', responseTimeMs: null, message: 'Seen away' };
    await store.handOver([{ id: newId(), tenantId: 'acme', endpointId: endpoint.id, at: 6, result }], {
      ...{ process: newId(), number: 1 },
    });
    expect((await tenant.get(endpoint.id))?.state).toMatchObject({ code: 'timeout', checks: 3 });
    expect(await tenant.incident(incidentId)).toMatchObject({ code: 'timeout' });
    expect((await tenant.timeline(incidentId)).entries).toEqual([opening]);

    // As an older version wrote them.
    await sql`update dotmac_endpoint_states set machine = '{"checks":3}'`.execute(opened.kysely);
    await sql`update dotmac_incidents set code = null`.execute(opened.kysely);
    await sql`update dotmac_incident_entries set code = null`.execute(opened.kysely);
    await sql`update dotmac_handed_results set body = '{"status":"offline","responseTimeMs":null,"message":"Away"}'`.execute(
      opened.kysely,
    );
    expect((await tenant.get(endpoint.id))?.state).toMatchObject({ status: 'offline', code: 'unspecified', checks: 3 });
    expect(await tenant.incident(incidentId)).toMatchObject({ code: 'unspecified', message: text });
    expect((await tenant.timeline(incidentId)).entries).toEqual([{ ...opening, code: null }]);
    expect(await store.handed(1)).toMatchObject([{ result: { status: 'offline', code: 'unspecified' } }]);
    await sql`update dotmac_endpoint_states set status = 'healthy'`.execute(opened.kysely);
    expect((await tenant.get(endpoint.id))?.state).toMatchObject({ status: 'healthy', code: 'ok' });
  });
});
