import { timeZoneOf } from '@dotmac/core';
import { weekDays, type AllowedWindow } from './allowed-window.js';

/** When work may begin. Instants are epoch ms. */
export interface OpeningHours {
  isOpen(at: number): boolean;
  /** When it next opens, after an instant at which it is shut; null when it never does. */
  opensAt(after: number): number | null;
  /** When it shuts, after an instant at which it is open; null when it never does. */
  closesAt(at: number): number | null;
}

/** A window on one day, in wall time. */
interface Span {
  from: number;
  until: number;
}

const [minuteMs, dayMs] = [60_000, 86_400_000];
/** Windows repeat by the week; a change of the clocks can leave one out: none opens later. */
export const farthestDays = 15;
/** Windows that touch are one; those that are open all week have no end. */
const mostJoined = 30;

const always: OpeningHours = { isOpen: () => true, opensAt: (after) => after, closesAt: () => null };

/**
 * The hours of some windows, as the clocks of a time zone show them: twice of what they show twice, and nothing of what they
 * leave out. No window at all means always.
 * @throws INVALID_ARGUMENT when there is no such time zone
 */
export function openingHours(windows: readonly AllowedWindow[], timeZone: string): OpeningHours {
  if (windows.length === 0) return always;
  const zone = timeZoneOf(timeZone);
  const wallOf = (at: number): number => at + zone.offset(at);
  const spansOn = (day: number): Span[] =>
    windows.flatMap(({ days, from, until }) => {
      if (!days.some((name) => weekDays.indexOf(name) === new Date(day).getUTCDay())) return [];
      const [begin, end] = [minutesOf(from), minutesOf(until)];
      return [{ from: day + begin * minuteMs, until: day + end * minuteMs + (end <= begin ? dayMs : 0) }];
    });
  /** When what is open at an instant shuts, or the clocks are changed before: what they show then is looked at anew. */
  const untilAt = (at: number): number | undefined => {
    const wall = wallOf(at);
    const today = dayOf(wall);
    const spans = [...spansOn(today - dayMs), ...spansOn(today)];
    const ends = spans.filter((span) => span.from <= wall && wall < span.until).map(({ until }) => until);
    if (ends.length === 0) return undefined;
    const shuts = at + Math.max(...ends) - wall;
    return zone.nextChange(at, shuts) ?? shuts;
  };
  const isOpen = (at: number): boolean => untilAt(at) !== undefined;
  /** The first beginning after an instant, by clocks that stay as they are then. */
  const beginAfter = (at: number): number | null => {
    const offset = zone.offset(at);
    const today = dayOf(at + offset);
    for (let day = today; day <= today + farthestDays * dayMs; day += dayMs) {
      const begins = spansOn(day).map(({ from }) => from - offset);
      const later = begins.filter((begin) => begin > at);
      if (later.length > 0) return Math.min(...later);
    }
    return null;
  };
  return {
    isOpen,
    opensAt: remembering((after) => {
      const farthest = after + farthestDays * dayMs;
      for (let from = after; ;) {
        const begin = beginAfter(from);
        const change = zone.nextChange(from, begin ?? farthest);
        if (change === null) return begin;
        if (isOpen(change)) return change;
        from = change;
      }
    }),
    closesAt: remembering((at) => {
      let end = untilAt(at);
      for (let joined = 0; end !== undefined; joined++) {
        const next = untilAt(end);
        if (next === undefined) return end;
        if (joined >= mostJoined) return null;
        end = next;
      }
      return null;
    }),
  };
}

/** What comes after an instant comes as well after all those until then: slots are asked for one after another. */
function remembering(ask: (at: number) => number | null): (at: number) => number | null {
  let [from, until] = [Infinity, -Infinity];
  return (at) => {
    if (at >= from && at < until) return until;
    const found = ask(at);
    if (found !== null) [from, until] = [at, found];
    return found;
  };
}

const dayOf = (wall: number): number => Math.floor(wall / dayMs) * dayMs;

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
