import { wireOf } from '@dotmac/core/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterGivingUp,
  afterNews,
  afterTelling,
  asWanted,
  inMessage,
  onItsWayAgain,
  outOfMessage,
  reminderAt,
  tellingOf,
  type AlertRecord,
  type Telling,
} from '../../src/alerts/alert.js';
import { alertMessage, headline, itemOf } from '../../src/alerts/message.js';
import type { AlertSeverity } from '../../src/alerts/severity.js';
import type { OutcomeCode } from '../../src/probes/outcomes.js';
import { inWords } from '../../src/alerts/wording.js';

type Step = 'worsens' | 'acknowledged' | 'resolves' | 'dispatch' | 'delivered' | 'given up' | 'later';

/** One incident, told through everything that can come between; what the channel got to know, in its order. */
function play(steps: readonly Step[]) {
  let now = 0;
  let trouble: AlertRecord['trouble'] = {
    ...{ incidentId: 'i', endpointId: 'e', endpointName: 'web', severity: 'critical', text: '', tags: [] },
    ...{ startedAt: 0, resolvedAt: null, acknowledged: false, flapping: false },
  };
  const told: Telling[] = [];
  const givenUp: Telling[] = [];
  let alert: AlertRecord | null = null;
  let [messages, onItsWay]: [number, { id: string; kind: Telling } | null] = [0, null];
  const news = (change: Partial<AlertRecord['trouble']>): void => {
    trouble = { ...trouble, acknowledged: false, ...change };
    const of = { tenantId: 't', channelId: 'c', trouble, isWanted: true, reminderMs: 60_000, groupMs: 0, now };
    const next = afterNews(alert ?? undefined, of);
    if (next !== undefined) alert = next;
  };
  const dispatch = (): void => {
    if (!alert || alert.dueAt === null || alert.dueAt > now) return;
    // Two on their way at once could arrive the other way round.
    expect(onItsWay).toBeNull();
    const kind = tellingOf(alert, now);
    alert = kind ? inMessage(alert, `m${++messages}`) : { ...alert, dueAt: null };
    if (kind) onItsWay = { id: `m${messages}`, kind };
  };
  const delivered = (): void => {
    if (!onItsWay) return;
    const { id: messageId, kind } = onItsWay;
    told.push(kind);
    onItsWay = null;
    if (alert) alert = afterTelling(alert, { messageId, kind, severity: trouble.severity, now });
  };
  const giveUp = (): void => {
    if (!onItsWay) return;
    givenUp.push(onItsWay.kind);
    onItsWay = null;
    if (alert) alert = afterGivingUp(alert, now);
  };
  news({});
  for (const step of steps) {
    if (step === 'worsens' && trouble.resolvedAt === null) news({ severity: 'offline' });
    else if (step === 'acknowledged' && trouble.resolvedAt === null) news({ acknowledged: true });
    else if (step === 'resolves' && trouble.resolvedAt === null) news({ resolvedAt: now });
    else if (step === 'dispatch') dispatch();
    else if (step === 'delivered') delivered();
    else if (step === 'given up') giveUp();
    else if (step === 'later') now += 60_000;
  }
  // In the end all goes well.
  for (let round = 0; round < 5; round++) {
    delivered();
    dispatch();
    delivered();
  }
  return { told, givenUp, isResolved: trouble.resolvedAt !== null, left: alert as AlertRecord | null };
}

