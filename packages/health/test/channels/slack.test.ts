import { createConnector } from '@dotmac/core/net';
import { systemClock } from '@dotmac/core';
import { describe, expect, it } from 'vitest';
import { itemOf, type AlertItem, type AlertMessage } from '../../src/alerts/message.js';
import { slackChannel } from '../../src/channels/slack.js';
import { receiver } from '../support/staged.js';

/** What Slack is sent of so many endpoints that are gone, each with so much to say. */
async function sent(count: number, text: string) {
  const hook = await receiver();
  const items = Array.from({ length: count }, (_, index) => {
    const severity: AlertItem['severity'] = 'offline';
    const trouble = {
      ...{ incidentId: `i${index}`, endpointId: `e${index}`, endpointName: `web ${index}`, severity, text },
      ...{ tags: [], startedAt: 0, resolvedAt: null, acknowledged: false, flapping: false },
    };
    const of = { tenantId: 't', channelId: 'c', trouble, told: null, reminderMs: null };
    return itemOf({ ...of, held: null, dueAt: null, messageId: null, onItsWay: null }, 'opened');
  });
  const of = { id: 'm', type: 'alert', tenantId: 't', channelId: 'c', at: 0 } as const;
  const message: AlertMessage = { ...of, text: `${count} offline`, items };
  const connector = createConnector({ policy: { allow: ['loopback'] }, clock: systemClock });
  const { signal } = new AbortController();
  const through = { connector, signal, clock: systemClock, attempt: 1, timeoutMs: 8_000 };
  await slackChannel.deliver({ message, config: {}, secrets: { url: hook.url }, ...through });
  return JSON.parse(hook.received[0]?.text ?? '') as { text: string; attachments: { text: string }[] };
}

describe('what Slack, and Discord in its place, is told', () => {
  it('has ten attachments at most, and what is more as lines', async () => {
    const { text, attachments } = await sent(12, 'It is gone');
    expect(attachments).toHaveLength(10);
    expect(text.split('\n')).toEqual([
      '12 offline',
      'web 10 is offline since 1970-01-01 00:00 UTC: It is gone',
      'web 11 is offline since 1970-01-01 00:00 UTC: It is gone',
    ]);
    expect((await sent(10, 'It is gone')).text).toBe('10 offline');
  });

  it('is no longer than Discord takes, and says how many are left out', async () => {
    const { text, attachments } = await sent(100, 'x'.repeat(600));
    expect(text.length).toBeLessThan(2_000);
    expect(text).toMatch(/\nand 87 more$/);
    expect(attachments.reduce((sum, it) => sum + it.text.length, 0)).toBeLessThanOrEqual(6_000);
  });
});
