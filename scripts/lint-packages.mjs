// Is each package fit to publish? publint judges the packed files, are-the-types-wrong how TypeScript resolves them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = join(import.meta.dirname, '..');
const target = mkdtempSync(join(tmpdir(), 'dotmac-lint-'));
let faults = 0;

for (const name of readdirSync(join(root, 'packages')).sort()) {
  const pkgDir = join(root, 'packages', name);
  const manifest = JSON.parse(readFileSync(join(pkgDir, 'package.json'), 'utf8'));
  const { messages } = await publint({ pkgDir, level: 'suggestion', strict: true, pack: 'npm' });
  for (const message of messages) console.error(`${manifest.name}: ${formatMessage(message, manifest)}`);

  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', target], {
    cwd: pkgDir,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(String(packed));
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const types = spawnSync(process.execPath, [attw, join(target, filename), '--no-emoji']);
  if (types.status !== 0) console.error(String(types.stdout), String(types.stderr));
  const found = messages.length + (types.status === 0 ? 0 : 1);
  console.log(`${manifest.name}: ${found === 0 ? 'publishable' : `${found} faults`}`);
  faults += found;
}
rmSync(target, { recursive: true });
process.exit(faults === 0 ? 0 : 1);
