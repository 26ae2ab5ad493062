import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointStatus, type EndpointStatus } from '../../src/index.js';
import { changeIncident, turnOf, type IncidentChange, type OpenIncident } from '../../src/incidents/open-close.js';
import type { StatusState } from '../../src/monitoring/status.js';

type Seen = Pick<StatusState, 'status' | 'isFlapping'>;

/** What happened in the incidents of these statuses, and the one that is open in the end. */
function run(statuses: readonly EndpointStatus[]) {
  let open: OpenIncident | null = null;
  let made = 0;
  const told: string[] = [];
  let from: EndpointStatus = 'unknown';
  for (const status of statuses) {
    const change = changeIncident(open, { from, status, since: 7, flapping: 'no' }, () => `incident ${++made}`);
    from = status;
    if (!change) continue;
    told.push(`${change.kind} ${(change.open ?? open)?.id}`);
    open = change.open;
  }
  return { told, open };
}

describe('an incident', () => {
  it('lasts from the first status that is not healthy to the first that is, and worsens and eases in between', () => {
    expect(run(['healthy', 'degraded', 'offline', 'critical', 'degraded', 'healthy', 'offline'])).toEqual({
      told: [
        'opened incident 1',
        'worsened incident 1',
        'eased incident 1',
        'eased incident 1',
        'resolved incident 1',
        'opened incident 2',
      ],
      open: { id: 'incident 2', severity: 'offline', startedAt: 7 },
    });
  });

  it('worsens again after it eased, and does neither while nobody knows', () => {
    expect(run(['offline', 'critical', 'offline', 'degraded', 'critical']).told).toEqual([
      'opened incident 1',
      'eased incident 1',
      'worsened incident 1',
      'eased incident 1',
      'worsened incident 1',
    ]);
    expect(run(['offline', 'unknown', 'offline', 'unknown', 'degraded']).told).toEqual([
      'opened incident 1',
      'eased incident 1',
    ]);
  });

  it('is neither begun nor ended by what is unknown', () => {
    expect(run(['unknown', 'offline', 'unknown', 'unknown']).told).toEqual(['opened incident 1']);
  });

  it('lasts as long as its endpoint flaps, and gets worse at the most', () => {
    const told: string[] = [];
    let open: OpenIncident | null = null;
    let before: Seen = { status: 'healthy', isFlapping: false };
    const sees = (status: EndpointStatus, isFlapping: boolean, since = 1, worse = 0): void => {
      const after = { status, isFlapping, since, worse };
      const turn = turnOf(before, after, { at: 9, isOpen: open !== null });
      const change: IncidentChange | undefined = turn && changeIncident(open, turn, () => 'one');
      before = after;
      if (!change || !turn) return;
      told.push(`${change.kind} at ${turn.since}, ${(change.open ?? open)?.severity}`);
      open = change.open;
    };
    sees('healthy', true);
    for (const status of ['offline', 'healthy', 'offline', 'healthy', 'critical', 'healthy'] as const)
      sees(status, true, 5);
    // It has just failed again, and may be on its way down.
    sees('healthy', false, 1, 1);
    expect(told).toHaveLength(2);
    for (let check = 0; check < 2; check++) sees('healthy', false);
    expect(told).toEqual(['opened at 9, critical', 'worsened at 5, offline', 'resolved at 9, offline']);
  });

  it('is not opened again by what flaps on after somebody has ended it', () => {
    const turn = turnOf(
      { status: 'offline', isFlapping: true },
      { status: 'healthy', isFlapping: true, since: 1, worse: 0 },
      { at: 2, isOpen: false },
    );
    expect(turn && changeIncident(null, turn, () => 'two')).toBeUndefined();
  });

  it('does not begin after the check that found it, though its endpoint was what it is since later by the clock', () => {
    const [before, after] = [{ status: 'healthy' as const }, { status: 'offline' as const, since: 12, worse: 0 }];
    const steady = { isFlapping: false };
    expect(turnOf({ ...before, ...steady }, { ...after, ...steady }, { at: 9, isOpen: false })?.since).toBe(9);
  });

  it('is never open twice, is resolved once, and is as severe as its worst status', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...endpointStatus.options), { maxLength: 40 }), (statuses) => {
        const { told, open } = run(statuses);
        const of = (kind: string) => told.filter((it) => it.startsWith(kind));
        expect(of('opened').length - of('resolved').length).toBe(open ? 1 : 0);
        expect(new Set(of('resolved')).size).toBe(of('resolved').length);
        const last = statuses.slice(statuses.lastIndexOf('healthy') + 1).filter((it) => it !== 'unknown');
        const worst = (['offline', 'critical', 'degraded'] as const).find((it) => last.includes(it));
        expect(open?.severity).toBe(worst);
      }),
    );
  });
});
