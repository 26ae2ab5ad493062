/** As much as one check says, in characters: it goes into rings, incidents, alerts and events. */
const mostSaid = 400;
// eslint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f]/;
const allUnprintable = new RegExp(unprintable, 'g');

/** A text as a line of at most so many characters. Not every database keeps every control character. */
export function said(text: string, most = mostSaid): string {
  const line = unprintable.test(text) ? text.replace(allUnprintable, ' ') : text;
  // Half of a pair is no character.
  return line.length <= most ? line : `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
