// prometheus-blackbox-exporter on the same targets: what its own process takes for so many probes.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';

const ticksPerSecond = 100;
const program = 'prometheus-blackbox-exporter';

/** CPU seconds per 1,000 probes of each module, and probes a second; undefined when the exporter is not installed. */
export async function exporterCpu(ports, probes) {
  // Below those that connections begin from: what the loops before it left in TIME_WAIT would keep it from listening.
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const config = '/etc/prometheus/blackbox.yml';
  const child = spawn(
    program,
    [`--web.listen-address=127.0.0.1:${port}`, `--config.file=${config}`, '--log.level=error'],
    {
      stdio: 'ignore',
    },
  );
  const missing = await new Promise((resolve) => {
    child.once('error', () => resolve(true));
    child.once('spawn', () => resolve(false));
  });
  if (missing) return undefined;
  try {
    const agent = new Agent({ keepAlive: true, maxSockets: 10 });
    const probe = (module, target) =>
      new Promise((resolve, reject) => {
        const path = `/probe?module=${module}&target=${encodeURIComponent(target)}`;
        get({ host: '127.0.0.1', port, path, agent }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part) => (text += part));
          response.on('end', () => (/^probe_success 1$/m.test(text) ? resolve() : reject(new Error(text))));
        }).on('error', reject);
      });
    const targets = {
      tcp: ['tcp_connect', `127.0.0.1:${ports.tcp}`],
      http: ['http_2xx', `http://127.0.0.1:${ports.http}/`],
    };
    for (let tries = 0; ; tries++) {
      const up = await probe(...targets.tcp).then(
        () => true,
        () => false,
      );
      if (up) break;
      if (tries > 200) throw new Error(`the exporter does not answer at port ${port} within 20 s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const cpuSeconds = () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    };
    const figures = {};
    for (const [name, target] of Object.entries(targets)) {
      const [before, startedAt] = [cpuSeconds(), performance.now()];
      let left = probes;
      const line = async () => {
        while (left-- > 0) await probe(...target);
      };
      await Promise.all(Array.from({ length: 10 }, line));
      figures[name] = {
        cpu: (cpuSeconds() - before) / (probes / 1_000),
        perSecond: probes / ((performance.now() - startedAt) / 1_000),
      };
    }
    return figures;
  } finally {
    child.kill();
  }
}
