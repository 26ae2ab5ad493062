import type { EndpointStatus } from '../endpoints/endpoint.js';

/** What a badge says: on the left what it is about, on the right how that is. */
export interface Badge {
  label: string;
  value: string;
  /** `#rrggbb`, dark enough for white text. */
  colour: string;
}

const [grey, green, amber, red, darkRed] = ['#5f6368', '#2c7a3f', '#8a5a00', '#b3261e', '#7f1d1d'];
const statusColours: Record<EndpointStatus, string> = {
  healthy: green,
  degraded: amber,
  critical: red,
  offline: darkRed,
  unknown: grey,
};
/** From this percentage on. */
const uptimeColours = [
  [99.9, green],
  [99, '#56700f'],
  [95, amber],
  [0, red],
] as const;

/** A badge of a status. */
export function statusBadge(label: string, status: EndpointStatus): Badge {
  return { label, value: status, colour: statusColours[status] };
}

/** A badge of an uptime in percent, rounded down: what was not all of the time does not say 100. */
export function uptimeBadge(label: string, percent: number | null): Badge {
  if (percent === null) return { label, value: 'no data', colour: grey };
  const [, colour] = uptimeColours.find(([from]) => percent >= from) ?? [0, red];
  return { label, value: `${Math.floor(percent * 100) / 100} %`, colour };
}

const [height, padding, longest] = [20, 6, 60];

/**
 * A badge as SVG: no script, no reference to anything, and as wide as its text, which is reckoned from the widths of
 * Verdana's characters at 11 px and then fitted, so that it fits in every font.
 */
export function svgOf({ label, value, colour }: Badge): string {
  const [left, right] = [shortened(label), shortened(value)];
  const [leftText, rightText] = [widthOf(left), widthOf(right)];
  const [split, width] = [leftText + 2 * padding, leftText + rightText + 4 * padding];
  const text = (what: string, from: number, length: number): string =>
    `<text x="${from + padding}" y="14" textLength="${length}" lengthAdjust="spacingAndGlyphs">${escaped(what)}</text>`;
  const said = escaped(`${left}: ${right}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img" aria-label="${said}">`,
    `<title>${said}</title>`,
    `<clipPath id="r"><rect width="${width}" height="${height}" rx="3"/></clipPath>`,
    `<g clip-path="url(#r)"><rect width="${split}" height="${height}" fill="#444"/>`,
    `<rect x="${split}" width="${width - split}" height="${height}" fill="${colour}"/></g>`,
    `<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">`,
    text(left, 0, leftText),
    text(right, split, rightText),
    `</g></svg>`,
  ].join('');
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
// What XML 1.0 has no way to say: controls, halves of surrogate pairs, and two that are no characters.
// eslint-disable-next-line no-control-regex
const unsayable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escaped(text: string): string {
  return text.replace(unsayable, '\ufffd').replace(/[&<>"']/g, (sign) => entities[sign] ?? '');
}

function shortened(text: string): string {
  const signs = [...text];
  return signs.length > longest ? `${signs.slice(0, longest - 1).join('')}…` : text;
}

/** Px by kinds of characters, the first that fits. */
const widths: readonly (readonly [RegExp, number])[] = [
  [/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\p{Extended_Pictographic}]/u, 12],
  [/\p{M}/u, 0],
  [/[mwMW%@—…]/, 10.5],
  [/[ijl|!.,:;']/, 3.4],
  [/[frt ()[\]/\\-]/, 4.6],
  [/[A-Z]/, 7.8],
];

function widthOf(text: string): number {
  const px = [...text].reduce((sum, sign) => sum + (widths.find(([kind]) => kind.test(sign))?.[1] ?? 6.9), 0);
  return Math.max(1, Math.ceil(px));
}
