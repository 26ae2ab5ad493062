import { describe, expect, it } from 'vitest';
import { alertRuleInput, isMeant, reminderMsOf, stillHolds, type AlertRule } from '../../src/alerts/rule.js';
import type { AlertSeverity } from '../../src/alerts/severity.js';

const rule = (more: Partial<AlertRule> = {}): AlertRule => ({
  ...{ id: 'r', name: 'all', channelIds: ['c'], tags: [], reminderInterval: null, enabled: true },
  ...{ severities: ['critical', 'offline'], createdAt: 0, updatedAt: 0 },
  ...more,
});
const trouble = (severity: AlertSeverity, tags: string[] = []) => ({ severity, tags });

describe('a rule', () => {
  it('means what is of one of its severities, and of any of its tags or of all where it names none', () => {
    expect(isMeant(rule(), trouble('critical'))).toBe(true);
    expect(isMeant(rule(), trouble('degraded'))).toBe(false);
    const tagged = rule({ tags: ['core', 'edge'] });
    expect(isMeant(tagged, trouble('offline', ['edge', 'berlin']))).toBe(true);
    expect(isMeant(tagged, trouble('offline', ['berlin']))).toBe(false);
    expect(isMeant(tagged, trouble('offline'))).toBe(false);
    expect(isMeant(rule({ enabled: false }), trouble('offline'))).toBe(false);
  });

  it('holds for an incident as long as that is as bad as one of its severities, or worse', () => {
    const critical = rule({ severities: ['critical'] });
    expect(isMeant(critical, trouble('offline'))).toBe(false);
    expect(stillHolds(critical, trouble('offline'))).toBe(true);
    expect(stillHolds(critical, trouble('critical'))).toBe(true);
    expect(stillHolds(critical, trouble('degraded'))).toBe(false);
    expect(stillHolds(rule({ enabled: false }), trouble('offline'))).toBe(false);
    expect(stillHolds(rule({ tags: ['core'] }), trouble('offline', ['edge']))).toBe(false);
  });

  it('holds for a budget that burns as it asks for, and no worse', () => {
    const burn = { objectiveId: 'o', rate: 20, windowDays: 28, left: 0.5 };
    const ticket = rule({ severities: ['ticket'] });
    expect(stillHolds(ticket, { ...trouble('ticket'), burn })).toBe(true);
    expect(stillHolds(ticket, { ...trouble('page'), burn })).toBe(false);
  });

  it('of those of one channel that asks the most often sets how often it reminds', () => {
    expect(reminderMsOf([{ reminderInterval: 600 }, { reminderInterval: null }, { reminderInterval: 60 }])).toBe(
      60_000,
    );
    expect(reminderMsOf([{ reminderInterval: null }])).toBeNull();
    expect(reminderMsOf([])).toBeNull();
  });

  it('that says nothing else tells of what is critical or offline, of all tags, and does not remind', () => {
    expect(alertRuleInput.parse({ name: 'all', channelIds: ['0199c0de-0000-7000-8000-000000000000'] })).toMatchObject({
      ...{ severities: ['critical', 'offline'], tags: [], reminderInterval: null, enabled: true },
    });
  });
});
