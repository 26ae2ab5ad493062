// Installs every package from its tarball into empty folders, as an application would, and serves a request from each.
// Takes the versions of other packages from this repository's own, so that nothing is resolved anew.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases } from './cases.mjs';
import { quickstartCases } from './quickstart.mjs';
import { readmeCases } from './readme.mjs';

const root = join(import.meta.dirname, '..', '..');
const work = mkdtempSync(join(tmpdir(), 'dotmac-packed-'));
const versionOf = (name) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;

/** @returns the tarball of each package, by its name */
function pack() {
  const names = readdirSync(join(root, 'packages'));
  return Object.fromEntries(
    names.map((name) => {
      const cwd = join(root, 'packages', name);
      if (!existsSync(join(cwd, 'dist'))) throw new Error(`packages/${name} is not built: npm run build`);
      const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], {
        cwd,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return [`@dotmac/${name}`, join(work, JSON.parse(String(packed))[0].filename)];
    }),
  );
}

/** Makes an application of these packages and no others. */
function install(folder, tarballs, { packages, peers = [], files, type = 'module' }) {
  const cwd = join(work, folder);
  mkdirSync(cwd);
  const local = (name) => `file:${tarballs[name]}`;
  const manifest = {
    name: 'an-application',
    private: true,
    type,
    dependencies: {
      ...Object.fromEntries(packages.map((name) => [name, local(name)])),
      ...Object.fromEntries(peers.map((name) => [name, versionOf(name)])),
    },
    // Packages name each other by version; here these are the tarballs too.
    overrides: Object.fromEntries(
      Object.keys(tarballs)
        .filter((name) => !packages.includes(name))
        .map((name) => [name, local(name)]),
    ),
    allowScripts: { 'better-sqlite3': true },
  };
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--omit=peer', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    // A native driver that is compiled here already is not compiled again.
    env: { ...process.env, npm_config_ignore_scripts: 'true' },
  });
  if (peers.includes('better-sqlite3')) {
    const built = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
    // From version 13 on it comes compiled.
    if (existsSync(join(root, built))) cpSync(join(root, built), join(cwd, built), { recursive: true });
  }
  return cwd;
}

const tools = {
  /** Runs a program of the application's; its output, or its failure. */
  run(cwd, command, ...args) {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
  },
  /** Runs a program until it ends, or until it is told to after a while. */
  async ends(cwd, program, patienceMs) {
    const child = spawn(process.execPath, [program], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += chunk));
    const enough = setTimeout(() => child.kill(), patienceMs);
    const [code, signal] = await once(child, 'exit');
    clearTimeout(enough);
    return { code, signal, errors };
  },
  tsc: join(root, 'node_modules/typescript/bin/tsc'),
  root,
  work,
  async server(command, args, options) {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
    const deadline = Date.now() + 30_000;
    while (!/listening on (\S+)/.test(output)) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the server did not start:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { child, exited, url: /listening on (\S+)/.exec(output)[1], output: () => output };
  },
};

let [passed, failed] = [0, 0];
try {
  const tarballs = pack();
  for (const { name, application, check } of [...cases, ...readmeCases, ...quickstartCases]) {
    const startedAt = Date.now();
    try {
      const cwd = application && install(name.replaceAll(/\W+/g, '-'), tarballs, application);
      await check({ ...tools, cwd });
      passed += 1;
      console.log(`ok   ${name} (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.error(`FAIL ${name}\n${error.stack ?? error}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`packed: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
