import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { pages, root, textOf } from '../../../../test/support/documentation.js';

const all = [...pages, 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'];

/** The anchors of a page's headings, as GitHub makes them. */
const anchorsOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Why a link of a page leads nowhere; undefined when it leads somewhere. */
function faultOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, target))) return `${page}: ${link} is not there`;
  const shown = statSync(join(root, target)).isDirectory() ? join(target, 'README.md') : target;
  if (anchor === undefined || anchorsOf(shown).includes(anchor)) return undefined;
  return `${page}: ${shown} has no heading for #${anchor}`;
}

it('links between pages lead somewhere', () => {
  const links = all.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => [page, link] as const),
  );
  expect(links.length).toBeGreaterThan(50);
  expect(links.map(([page, link]) => faultOf(page, link)).filter((it) => it !== undefined)).toEqual([]);
  expect(faultOf('docs/README.md', 'no-such-page.md')).toBeDefined();
  expect(faultOf('docs/README.md', '../README.md#no-such-heading')).toBeDefined();
});

it('docs/README.md leads to every page', () => {
  const linked = [...textOf('docs/README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page]) => `docs/${page}`);
  const others = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
  expect([...new Set(linked)].toSorted()).toEqual(others.toSorted());
});
