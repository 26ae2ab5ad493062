// Customers and provisioning on SQLite and PostgreSQL, beside DBOS and statements by hand on the same databases.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const execute = promisify(execFile);
const postgresUrl = process.env.POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test';
const rounds = process.env.BENCH_SMALL ? 1 : 3;
const isThere = (script) => existsSync(new URL(script, import.meta.url));
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs a script on a database of its own; the figures that it prints. */
async function on(kind, script, ...given) {
  const rest = given.length === 0 && process.env.BENCH_SMALL ? ['small'] : given;
  const args = (url) => [new URL(script, import.meta.url).pathname, url, ...rest];
  const figures = async (url) =>
    JSON.parse((await execute(process.execPath, args(url), { maxBuffer: 1e8 })).stdout.trim().split('\n').at(-1));
  if (kind === 'SQLite') {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    try {
      return await figures(`sqlite:${join(folder, 'bench.db')}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const name = `bench_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const admin = new pg.Client({ connectionString: postgresUrl });
  await admin.connect();
  await admin.query(`create database ${name}`);
  try {
    const url = new URL(postgresUrl);
    url.pathname = `/${name}`;
    return await figures(String(url));
  } finally {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  }
}

const figure = (metric, value, unit, peer, ratio, target) => {
  const met = target === null ? null : unit === 'ms' ? value <= target : ratio >= target;
  return { metric, value, unit, peer, ratio, target, met };
};

export async function run() {
  const rows = [];
  for (const kind of ['SQLite', 'PostgreSQL']) {
    const [ours, floors, dbos] = [[], [], []];
    // In turns, so that what else the machine does falls on all alike.
    for (let round = 0; round < rounds; round++) {
      ours.push(await on(kind, './dotmac.mjs'));
      floors.push(await on(kind, './floor.mjs'));
      if (kind === 'PostgreSQL') dbos.push(await on(kind, './dbos.mjs'));
    }
    const mine = (name) => median(ours.map((it) => it[name]));
    const addLatencies = (name, title) => {
      for (const [share, is] of [
        ['p50', 'P50'],
        ['p99', 'P99'],
      ])
        rows.push(figure(`${title}, ${share}, ${kind}`, mine(`${name}${is}`), 'ms', '', null, null));
    };
    rows.push(figure(`registrations on ${kind}`, mine('registrations'), '/s', '', null, null));
    addLatencies('registrations', 'registration, sixteen at once');
    for (const [layout, peer, target] of [
      ['same', 'five statements by hand, same tables', 0.5],
      ['own', 'five statements by hand, small tables', null],
    ]) {
      const floor = median(floors.map((it) => it[layout]));
      // Each round beside its own: what else the machine did fell on both.
      const ratio = median(ours.map(({ transitions }, round) => transitions / floors[round][layout]));
      const beside = `${peer}: ${Math.round(floor)}/s`;
      rows.push(figure(`transitions on ${kind}`, mine('transitions'), '/s', beside, ratio, target));
    }
    addLatencies('transitions', 'transition, sixteen at once');
    if (kind === 'PostgreSQL') {
      const theirs = median(dbos.map((it) => it.steps));
      const peer = `DBOS: ${Math.round(theirs)}/s`;
      const ratio = median(ours.map(({ steps }, round) => steps / dbos[round].steps));
      rows.push(figure(`provisioning steps on ${kind}`, mine('steps'), '/s', peer, ratio, 2));
    } else rows.push(figure(`provisioning steps on ${kind}`, mine('steps'), '/s', '', null, null));
    addLatencies('steps', 'step of fifty runs at once');
    for (const [name, title] of [
      ['registration', 'registration at 200/s'],
      ['event', 'event at its subscriber, at 200/s'],
    ]) {
      rows.push(figure(`${title}, p50, ${kind}`, mine(`${name}P50`), 'ms', '', null, null));
      rows.push(figure(`${title}, p99, ${kind}`, mine(`${name}P99`), 'ms', 'limit', mine(`${name}P99`) / 50, 50));
    }
  }
  if (isThere('./bulk.mjs')) {
    const count = process.env.BENCH_SMALL ? 2_000 : 100_000;
    for (const [command, perSecond] of Object.entries(await on('PostgreSQL', './bulk.mjs', String(count)))) {
      const target = command === 'suspend' ? 20_000 : null;
      const title = `bulk ${command} of ${count} on PostgreSQL`;
      rows.push(figure(title, perSecond, '/s', 'goal', perSecond / 20_000, target && 1));
    }
  }
  if (isThere('./reads.mjs')) {
    const { customers, loadedInMs, slowest, worst } = await on('PostgreSQL', './reads.mjs');
    rows.push(figure(`loading ${customers} customers`, loadedInMs / 1_000, 's', '', null, null));
    const title = `first page of any filter, slowest (${slowest.name}), p50`;
    rows.push(figure(title, slowest.ms, 'ms', 'limit', slowest.ms / 20, 20));
    // Named without the page: which one it falls on is chance.
    const beside = `${worst.name}; of ${worst.reads} reads`;
    rows.push(figure('first page of any filter, the slowest read of all', worst.ms, 'ms', beside, null, null));
  }
  return rows;
}
