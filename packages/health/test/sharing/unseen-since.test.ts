import fc from 'fast-check';
import { expect, it } from 'vitest';
import { unseenSince } from '../../src/sharing/unseen-since.js';

const lateMs = 30_000;
const hour = 3_600_000;

it('leaves no change out, however the store’s clock is set, and whatever fails', () => {
  const step = fc.record({ kind: fc.constant('step' as const), by: fc.constantFrom(hour, -hour, 5_000, -5_000) });
  const note = fc.record({ kind: fc.constant('note' as const), afterMs: fc.integer({ min: 0, max: lateMs }) });
  const pass = fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60_000 }) });
  const look = fc.record({ kind: fc.constant('look' as const), works: fc.boolean() });
  const commands = fc.array(fc.oneof(step, note, pass, look), { maxLength: 80 });
  fc.assert(
    fc.property(commands, (all) => {
      let [now, ahead, isSet] = [0, 10 * hour, false];
      const noted: { at: number; committedAt: number; isSeen: boolean }[] = [];
      const since = unseenSince(lateMs, { monotonic: () => now });
      since.begin(now + ahead);
      const looks = (works: boolean): void => {
        const from = since.look(now + ahead);
        isSet = false;
        if (!works) return;
        for (const it of noted) it.isSeen ||= it.committedAt <= now && it.at >= from;
        since.saw();
      };
      for (const command of all) {
        if (command.kind === 'pass') now += command.ms;
        else if (command.kind === 'look') looks(command.works);
        else if (command.kind === 'note')
          noted.push({ at: now + ahead, committedAt: now + command.afterMs, isSeen: false });
        else {
          // It looks every second or two: that the clock is set and set again in between is not looked for.
          if (isSet) looks(false);
          ahead += command.by;
          isSet = true;
        }
      }
      now += lateMs;
      looks(true);
      expect(noted.filter(({ isSeen }) => !isSeen)).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

it('looks no further back than a transaction can take, once the clock has run on for as long', () => {
  let now = 0;
  const since = unseenSince(lateMs, { monotonic: () => now });
  since.begin(0);
  const looks: number[] = [];
  for (; now <= 10 * lateMs; now += 2_000) {
    looks.push(since.look(now + (now > 3 * lateMs ? hour : 0)));
    since.saw();
  }
  const last = now - 2_000;
  expect(looks.at(-1)).toBeGreaterThanOrEqual(last + hour - lateMs - 4_000);
});

it('looks from a whole millisecond on, for that is what databases compare', () => {
  let [now, at] = [0.25, hour];
  const since = unseenSince(lateMs, { monotonic: () => now });
  since.begin(at);
  const looks: number[] = [];
  for (let look = 0; look < 60; look++) {
    now += 1_000.4;
    at += 1_000;
    looks.push(since.look(at));
    since.saw();
  }
  expect(looks.filter((from) => !Number.isInteger(from))).toEqual([]);
});
