const dayMs = 86_400_000;
const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/**
 * `new Date(epochMs).toISOString()` in a third of the time: a summary of many endpoints is mostly instants. Days to
 * date by Howard Hinnant's `civil_from_days` (https://howardhinnant.github.io/date_algorithms.html).
 * Outside the years 0 to 9999 it is Date's own answer, or its RangeError.
 */
export function isoInstant(epochMs: number): string {
  if (!(epochMs >= -62_167_219_200_000 && epochMs < 253_402_300_800_000)) return new Date(epochMs).toISOString();
  const days = Math.floor(epochMs / dayMs);
  const ms = Math.floor(epochMs - days * dayMs);
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
  const [hour, minute, second] = [
    Math.floor(ms / 3_600_000),
    Math.floor(ms / 60_000) % 60,
    Math.floor(ms / 1_000) % 60,
  ];
  const fraction = String(ms % 1_000).padStart(3, '0');
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.${fraction}Z`;
}
