import { newId, silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import type { AlertRecord } from '../../src/alerts/alert.js';
import { createDispatcher } from '../../src/alerts/dispatch.js';
import { healthStores } from '../support/stores.js';

const hour = 3_600_000;

describe.each(healthStores)('an alert that waits while the wall clock is set back an hour, $title', ({ open }) => {
  it('comes due when it would have, to the whole millisecond, though the monotonic clock has fractions', async () => {
    const { subject: store, close } = await open();
    const clock = fakeClock(undefined, { drifting: true });
    const dispatcher = createDispatcher({
      ...{ store, logger: silentLogger, holdOf: () => Promise.resolve(undefined), isElsewhere: () => false },
      relay: { entriesOf: () => [] } as never,
      clock,
    });
    const [channelId, incidentId] = [newId(), newId()];
    const [startedAt, dueAt] = [clock.now(), clock.now() + 30_000];
    const severity = 'offline' as const;
    const trouble = { incidentId, endpointId: newId(), endpointName: 'web', text: 'It is gone', severity };
    const alert: AlertRecord = {
      ...{ tenantId: 'acme', channelId, told: null, reminderMs: null, held: null, messageId: null, onItsWay: null },
      dueAt,
      trouble: { ...trouble, tags: [], startedAt, resolvedAt: null, acknowledged: false, flapping: false },
    };
    await store.tenant('acme').changeAlert({ channelId, incidentId }, () => alert);
    clock.set(clock.now() - hour);
    dispatcher.start();
    await clock.advance(1_000);
    // What it has begun is done then.
    await dispatcher.stop();
    const [moved] = await store.dueAlerts(Number.MAX_SAFE_INTEGER, 1);
    await close?.();
    expect(moved?.dueAt).toSatisfy(Number.isInteger);
    expect(Math.abs((moved?.dueAt ?? 0) - (dueAt - hour))).toBeLessThanOrEqual(1);
  });
});
