import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { StatusState } from '../monitoring/status.js';
import type { IncidentEntry, IncidentSeverity } from './incident.js';

/** The incident that an endpoint is in, as the monitor keeps it. */
export interface OpenIncident {
  id: string;
  /** The worst so far. */
  severity: IncidentSeverity;
  /** Epoch ms. */
  startedAt: number;
}

/** What matters to an incident: another status, or that an endpoint begins or ceases to flap. */
export interface Turn {
  /** What it was before. */
  from: EndpointStatus;
  status: EndpointStatus;
  /** When this began, epoch ms. */
  since: number;
  flapping: 'begins' | 'lasts' | 'no';
}

/** What a turn does to an incident. */
export interface IncidentChange {
  kind: Extract<IncidentEntry['kind'], 'opened' | 'worsened' | 'eased' | 'resolved'>;
  /** The incident afterwards; null when it is over. */
  open: OpenIncident | null;
}

/** How bad it is to come and go without ever being gone for long. */
const flappingIs: IncidentSeverity = 'critical';

const severities: readonly IncidentSeverity[] = ['degraded', 'critical', 'offline'];

function isWorse(one: IncidentSeverity, other: EndpointStatus): boolean {
  return severities.some((it, index) => it === other && severities.indexOf(one) > index);
}

type Seen = Pick<StatusState, 'status' | 'isFlapping'>;

/** What a check at `at` turned; nothing when that matters to no incident. @param isOpen whether there is one */
export function turnOf(
  before: Seen,
  after: Seen & Pick<StatusState, 'since' | 'worse'>,
  { at, isOpen }: { at: number; isOpen: boolean },
): Turn | undefined {
  const { status, isFlapping } = after;
  const from = before.status;
  const hasChanged = status !== from;
  const since = Math.min(after.since ?? at, at);
  const flapping = !isFlapping ? 'no' : before.isFlapping ? 'lasts' : 'begins';
  if (status !== 'healthy') return hasChanged ? { from, status, since, flapping } : undefined;
  // An endpoint may flap without its status ever changing: then that is what begins and ends. While it lasts there is
  // nothing new: who ended its incident knows of it.
  if (isFlapping) return flapping === 'begins' ? { from, status, since: at, flapping } : undefined;
  return isOver(after, isOpen) ? { from, status, since: hasChanged ? since : at, flapping } : undefined;
}

/** Whether a check has ended an incident: what flapped and has just failed again may be on its way down. */
export function isOver(
  { status, isFlapping, worse }: Pick<StatusState, 'status' | 'isFlapping' | 'worse'>,
  isOpen: boolean,
): boolean {
  return isOpen && status === 'healthy' && !isFlapping && worse === 0;
}

/**
 * What becomes of an endpoint's incident. One begins when the endpoint is not healthy any more, or flaps, whatever its
 * status; it ends when the endpoint is healthy again and does not flap; in between it worsens and eases. `unknown` is
 * trouble of our own, and changes nothing.
 * @param newId gives the id of an incident that begins
 */
export function changeIncident(
  open: OpenIncident | null,
  { from, status, since, flapping }: Turn,
  newId: () => string,
): IncidentChange | undefined {
  if (status === 'unknown') return undefined;
  if (status === 'healthy') {
    if (flapping === 'no') return open ? { kind: 'resolved', open: null } : undefined;
    if (open) return undefined;
    return { kind: 'opened', open: { id: newId(), severity: flappingIs, startedAt: since } };
  }
  if (!open) return { kind: 'opened', open: { id: newId(), severity: status, startedAt: since } };
  if (isWorse(status, open.severity)) return { kind: 'worsened', open: { ...open, severity: status } };
  // What comes and goes eases all the time.
  if (flapping !== 'no') return undefined;
  if (from !== 'unknown') return { kind: isWorse(status, from) ? 'worsened' : 'eased', open };
  // What was not known for a while is as it was.
  return status === open.severity ? undefined : { kind: 'eased', open };
}