describe('an alert', () => {
  const steps = fc.array(
    fc.constantFrom<Step>('worsens', 'acknowledged', 'resolves', 'dispatch', 'delivered', 'given up', 'later'),
    { maxLength: 40 },
  );

  it('is told from its beginning to its end, whatever comes between', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const { told, givenUp, isResolved, left } = play(taken);
        const count = (kind: Telling): number => told.filter((it) => it === kind).length;
        expect(count('opened')).toBeLessThanOrEqual(1);
        expect(count('worsened')).toBeLessThanOrEqual(1);
        expect(told.slice(1)).not.toContain('opened');
        expect(told.slice(0, -1)).not.toContain('resolved');
        // What was given up is tried again by people.
        if (givenUp.includes('resolved')) return;
        expect(count('resolved')).toBe(isResolved ? 1 : 0);
        if (givenUp.length === 0) expect(told[0]).toBe(isResolved && told.length === 1 ? 'resolved' : 'opened');
        // Nothing is kept of what is over.
        expect(left === null).toBe(isResolved);
      }),
    );
  });

  it('reminds no more once somebody looks after it', () => {
    expect(play(['dispatch', 'delivered', 'later', 'dispatch', 'delivered']).told).toEqual(['opened', 'reminder']);
    expect(play(['dispatch', 'delivered', 'acknowledged', 'later', 'dispatch', 'delivered']).told).toEqual(['opened']);
  });

  it('is none when nobody wants it, or when it is over already', () => {
    const trouble = {
      ...{ incidentId: 'i', endpointId: 'e', endpointName: 'web', severity: 'degraded' as const, text: '', tags: [] },
      ...{ startedAt: 0, resolvedAt: null, acknowledged: false, flapping: false },
    };
    const news = { tenantId: 't', channelId: 'c', trouble, isWanted: false, reminderMs: null, groupMs: 5, now: 1 };
    expect(afterNews(undefined, news)).toBeUndefined();
    expect(afterNews(undefined, { ...news, isWanted: true, trouble: { ...trouble, resolvedAt: 1 } })).toBeUndefined();
    expect(afterNews(undefined, { ...news, isWanted: true })?.dueAt).toBe(6);
  });
});

describe('a message', () => {
  it('says how many of which, the worst first', () => {
    const item = (kind: Telling, severity: AlertSeverity, code: OutcomeCode | null = 'no_answer') => ({
      kind,
      severity,
      code,
      text: 'one',
    });
    expect(headline([item('opened', 'critical')])).toBe('one');
    expect(
      headline([
        item('resolved', 'offline'),
        item('opened', 'critical'),
        item('reminder', 'offline'),
        item('opened', 'offline'),
      ]),
    ).toBe('2 offline, 1 critical, 1 well again');
    expect(headline([item('resolved', 'offline', null), item('resolved', 'offline')])).toBe('1 ended, 1 well again');
    expect(headline([item('opened', 'page'), item('resolved', 'page', null), item('reminder', 'ticket')])).toBe(
      '2 burning, 1 well again',
    );
  });

  it.each([
    ['degraded', 'web is degraded now; its trouble lasts since 1970-01-01 00:00 UTC, at its worst it was offline'],
    ['unknown', 'web is unknown now; its trouble lasts since 1970-01-01 00:00 UTC, at its worst it was offline'],
    ['offline', 'web is still offline, since 1970-01-01 00:00 UTC: gone'],
    [undefined, 'web is still offline, since 1970-01-01 00:00 UTC: gone'],
  ] as const)('reminds of what was offline and is %s', (status, text) => {
    const trouble = {
      ...{
        incidentId: 'i',
        endpointId: 'e',
        endpointName: 'web',
        severity: 'offline' as const,
        text: 'gone',
        tags: [],
      },
      ...{ startedAt: 0, resolvedAt: null, acknowledged: false, flapping: false },
    };
    const alert = {
      tenantId: 't',
      channelId: 'c',
      told: null,
      reminderMs: null,
      held: null,
      dueAt: 0,
      messageId: null,
      onItsWay: null,
    };
    expect(itemOf({ ...alert, trouble }, 'reminder', status).text).toBe(text);
  });

  it.each([
    ['opened', 14.44, 0.617, 'The 30-day budget of web burns 14.4 times too fast; 61 % left'],
    ['worsened', 1_000.4, 0, 'The 30-day budget of web burns 1000 times too fast now; 0 % left'],
    ['reminder', 2, -0.4, 'The 30-day budget of web still burns too fast, since 1970-01-01 00:00 UTC'],
    ['resolved', 0, -0.4, 'The 30-day budget of web burns too fast no more, after 2 h; overspent by 40 %'],
  ] as const)('says of a budget that it %s', (kind, rate, left, text) => {
    const burn = { objectiveId: 'o', rate, windowDays: 30, left };
    const trouble = {
      ...{
        incidentId: 'b',
        endpointId: null,
        endpointName: 'web',
        severity: 'page' as const,
        text: '',
        tags: [],
        burn,
      },
      ...{ startedAt: 0, resolvedAt: 7_200_000, acknowledged: false, flapping: false },
    };
    const alert = {
      tenantId: 't',
      channelId: 'c',
      told: null,
      reminderMs: null,
      held: null,
      dueAt: 0,
      messageId: null,
      onItsWay: null,
    };
    expect(itemOf({ ...alert, trouble }, kind)).toMatchObject({ text, objective: burn });
  });

  it('is read as it was kept before there were objectives in it', () => {
    const item = {
      ...{ kind: 'opened', incident_id: 'i', endpoint_id: 'e', endpoint_name: 'web', severity: 'offline' },
      ...{ message: '', tags: [], started_at: '2026-01-01T00:00:00.000Z', resolved_at: null, duration: null, text: '' },
    };
    const kept = { type: 'alert', tenant_id: 't', channel_id: 'c', at: item.started_at, text: '', items: [item] };
    const read = wireOf(alertMessage).parse({ id: '0199c0de-0000-7000-8000-000000000000', ...kept });
    expect(read).toMatchObject({ ok: true, value: { items: [{ objective: null }] } });
  });

  it.each([
    [0, 'less than a second'],
    [1, '1 s'],
    [59.6, '1 min'],
    [240, '4 min'],
    [3_601, '1 h'],
    [3_720, '1 h 2 min'],
    [90_061, '1 d 1 h'],
    [172_805, '2 d'],
  ])('says %d seconds as %s', (seconds, words) => {
    expect(inWords(seconds)).toBe(words);
  });
});

