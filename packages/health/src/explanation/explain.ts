import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus } from '../endpoints/endpoint.js';
import { outcomeCode } from '../probes/outcomes.js';
import { shownResult } from '../history/shown-result.js';
import { inWords, isoMinute } from '../alerts/wording.js';
import { policyOf } from '../monitoring/policy.js';
import type { KeptEndpoint } from '../monitoring/directory.js';

/** Why an endpoint is in the state that it is in. */
export const explanation = z
  .object({
    endpointId: id,
    status: endpointStatus,
    code: outcomeCode.meta({ description: 'What the last check found, for programs' }),
    since: instant.nullable().meta({ description: 'When the first of the checks came that made it so' }),
    reasons: z.array(
      z.object({
        code: z.enum([
          ...(['paused', 'unchecked', 'last_check', 'worsening', 'mending', 'own_trouble', 'flapping'] as const),
          ...(['incident', 'maintenance', 'suppressed', 'unmonitored'] as const),
        ]),
        text: z.string().meta({ description: 'A sentence' }),
      }),
    ),
    counters: z
      .object({
        worse: z.int().meta({ description: 'Results in a row that are worse than the status' }),
        worseSince: instant.nullable().meta({ description: 'When the first of them came' }),
        better: z.int().meta({ description: 'Results in a row that are better than the status' }),
        betterSince: instant.nullable(),
        ownTrouble: z.int().meta({ description: 'Checks in a row that could not be made' }),
        flapping: z.boolean().meta({ description: 'It comes and goes; one incident lasts as long as that does' }),
      })
      .meta({ description: 'What is counted until the status changes' }),
    thresholds: z
      .object({
        retryCount: z
          .int()
          .meta({ description: 'So many worse ones worsen it, and troubles of our own make it unknown' }),
        minErrorTime: z.number().meta({ description: 'Seconds that worse ones must last besides' }),
        recoveryCount: z.int().meta({ description: 'So many better ones mend it' }),
        recoveryResponseTime: z.number().nullable().meta({ description: 'Seconds within which a degraded one mends' }),
        expectedResponseTime: z.number().meta({ description: 'Seconds; slower is degraded' }),
      })
      .meta({ description: 'When it does' }),
    monitoredBy: z
      .string()
      .nullable()
      .meta({ description: 'What the process is called that checks it; null when none does' }),
    nextCheckAt: instant
      .nullable()
      .meta({ description: 'When it is checked next; null when that is not planned by the answering process' }),
    recent: z.array(shownResult).meta({ description: 'The last checks, newest first' }),
  })
  .meta({ id: 'Explanation' });

/** @see explanation */
export type Explanation = z.output<typeof explanation>;
/** One of the reasons. */
export type Reason = Explanation['reasons'][number];

/** What is known beside the endpoint itself. */
export interface Circumstances {
  now: number;
  /** The maintenance window over it. */
  window: { name: string; until: number } | undefined;
  /** Whose trouble its trouble is. */
  suppressor: { name: string } | undefined;
  /** The process that checks it. */
  monitoredBy: string | null;
}

/** What is counted of an endpoint, and where it changes its status. */
export function countsOf(kept: KeptEndpoint): Pick<Explanation, 'counters' | 'thresholds'> {
  const { worse, worseSince, better, betterSince, blind: ownTrouble, isFlapping: flapping } = kept;
  const { retryCount, minErrorTime, recoveryCount, recoveryResponseTime, expectedResponseTime } = kept.endpoint;
  return {
    counters: { worse, worseSince, better, betterSince, ownTrouble, flapping },
    thresholds: { retryCount, minErrorTime, recoveryCount, recoveryResponseTime, expectedResponseTime },
  };
}

/** The reasons for an endpoint's state, in the order in which one would tell them. */
export function reasonsFor(kept: KeptEndpoint, { now, window, suppressor, monitoredBy }: Circumstances): Reason[] {
  const { endpoint, status, checkedAt, message, worse, worseSince, better, blind, incident } = kept;
  const policy = policyOf(endpoint);
  const reasons: Reason[] = [];
  const tell = (code: Reason['code'], text: string): void => void reasons.push({ code, text });
  const ago = (at: number): string => `${inWords(Math.max(0, now - at) / 1_000)} ago`;
  if (endpoint.pausedAt !== null)
    tell('paused', `It is paused since ${isoMinute(endpoint.pausedAt)}, and not checked.`);
  else if (checkedAt === null) tell('unchecked', 'It was not checked yet.');
  else tell('last_check', `The last check, ${ago(checkedAt)}, said: ${message}.`);
  if (worse > 0) {
    const lasted = worseSince === null || checkedAt === null ? 0 : (checkedAt - worseSince) / 1_000;
    const wait = policy.minErrorMs === 0 ? '' : `, for ${inWords(lasted)} of ${inWords(policy.minErrorMs / 1_000)}`;
    tell('worsening', `${worse} of ${policy.retryCount} worse results in a row${wait}: it is still ${status}.`);
  }
  if (better > 0)
    tell('mending', `${better} of ${policy.recoveryCount} better results in a row: it is still ${status}.`);
  if (blind > 0)
    tell(
      'own_trouble',
      `${blind} of ${policy.retryCount} checks in a row could not be made, which is our own trouble.`,
    );
  if (kept.isFlapping) tell('flapping', 'It comes and goes: one incident lasts as long as that does.');
  if (incident)
    tell('incident', `An incident is open since ${isoMinute(incident.startedAt)}, ${incident.severity} at its worst.`);
  if (window) tell('maintenance', `"${window.name}" lasts until ${isoMinute(window.until)}: nobody is told meanwhile.`);
  if (suppressor) tell('suppressed', `It depends on "${suppressor.name}", whose trouble this is.`);
  if (monitoredBy === null) tell('unmonitored', 'No process monitors at the moment: nothing is checked.');
  return reasons;
}
