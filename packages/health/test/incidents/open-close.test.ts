import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointStatus, type EndpointStatus } from '../../src/index.js';
import { changeIncident, type OpenIncident } from '../../src/incidents/open-close.js';

/** What happened in the incidents of these statuses, and the one that is open in the end. */
function run(statuses: readonly EndpointStatus[]) {
  let open: OpenIncident | null = null;
  let made = 0;
  const told: string[] = [];
  for (const status of statuses) {
    const change = changeIncident(open, { status, since: 7 }, () => `incident ${++made}`);
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

  it('is neither begun nor ended by what is unknown', () => {
    expect(run(['unknown', 'offline', 'unknown', 'unknown']).told).toEqual(['opened incident 1']);
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
