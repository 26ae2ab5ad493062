import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const folders = (path: string): string[] =>
  readdirSync(join(root, path), { withFileTypes: true }).flatMap((it) => (it.isDirectory() ? [it.name] : []));
const packages = folders('packages');

describe('ARCHITECTURE.md', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  // A folder is described in a line that begins "- `packages/health/src/probes/`: ".
  const described = [...text.matchAll(/^- `(packages\/[^`]+)\/`: .+/gm)].map(([, path]) => path);

  it('describes every folder there is, and no other', () => {
    const real = packages.flatMap((name) => folders(`packages/${name}/src`).map((it) => `packages/${name}/src/${it}`));
    expect(described.toSorted()).toEqual(real.toSorted());
  });

  it('points to files that are there', () => {
    const files = [...text.matchAll(/`((?:packages|examples|test|scripts|bench|docs)\/[\w./@-]+\.\w+)`/g)].map(
      ([, path]) => path ?? '',
    );
    const tracked = new Set(execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n'));
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !tracked.has(file))).toEqual([]);
  });
});

interface Violation {
  from: string;
  rule: { name: string };
  cycle?: { name: string }[];
}

// The cruiser reads everything twice; a busy machine takes its time.
describe('the rules of who may import whom', { timeout: 240_000 }, () => {
  let house: string;
  beforeEach(() => {
    house = mkdtempSync(join(tmpdir(), 'dotmac-house-'));
    for (const name of ['packages', 'package.json', 'tsconfig.base.json', '.dependency-cruiser.cjs'])
      cpSync(join(root, name), join(house, name), {
        recursive: true,
        filter: (path) => !/\/(dist|assets|test|node_modules|\.turbo)(\/|$)/.test(path.slice(root.length)),
      });
    symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'));
  });
  afterEach(() => rmSync(house, { recursive: true }));

  /** The rules that are broken, and where: a circle in each of its files. */
  const broken = (): { rule: string; file: string }[] => {
    const cli = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const arguments_ = [cli, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'packages'];
    const { stdout } = spawnSync(process.execPath, arguments_, { cwd: house, maxBuffer: 64 * 2 ** 20 });
    const { summary } = JSON.parse(String(stdout)) as {
      summary: { totalCruised: number; violations: Violation[] };
    };
    expect(summary.totalCruised).toBeGreaterThan(200);
    return summary.violations.flatMap(({ rule, from, cycle = [] }) =>
      [from, ...cycle.map(({ name }) => name)].map((file) => ({ rule: rule.name, file })),
    );
  };

  it('hold for the house as it stands', () => {
    expect(broken()).toEqual([]);
  });

  it('refuse whatever breaks one of them', () => {
    const planted: Record<string, [file: string, imports: string, names?: string]> = {
      'core-knows-nobody': ['core/src/ids.ts', '../../health/src/errors.js'],
      'domains-know-core-alone': ['health/src/events.ts', '../../lifecycle/src/errors.js'],
      'adapters-know-core-alone': ['express/src/request.ts', '../../health/src/errors.js'],
      'probes-know-health-alone': ['probes-isp/src/radius/packet.ts', '../../../lifecycle/src/errors.js'],
      'no-cycles': ['health/src/endpoints/registrant.ts', './endpoint.js', 'type {} from'],
      'not-your-own-index': ['maintenance/src/errors.ts', './index.js'],
      'routes-are-data': ['health/src/endpoints/routes.ts', './service.js'],
      'sql-in-its-folders': ['health/src/monitoring/phase.ts', 'kysely'],
      'frameworks-in-their-adapter': ['health/src/monitoring/status.ts', 'express'],
      'testing-is-for-tests': ['lifecycle/src/lifecycle.ts', './testing/index.js'],
      'no-deep-imports': ['operations/src/operations.ts', '../../health/src/monitoring/phase.js'],
    };
    for (const [file, imported, names = ''] of Object.values(planted)) {
      const path = join(house, 'packages', file);
      writeFileSync(path, `import ${names}'${imported}';\n${readFileSync(path, 'utf8')}`);
    }
    const found = broken();
    for (const [rule, [file]] of Object.entries(planted))
      expect(found).toContainEqual({ rule, file: `packages/${file}` });
  });

  it('are each shown to refuse something', () => {
    const rules = readFileSync(join(root, '.dependency-cruiser.cjs'), 'utf8').match(/^ {6}name: '/gm);
    expect(rules).toHaveLength(11);
  });
});

describe('outbound sockets', () => {
  const sources = execFileSync('git', ['ls-files', 'packages/*/src/**/*.ts'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
  // Whoever opens a socket of his own goes around the egress policy.
  const opening = /\bfetch\(|from 'node:(?:net|tls|http|https|dgram|dns)(?:\/promises)?'|from 'undici'/;
  // Imports of nothing but functions that look at text, and of a list.
  const harmless =
    /^import \{ (?:(?:rootCertificates|isIP|isIPv[46]|SocketAddress|validateHeader(?:Name|Value)),? ?)+\} from .*$/gm;

  it('are opened in core/net alone', () => {
    const outside = sources.filter((file) => {
      const code = readFileSync(join(root, file), 'utf8')
        .replaceAll(/^import type .*$/gm, '')
        .replaceAll(harmless, '');
      return opening.test(code) && !/^packages\/core\/src\/(net|testing)\//.test(file);
    });
    expect(sources.length).toBeGreaterThan(150);
    expect(outside).toEqual([]);
    // Speaks HTTP over a socket that it is given.
    const exchange = readFileSync(join(root, 'packages/core/src/net/exchange-http.ts'), 'utf8');
    expect(exchange).toContain('createConnection: () => ');
  });
});
