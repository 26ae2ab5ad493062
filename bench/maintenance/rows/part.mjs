// Half of a table goes: rows a second beside statements by hand, and what an application notices of it meanwhile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, kyselyMaintenanceStore } from '@dotmac/maintenance';
import { mariadb, postgres, sqlite } from './databases.mjs';

const small = process.env.BENCH_SMALL !== undefined;
const rows = Number(process.env.BENCH_ROWS ?? (small ? 200_000 : 3_000_000));
const rounds = Number(process.env.BENCH_ROUNDS ?? (small ? 1 : 3));
const quietSeconds = small ? 4 : 15;
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** An application beside it, in a process of its own, until it is told to end. */
async function foreground(url) {
  const path = new URL('./foreground.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [path, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  await once(child.stdout, 'data');
  return {
    async end() {
      child.stdin.end();
      await once(child, 'close');
      return JSON.parse(said.trim().split('\n').at(-1));
    },
  };
}

/** The times of an application's transactions while `work` is done. Ms, ascending. */
async function during(url, work) {
  const beside = await foreground(url);
  await work();
  return (await beside.end()).sort((a, b) => a - b);
}

const at = (times, share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
const shown = (times) =>
  `${times.length} transactions, p50 ${at(times, 0.5).toFixed(1)}, p99 ${at(times, 0.99).toFixed(1)}, longest ${at(times, 1).toFixed(1)} ms`;

/** The task as an application has it, on its own store in the same database. */
async function ours(url, cutoff) {
  const database = databaseFromUrl(url);
  const maintenance = createMaintenance({
    store: kyselyMaintenanceStore(database),
    databases: { main: database },
    retention: [
      {
        ...{ name: 'events', database: 'main', table: 'events', timeColumn: 'created_at' },
        ...{ retentionDays: 30, minRetentionDays: 0, maxShare: 1 },
      },
    ],
    startScheduler: false,
  });
  await maintenance.start();
  // Ages are whole days from now; the table was made so that the cutoff falls between its halves.
  const result = await maintenance
    .scope({ tenantId: 'bench' })
    .runs.run('database_cleanup', { retentionDays: (Date.now() - cutoff) / 86_400_000, vacuumAnalyze: false });
  await maintenance.stop();
  await database.close();
  const [{ rows: deleted, batches, strategy } = {}] = result.details.policies ?? [];
  if (result.status !== 'completed') throw new Error(`${result.status}: ${result.errorMessage}`);
  return { deleted, batches, strategy };
}

async function timed(work) {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { ...result, seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 };
}

const figure = (metric, value, unit, peer, ratio, target, met) => ({ metric, value, unit, peer, ratio, target, met });
const atLeast = (metric, perSecond, peer, theirs, target) =>
  figure(
    metric,
    Math.round(perSecond),
    'rows/s',
    `${peer}: ${Math.round(theirs)}`,
    perSecond / theirs,
    target,
    target === null ? null : perSecond / theirs >= target,
  );

async function measure(kind) {
  const database = await kind.open(rows);
  const taken = {
    ours: [],
    oursCpu: [],
    floor: [],
    floorCpu: [],
    others: {},
    quiet: [],
    busy: [],
    beside: [],
    worst: [],
    gentle: { perSecond: [], times: [] },
    hasty: { perSecond: [], times: [] },
  };
  /** The loop by hand while the application goes on, which nobody slows down for it. */
  const floorBeside = async (into, pace) => {
    await database.fresh();
    let seconds = 0;
    into.times.push(
      ...(await during(database.url, async () => ({ seconds } = await timed(() => database.floor(pace))))),
    );
    into.perSecond.push(rows / 2 / seconds);
  };
  try {
    for (let round = 0; round < rounds; round++) {
      await database.fresh();
      const floor = await timed(() => database.floor());
      if (floor.deleted !== rows / 2) throw new Error(`the floor deleted ${floor.deleted}`);
      taken.floor.push(floor.deleted / floor.seconds);
      taken.floorCpu.push(floor.deleted / floor.cpuSeconds);

      await database.fresh();
      const mine = await timed(() => ours(database.url, database.cutoff));
      if (mine.deleted !== rows / 2) throw new Error(`deleted ${mine.deleted}`);
      console.log(`${kind.title}: ${mine.batches} batches. ${mine.strategy}`);
      taken.ours.push(mine.deleted / mine.seconds);
      taken.oursCpu.push(mine.deleted / mine.cpuSeconds);

      for (const [name, other] of Object.entries(database.others ?? {})) {
        await database.fresh();
        const theirs = await timed(() => other(Math.round(mine.deleted / mine.batches)));
        (taken.others[name] ??= []).push(theirs.deleted / theirs.seconds);
      }

      await database.fresh();
      const quiet = await during(
        database.url,
        () => new Promise((resolve) => setTimeout(resolve, quietSeconds * 1000)),
      );
      let paced = {};
      const busy = await during(database.url, async () => {
        paced = await timed(() => ours(database.url, database.cutoff));
      });
      taken.beside.push(rows / 2 / paced.seconds);
      console.log(`${kind.title}: an application quiet: ${shown(quiet)}; meanwhile: ${shown(busy)}`);
      taken.quiet.push(...quiet);
      taken.busy.push(...busy);
      taken.worst.push(at(busy, 1));
      if (kind.isPaceable) {
        await floorBeside(taken.hasty);
        // What `besideOthers` of the dialect says of rests while somebody writes.
        const rests = { rest: 1, leastRestMs: 2 };
        await floorBeside(taken.gentle, { rows: Math.round(paced.deleted / paced.batches), ...rests });
      }
    }
  } finally {
    await database.drop();
  }
  return taken;
}

/** What is left of the speed while an application writes, to which the work gives way. */
const beside = (title, taken) =>
  atLeast(`rows deleted beside an application, ${title}`, median(taken.beside), 'alone', median(taken.ours), null);

/** Of all rounds together: one round of deleting takes seconds, which are too few transactions for a hundredth of them. */
const p99 = (metric, times, taken, target = null) => {
  const [busy, quiet] = [times, taken.quiet].map((of) =>
    at(
      of.sort((a, b) => a - b),
      0.99,
    ),
  );
  const isMet = target === null ? null : busy / quiet <= target;
  return figure(metric, busy, 'ms', `quiet: ${quiet.toFixed(1)} ms`, busy / quiet, target, isMet);
};

const measured = {
  async postgres(figures) {
    const pg = await measure(postgres);
    figures.push(
      atLeast('rows deleted, PostgreSQL', median(pg.ours), 'windows of the key, in the server', median(pg.floor), 0.6),
    );
    figures.push(beside('PostgreSQL', pg));
    const metric = 'rows deleted beside an application, PostgreSQL';
    const [mine, gentle, hasty] = [pg.beside, pg.gentle.perSecond, pg.hasty.perSecond].map(median);
    figures.push(atLeast(metric, mine, 'the loop in the server, batches and rests as ours', gentle, 0.6));
    figures.push(atLeast(metric, mine, 'the loop in the server, without a rest', hasty, null));
    figures.push(p99('p99 of an application, PostgreSQL', pg.busy, pg, 1.5));
    figures.push(p99('p99 of an application beside the loop, batches and rests as ours', pg.gentle.times, pg));
    figures.push(p99('p99 of an application beside the loop without a rest', pg.hasty.times, pg));
  },
  async mariadb(figures) {
    const maria = await measure(mariadb);
    figures.push(
      atLeast('rows deleted, MariaDB', median(maria.ours), 'windows of the key, by hand', median(maria.floor), null),
    );
    for (const [name, theirs] of Object.entries(maria.others))
      figures.push(
        atLeast('rows deleted, MariaDB', median(maria.ours), name, median(theirs), name.includes('bulk') ? null : 2),
      );
    figures.push(beside('MariaDB', maria));
    figures.push(p99('p99 of an application, MariaDB', maria.busy, maria, 1.5));
  },
  async sqlite(figures) {
    const lite = await measure(sqlite);
    const perSecond = median(lite.ours);
    figures.push(atLeast('rows deleted, SQLite', perSecond, 'windows of the key, by hand', median(lite.floor), null));
    figures.push(
      figure(
        'rows deleted, SQLite',
        Math.round(perSecond),
        'rows/s',
        'limit',
        perSecond / 80_000,
        80_000,
        perSecond >= 80_000,
      ),
    );
    // SQLite is in this process: its own time tells what a busy machine's clock does not.
    figures.push(
      atLeast(
        'rows deleted a second of CPU, SQLite',
        median(lite.oursCpu),
        'windows of the key, by hand',
        median(lite.floorCpu),
        null,
      ),
    );
    const worst = Math.max(...lite.worst);
    figures.push(
      figure('longest wait of another writer, SQLite', worst, 'ms', 'limit', worst / 100, 100, worst <= 100),
    );
  },
};

/** `BENCH_DATABASES=sqlite` measures that one alone. */
export async function run() {
  const figures = [];
  for (const name of process.env.BENCH_DATABASES?.split(',') ?? Object.keys(measured)) await measured[name](figures);
  return figures;
}
