// A monitor beside prometheus-blackbox-exporter and bare loops, on the same targets in the same run.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { exporterCpu } from './exporter.mjs';

const runFile = promisify(execFile);
const here = (name) => new URL(name, import.meta.url).pathname;
const child = async (name, input = {}) => {
  const { stdout } = await runFile(process.execPath, [here(name), JSON.stringify(input)], { maxBuffer: 2 ** 20 });
  return JSON.parse(stdout);
};
const quick = process.env.BENCH_QUICK === '1';
const round = (value, digits = 3) => Number(value.toFixed(digits));

export async function run() {
  const targets = spawn(process.execPath, [here('targets.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await once(targets.stdout, 'data');
  const ports = JSON.parse(printed.toString());
  const figures = [];
  /** `ratio` is ours by theirs; `isGood` says whether more or less is wanted. */
  const beside = (metric, unit, value, peer, theirs, target, isGood) =>
    figures.push({
      metric,
      value: round(value),
      unit,
      peer: `${peer}: ${round(theirs)}`,
      ratio: round(value / theirs, 2),
      target,
      met: target === null ? null : isGood(value / theirs, target),
    });
  const limit = (metric, unit, value, target) =>
    figures.push({
      metric,
      value: round(value),
      unit,
      peer: 'limit',
      ratio: round(value / target, 2),
      target,
      met: value <= target,
    });
  const [atLeast, atMost] = [(ratio, target) => ratio >= target, (ratio, target) => ratio <= target];
  try {
    const loops = await child('loops.mjs', { ...ports, seconds: quick ? 1 : 3 });
    for (const name of ['tcp', 'http'])
      beside(`${name} probe alone`, 'checks/s', loops[name].probe, 'bare loop', loops[name].bare, 0.9, atLeast);
    const exporter = await exporterCpu(ports, quick ? 2_000 : 10_000);
    if (!exporter) console.error('prometheus-blackbox-exporter is not installed: its rows are left out');
    for (const serviceType of ['tcp', 'http']) {
      const whole = await child('monitor.mjs', {
        serviceType,
        port: ports[serviceType],
        endpoints: 20_000,
        intervalSeconds: 5,
        seconds: quick ? 10 : 60,
      });
      beside(
        `${serviceType} whole monitor`,
        'CPU s/1,000 checks',
        whole.cpuPerThousand,
        'bare loop',
        loops[serviceType].bareCpu,
        null,
      );
      if (exporter)
        beside(
          `${serviceType} whole monitor`,
          'CPU s/1,000 checks',
          whole.cpuPerThousand,
          'blackbox_exporter',
          exporter[serviceType].cpu,
          0.4,
          atMost,
        );
      if (exporter)
        beside(
          `${serviceType} whole monitor, as fast as it was asked for`,
          'checks/s',
          whole.perSecond,
          'blackbox_exporter, as fast as it can, ten at once',
          exporter[serviceType].perSecond,
          null,
        );
    }
    const large = await child('monitor.mjs', {
      serviceType: 'tcp',
      port: ports.tcp,
      endpoints: 10_000,
      intervalSeconds: 10,
      measureDelay: true,
      seconds: quick ? 20 : 300,
    });
    limit('10,000 at 10 s: schedule lag p99', 'ms', large.lagP99Ms, 100);
    limit('10,000 at 10 s: event-loop delay p99', 'ms', large.delayP99Ms, 10);
    limit('10,000 at 10 s: resident memory at its peak', 'MB', large.rssMb, 300);
    figures.push({
      metric: '10,000 at 10 s: memory that lives per endpoint',
      value: round(large.liveKbPerEndpoint, 2),
      unit: 'KB',
      peer: 'all that lives of the resident memory at its peak',
      ratio: round((large.liveKbPerEndpoint * 10_000) / 1_024 / large.rssMb, 2),
      target: null,
      met: null,
    });
    figures.push({
      metric: '10,000 at 10 s: checks stored',
      value: large.stored,
      unit: 'checks',
      peer: `made: ${large.made}`,
      ratio: round(large.stored / large.made, 6),
      target: 1,
      met: large.stored === large.made,
    });
    figures.push({
      metric: '10,000 at 10 s: checks that found their target healthy, as it was',
      value: large.healthy,
      unit: 'checks',
      peer: `stored: ${large.stored}`,
      ratio: round(large.healthy / large.stored, 6),
      target: 1,
      met: large.healthy === large.stored,
    });
    for (const keeps of ['sqlite', 'memory']) {
      // A store in memory looks through all of its chunks for those of one endpoint.
      const endpoints = quick || keeps === 'memory' ? 1_000 : 10_000;
      const { emptyKb, fullKb, full } = await child('history-memory.mjs', { endpoints, keeps });
      const place = keeps === 'sqlite' ? 'SQLite' : 'memory';
      figures.push({
        metric: `heap per endpoint with full history (${full[0]} results, ${full[1]} failures), kept on ${place}`,
        value: round(fullKb, 2),
        unit: 'KB',
        peer: `without history: ${round(emptyKb, 2)}`,
        ratio: round(fullKb / emptyKb, 2),
        target: null,
        met: null,
      });
    }
    const reads = await child('reads.mjs');
    limit('trend over 30 days', 'ms', reads.trend30Days, 5);
    limit('trend over 400 days', 'ms', reads.trend400Days, 20);
    limit('trend over a day, by minutes', 'ms', reads.trendDay, 20);
    limit('summary of 10,000 endpoints', 'ms', reads.summary, 20);
    limit('is one of 10,000 up', 'µs', reads.isUpUs, 10);
    limit('are ten of 10,000 ready, by id', 'µs', reads.readinessUs, 100);
    limit('are ten of 10,000 ready, by tag', 'µs', reads.readinessOfTagUs, 1_000);
  } finally {
    targets.kill();
  }
  return figures;
}
