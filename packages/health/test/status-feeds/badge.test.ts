import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointStatus } from '../../src/index.js';
import { statusBadge, svgOf, uptimeBadge } from '../../src/status-feeds/badge.js';

const luminance = (colour: string): number => {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const numbersIn = (svg: string, name: string) =>
  [...svg.matchAll(new RegExp(`\\b${name}="([\\d.]+)"`, 'g'))].map(([, it]) => Number(it));

describe('a badge', () => {
  it('is well-formed, whatever it is about', () => {
    const signs = fc.constantFrom('<', '>', '&', '"', "'", ']]>', '<script>', '\u0000', '\ud800', '😀', 'ü', '漢', 'a');
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(signs).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (label) => {
        const svg = svgOf(statusBadge(label, 'healthy'));
        expect(() => encodeURIComponent(svg)).not.toThrow();
        // eslint-disable-next-line no-control-regex
        expect(svg).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
        const texts = svg.replace(/<\/?(?:svg|title|clipPath|rect|g|text)(?: [a-zA-Z-:]+="[^"<>]*")*\/?>/g, '');
        expect(texts.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>&]/);
        expect(svg).not.toMatch(/<script|href|on[a-z]+=/);
      }),
    );
  });

  it('has room for its text', () => {
    for (const label of ['i', 'gateway', 'WWWWWWWW', '漢字かな', 'x'.repeat(500), '']) {
      const svg = svgOf(uptimeBadge(label, 99.5));
      const [width = 0] = numbersIn(svg, 'width');
      const [left = 0, right = 0] = numbersIn(svg, 'textLength');
      expect(width).toBe(left + right + 24);
      expect(width).toBeLessThan(800);
    }
    expect(svgOf(statusBadge('x'.repeat(500), 'healthy'))).toContain(`${'x'.repeat(59)}…: healthy`);
  });

  it('can be read on each of its colours (WCAG 2.2, 1.4.3)', () => {
    const badges = [
      ...endpointStatus.options.map((status) => statusBadge('x', status)),
      ...[null, 0, 95, 99, 99.9].map((percent) => uptimeBadge('x', percent)),
    ];
    for (const { colour } of badges) expect(1.05 / (luminance(colour) + 0.05)).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    [100, '100 %'],
    [99.9999, '99.99 %'],
    [99.5, '99.5 %'],
    [0, '0 %'],
    [null, 'no data'],
  ])('says of an uptime of %s: %s', (percent, value) => {
    expect(uptimeBadge('x', percent).value).toBe(value);
  });
});