/** An alert of something critical that its channel was told of at 1,000, and is reminded of every minute. */
const alertOf = (more: Partial<AlertRecord> = {}, trouble: Partial<AlertRecord['trouble']> = {}): AlertRecord => ({
  ...{ tenantId: 't', channelId: 'c', reminderMs: 60_000, held: null, dueAt: null, messageId: null, onItsWay: null },
  told: { kind: 'opened', severity: 'critical', at: 1_000 },
  trouble: {
    ...{ incidentId: 'i', endpointId: 'e', endpointName: 'web', severity: 'critical', text: '', tags: [] },
    ...{ startedAt: 0, resolvedAt: null, acknowledged: false, flapping: false },
    ...trouble,
  },
  ...more,
});

describe('what there is to tell', () => {
  it.each<[string, AlertRecord, number, Telling | undefined]>([
    ['the beginning, to who was told nothing', alertOf({ told: null }), 0, 'opened'],
    ['that it is worse', alertOf({}, { severity: 'offline' }), 0, 'worsened'],
    ['nothing, when it is milder', alertOf({}, { severity: 'degraded' }), 0, undefined],
    ['nothing, just before a reminder', alertOf(), 60_999, undefined],
    ['a reminder, at its time', alertOf(), 61_000, 'reminder'],
    ['no reminder of what somebody looks after', alertOf({}, { acknowledged: true }), 61_000, undefined],
    ['no reminder where none is wanted', alertOf({ reminderMs: null }), 61_000, undefined],
    ['the end', alertOf({}, { resolvedAt: 5 }), 61_000, 'resolved'],
    [
      'the end once',
      alertOf({ told: { kind: 'resolved', severity: 'critical', at: 5 } }, { resolvedAt: 5 }),
      61_000,
      undefined,
    ],
  ])('is %s', (_, alert, now, telling) => {
    expect(tellingOf(alert, now)).toBe(telling);
  });

  it('is expected when a reminder is due, and never of what is over, looked after or not told yet', () => {
    expect(reminderAt(alertOf())).toBe(61_000);
    expect(reminderAt(alertOf({ reminderMs: null }))).toBeNull();
    expect(reminderAt(alertOf({ told: null }))).toBeNull();
    expect(reminderAt(alertOf({}, { acknowledged: true }))).toBeNull();
    expect(reminderAt(alertOf({}, { resolvedAt: 5 }))).toBeNull();
  });
});

