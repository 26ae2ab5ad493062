import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus, type EndpointStatus } from '../endpoints/endpoint.js';
import { incidentSeverity } from '../incidents/incident.js';
import { changeIncident, turnOf, type IncidentChange, type OpenIncident } from '../incidents/open-close.js';
import { createPager } from './pages.js';
import { keptCode, outcomeCode, type Code } from '../probes/outcomes.js';
import { observe, unchecked, type Outcome, type StatusPolicy } from '../monitoring/status.js';

const seconds = z.number();

/** What would have come of it. */
export const simulation = z
  .object({
    from: instant.nullable().meta({ description: 'The first of the results that it goes by' }),
    until: instant.nullable().meta({ description: 'The last of them' }),
    results: z.int(),
    transitions: z.array(
      z.object({
        at: instant,
        from: endpointStatus,
        to: endpointStatus,
        code: outcomeCode.meta({ description: 'What the check found that decided it, for programs' }),
        since: instant,
      }),
    ),
    incidents: z.array(
      z.object({
        severity: incidentSeverity.meta({ description: 'The worst' }),
        startedAt: instant,
        openedAt: instant,
        resolvedAt: instant.nullable(),
      }),
    ),
    pages: z.int().meta({
      description:
        'How often a channel and a rule with default settings would have told of a beginning or a worsening; windows and dependencies aside',
    }),
    seconds: z
      .object({ healthy: seconds, degraded: seconds, critical: seconds, offline: seconds, unknown: seconds })
      .meta({ description: 'How long it would have been what' }),
    flapped: z.boolean().meta({ description: 'Whether it would have come and gone too often' }),
  })
  .meta({ id: 'Simulation' });

/** @see simulation */
export type Simulation = z.output<typeof simulation>;

/**
 * What a policy would have made of results, the oldest first: would it have paged me?
 *
 * @example
 * const { pages, incidents } = simulate(outcomes, { retryCount: 3, recoveryCount: 1, minErrorMs: 0, recoveryResponseMs: null });
 */
export function simulate(outcomes: readonly (Outcome & { code?: Code })[], policy: StatusPolicy): Simulation {
  const pager = createPager();
  let state = unchecked;
  let open: OpenIncident | null = null;
  const transitions: Simulation['transitions'] = [];
  const incidents: Simulation['incidents'] = [];
  const seconds: Record<EndpointStatus, number> = { healthy: 0, degraded: 0, critical: 0, offline: 0, unknown: 0 };
  let [flapped, before] = [false, outcomes[0]?.at ?? 0];
  for (const outcome of outcomes) {
    const { at } = outcome;
    const { status: from } = state;
    seconds[from] += (at - before) / 1_000;
    before = at;
    const was = state;
    state = observe(state, outcome, policy);
    flapped ||= state.isFlapping;
    const code = keptCode(outcome.status, outcome.code);
    if (state.status !== from) transitions.push({ at, from, to: state.status, code, since: state.since ?? at });
    const turn = turnOf(was, state, { at, isOpen: open !== null });
    const change: IncidentChange | undefined = turn && changeIncident(open, turn, () => '');
    if (!turn || !change) continue;
    const { since } = turn;
    const last = incidents.at(-1);
    if (change.kind === 'opened')
      incidents.push({
        severity: change.open?.severity ?? 'offline',
        startedAt: since,
        openedAt: at,
        resolvedAt: null,
      });
    else if (last && change.kind === 'resolved') last.resolvedAt = since;
    else if (last && change.open) last.severity = change.open.severity;
    const { severity = 'offline' } = change.open ?? open ?? {};
    if (change.kind !== 'eased')
      pager.news(
        {
          ...{ incidentId: String(incidents.length), endpointId: '', endpointName: '', text: '', tags: [] },
          ...{ severity, startedAt: since, resolvedAt: change.kind === 'resolved' ? since : null },
          ...{ acknowledged: false, flapping: state.isFlapping },
        },
        at,
      );
    open = change.open;
  }
  const [first, last] = [outcomes[0]?.at ?? null, outcomes.at(-1)?.at ?? null];
  const pages = pager.count(last ?? 0);
  return { from: first, until: last, results: outcomes.length, transitions, incidents, pages, seconds, flapped };
}
