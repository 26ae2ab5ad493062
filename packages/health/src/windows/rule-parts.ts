const day = '(?:MO|TU|WE|TH|FR|SA|SU)';
const listOf = (item: string): RegExp => new RegExp(`^${item}(?:,${item}){0,30}$`);

/** What a rule may say: nothing finer than days, and no number that would be searched for without end. */
const parts: Readonly<Record<string, RegExp>> = {
  FREQ: /^(?:DAILY|WEEKLY|MONTHLY|YEARLY)$/,
  INTERVAL: /^[1-9]\d?$/,
  COUNT: /^[1-9]\d{0,3}$/,
  UNTIL: /^\d{8}T\d{6}Z$/,
  BYDAY: listOf(`(?:[-+]?[1-9]\\d?)?${day}`),
  BYMONTHDAY: listOf('[-+]?[1-9]\\d?'),
  BYMONTH: listOf('[1-9]\\d?'),
  BYSETPOS: listOf('[-+]?[1-9]\\d{0,2}'),
  WKST: new RegExp(`^${day}$`),
};

/** {@link parts} for people. */
export const ruleParts =
  'FREQ=DAILY, WEEKLY, MONTHLY or YEARLY; INTERVAL up to 99; COUNT up to 9999; UNTIL in UTC; BYDAY; BYMONTHDAY; BYMONTH; BYSETPOS; WKST';

/** What keeps a recurrence rule (RFC 5545, 3.3.10) from being one that is understood here; undefined when nothing does. */
export function faultOfRule(rule: string): string | undefined {
  const said = new Map<string, string>();
  for (const [index, part] of rule.split(';').entries()) {
    const [name = '', value = ''] = part.split('=', 2);
    const isKnown = Object.hasOwn(parts, name) && part === `${name}=${value}` && parts[name]?.test(value);
    if (!isKnown) return `Part ${index + 1} of the rule is none of these: ${ruleParts}`;
    if (said.has(name)) return `Part ${index + 1} of the rule says ${name} a second time`;
    said.set(name, value);
  }
  const frequency = said.get('FREQ');
  if (frequency === undefined) return 'The rule has no FREQ';
  if (said.has('COUNT') && said.has('UNTIL')) return 'A rule ends by COUNT or by UNTIL, not by both';
  if (/\d/.test(said.get('BYDAY') ?? '') && !/^(?:MONTHLY|YEARLY)$/.test(frequency))
    return 'Days are counted (BYDAY=2TU) in monthly and yearly rules alone';
  if (said.has('BYMONTHDAY') && frequency === 'WEEKLY') return 'A weekly rule has no BYMONTHDAY';
  if (said.has('BYSETPOS') && ![...said.keys()].some((name) => /^BY(?!SETPOS)/.test(name)))
    return 'BYSETPOS chooses among what another BY part gives: there is none';
  return undefined;
}