describe('news', () => {
  const newsOf = (trouble: Partial<AlertRecord['trouble']>, groupMs = 500) => ({
    ...{ tenantId: 't', channelId: 'c', isWanted: true, reminderMs: 60_000, groupMs, now: 2_000 },
    trouble: alertOf({}, trouble).trouble,
  });

  it('leave what somebody looks after looked after', () => {
    const acknowledged = alertOf({}, { acknowledged: true });
    expect(afterNews(acknowledged, newsOf({ severity: 'offline' }))?.trouble.acknowledged).toBe(true);
    expect(afterNews(alertOf(), newsOf({ acknowledged: true }))?.trouble.acknowledged).toBe(true);
  });

  it('of an acknowledgement change nothing else of what there is to tell', () => {
    const found = { severity: 'offline', code: 'timeout', text: 'No answer in time' } as const;
    const untold = alertOf({ told: null, dueAt: 2_100 }, found);
    const remark = newsOf({ acknowledged: true, severity: 'critical', code: null, text: 'On my way' });
    expect(afterNews(untold, remark)).toEqual({ ...untold, trouble: { ...untold.trouble, acknowledged: true } });
  });

  it('wait for a message that is on its way, whatever they are', () => {
    const known = inMessage(alertOf(), 'm');
    const after = { dueAt: null, onItsWay: { hasNews: true } };
    expect(afterNews(known, newsOf({ severity: 'offline' }))).toMatchObject(after);
    expect(afterNews(known, newsOf({ resolvedAt: 5 }))).toMatchObject(after);
    expect(afterNews(known, newsOf({ text: 'the same' }))).toMatchObject({ dueAt: null, onItsWay: { hasNews: false } });
  });

  it('wait for more to come, and put off nothing that is due before', () => {
    const worse = newsOf({ severity: 'offline' });
    expect(afterNews(alertOf(), worse)?.dueAt).toBe(2_500);
    expect(afterNews(alertOf({ dueAt: 2_100 }), worse)?.dueAt).toBe(2_100);
    expect(afterNews(alertOf({ dueAt: 61_000 }), worse)?.dueAt).toBe(2_500);
    expect(afterNews(alertOf({ dueAt: 61_000 }), newsOf({ text: 'the same' }))?.dueAt).toBe(61_000);
  });
});

describe('an alert as rules and channels are now', () => {
  const [wanted, off, meansNothing] = [
    { isEnabled: true, isMeant: true, reminderMs: 30_000 },
    { isEnabled: false, isMeant: true, reminderMs: 30_000 },
    { isEnabled: true, isMeant: false, reminderMs: null },
  ];

  it('goes when nobody was told, and nobody is to be', () => {
    const waiting = alertOf({ told: null, dueAt: 5 });
    expect(asWanted(waiting, wanted, 9)).toEqual({ ...waiting, reminderMs: 30_000 });
    expect(asWanted(waiting, off, 9)).toBeNull();
    expect(asWanted(waiting, meansNothing, 9)).toBeNull();
  });

  it('is told to its end, whatever its rules are, unless its channel is disabled', () => {
    const over = alertOf({ dueAt: 5 }, { resolvedAt: 4 });
    expect(asWanted(over, wanted, 9)).toEqual({ ...over, reminderMs: 30_000 });
    expect(asWanted(over, meansNothing, 9)).toEqual({ ...over, reminderMs: null });
    expect(asWanted(over, off, 9)).toBeNull();
  });

  it('is kept and put off as long as it lasts, where nobody is to hear of it for now', () => {
    const lasting = alertOf({ dueAt: 5, held: 'Held', messageId: 'm' });
    expect(asWanted(lasting, wanted, 9)).toEqual({ ...lasting, reminderMs: 30_000 });
    const putOff = { ...lasting, held: null, messageId: null };
    expect(asWanted(lasting, off, 9)).toEqual({ ...putOff, reminderMs: 30_000, dueAt: 30_009 });
    expect(asWanted(lasting, meansNothing, 9)).toEqual({ ...putOff, reminderMs: null, dueAt: null });
  });
});

