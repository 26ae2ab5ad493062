const dayMs = 86_400_000;
const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** The date of a day since 1970, by Howard Hinnant's `civil_from_days` (https://howardhinnant.github.io/date_algorithms.html). */
function dateOf(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = String(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)).padStart(4, '0');
  return `${year}-${two(month)}-${two(day)}`;
}

/** Instants of one answer are mostly of one day. */
let lastDay = { days: 0, date: '1970-01-01' };

/**
 * `new Date(epochMs).toISOString()` in a fraction of the time: a summary of many endpoints is mostly instants.
 * Outside the years 0 to 9999 it is Date's own answer, or its RangeError.
 */
export function isoInstant(epochMs: number): string {
  if (!(epochMs >= -62_167_219_200_000 && epochMs < 253_402_300_800_000)) return new Date(epochMs).toISOString();
  const days = Math.floor(epochMs / dayMs);
  const ms = Math.floor(epochMs - days * dayMs);
  if (days !== lastDay.days) lastDay = { days, date: dateOf(days) };
  const seconds = Math.floor(ms / 1_000);
  const fraction = ms - seconds * 1_000;
  const hour = two(Math.floor(seconds / 3_600));
  const minute = two(Math.floor(seconds / 60) % 60);
  const padding = fraction < 10 ? '00' : fraction < 100 ? '0' : '';
  return `${lastDay.date}T${hour}:${minute}:${two(seconds % 60)}.${padding}${fraction}Z`;
}
