import { expect, it } from 'vitest';
import { idPageQuery, instant, pageAfter, parkedPageQuery, printable } from '../../src/contract/index.js';

it('a line of text has no half of a character: no database keeps it as it is', () => {
  for (const text of ['Neo', '💥', 'Ключ', '']) expect(printable.safeParse(text).success).toBe(true);
  for (const text of ['\ud800', 'a\udc00b', '💥\ud83d', '\u0000'])
    expect(printable.safeParse(text).success).toBe(false);
});

it('an instant is of the years that can be written, whatever its offset', () => {
  expect(instant.parse('9999-12-31T23:59:59.999Z')).toBe(253_402_300_799_999);
  for (const text of ['9999-12-31T23:59:59-00:01', '0000-01-01T00:00:00+00:01', '2026-02-30T00:00:00Z'])
    expect(instant.safeParse(text).success).toBe(false);
});

it('a cursor of a list of ids is an id: not every database compares its ids with any text', () => {
  const cursor = '01a22701-20f0-72fa-b5f5-74605a09d508';
  expect(idPageQuery.parse({ cursor })).toMatchObject({ limit: 50 });
  for (const wrong of ['', 'ß', 'a b', 'x'.repeat(65), 'garbage', `${cursor} `, '1.2'])
    expect(idPageQuery.safeParse({ cursor: wrong }).success).toBe(false);
});

it('a list that is asked for in code begins where its query says, and is refused what that refuses', () => {
  expect(pageAfter(parkedPageQuery, '1700000000000.12')).toBe('1700000000000.12');
  expect(pageAfter(idPageQuery, undefined)).toBeNull();
  expect(() => pageAfter(parkedPageQuery, '01a22701-20f0-72fa-b5f5-74605a09d508')).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT', issues: [expect.objectContaining({ path: 'cursor' })] }) as Error,
  );
});