describe('an alert after its message', () => {
  const delivered = { messageId: 'm', kind: 'opened', severity: 'critical', now: 2_000 } as const;
  const told = { kind: 'opened', severity: 'critical', at: 2_000 };

  it('waits for its next reminder, or for nothing', () => {
    const known = alertOf({ told: null, messageId: 'm' });
    expect(afterTelling(known, delivered)).toMatchObject({ told, messageId: null, dueAt: 62_000 });
    expect(afterTelling({ ...known, reminderMs: null }, delivered)).toMatchObject({ told, dueAt: null });
    const over = alertOf({ messageId: 'm' }, { resolvedAt: 1_500 });
    expect(afterTelling(over, { ...delivered, kind: 'resolved' })).toBeNull();
  });

  it('begins anew when its budget burns again by the time that the end of it is told', () => {
    const end = { ...delivered, kind: 'resolved' } as const;
    const burn = { objectiveId: 'o', rate: 20, windowDays: 28, left: 0.5 };
    const ending = inMessage(alertOf({}, { burn, resolvedAt: 1_500 }), 'm');
    const news = { tenantId: 't', channelId: 'c', isWanted: true, reminderMs: 60_000, groupMs: 500, now: 1_900 };
    const again = afterNews(ending, { ...news, trouble: { ...ending.trouble, resolvedAt: null } });
    const anew = again && afterTelling(again, end);
    expect(anew).toMatchObject({ told: null, messageId: null, onItsWay: null, dueAt: 2_000 });
    expect(anew && tellingOf(anew, 2_000)).toBe('opened');
    // Told of again by another message, which is on its way.
    const moved = again && afterTelling({ ...again, messageId: 'next' }, end);
    expect(moved).toMatchObject({ told: null, messageId: 'next', onItsWay: { hasNews: false }, dueAt: null });
  });

  it('keeps what came meanwhile: its time, and the message that it is in by now', () => {
    const due = alertOf({ messageId: 'm', dueAt: 2_100 });
    expect(afterTelling(due, delivered)).toMatchObject({ told, messageId: null, dueAt: 2_100 });
    const moved = alertOf({ messageId: 'next' });
    expect(afterTelling(moved, delivered)).toMatchObject({ told, messageId: 'next', dueAt: null });
  });

  it('that was given up is looked at again when there would be something to remind of', () => {
    expect(afterGivingUp(alertOf(), 2_000)).toMatchObject({ dueAt: 62_000 });
    expect(afterGivingUp(alertOf({ dueAt: 2_100 }), 2_000)).toMatchObject({ dueAt: 2_100 });
    expect(afterGivingUp(alertOf({ reminderMs: null }), 2_000)).toMatchObject({ dueAt: null });
    expect(afterGivingUp(alertOf({}, { acknowledged: true }), 2_000)).toMatchObject({ dueAt: null });
    expect(afterGivingUp(alertOf({}, { resolvedAt: 5 }), 2_000)).toMatchObject({ dueAt: null });
  });

  it('tells at once what came while that was on its way', () => {
    const known = inMessage(alertOf({ dueAt: 1_900 }), 'm');
    expect(known).toMatchObject({ messageId: 'm', dueAt: null, onItsWay: { hasNews: false } });
    const after = { ...known, onItsWay: { hasNews: true } };
    expect(afterTelling(after, delivered)).toMatchObject({ told, messageId: null, onItsWay: null, dueAt: 2_000 });
    expect(afterGivingUp(after, 2_000)).toMatchObject({ messageId: 'm', onItsWay: null, dueAt: 2_000 });
    expect(outOfMessage(after, 2_000)).toMatchObject({ messageId: null, onItsWay: null, dueAt: 2_000 });
    expect(outOfMessage(known, 2_000)).toMatchObject({ messageId: null, onItsWay: null, dueAt: 61_000 });
  });

  it('is on its way again when that is tried again, with all that was to be told', () => {
    expect(onItsWayAgain(alertOf({ messageId: 'm' }))).toMatchObject({ onItsWay: { hasNews: false }, dueAt: null });
    const due = alertOf({ messageId: 'm', dueAt: 5 });
    expect(onItsWayAgain(due)).toMatchObject({ onItsWay: { hasNews: true }, dueAt: null });
  });
});

describe('an alert whose incident is over', () => {
  it('stays so whatever news come late', () => {
    const severity: AlertSeverity = 'critical';
    const trouble: AlertRecord['trouble'] = {
      ...{ incidentId: 'i', endpointId: 'e', endpointName: 'web', severity, text: '', tags: [] },
      ...{ startedAt: 0, resolvedAt: 5, acknowledged: false, flapping: false },
    };
    const known: AlertRecord = {
      ...{ tenantId: 't', channelId: 'c', trouble, told: { kind: 'opened' as const, severity, at: 1 } },
      ...{ reminderMs: 60_000, held: null, dueAt: 6, messageId: null, onItsWay: null },
    };
    const late = { ...trouble, severity: 'offline', resolvedAt: null } as const;
    const news = { tenantId: 't', channelId: 'c', isWanted: true, reminderMs: 60_000, groupMs: 0, now: 9 };
    expect(afterNews(known, { ...news, trouble: late })).toBeUndefined();
    const burn = { objectiveId: 'o', rate: 20, windowDays: 28, left: 0.5 };
    expect(afterNews(known, { ...news, trouble: { ...late, burn } })).toMatchObject({ trouble: { resolvedAt: null } });
  });
});
