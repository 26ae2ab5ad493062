import { execFile } from 'node:child_process';
import { isIPv6 } from 'node:net';
import { ConnectFailure, connectFailureOf } from '@dotmac/core/net';
import { z } from 'zod';
import { CannotCheck, defineProbe, Unreachable, type Probe } from './probe.js';

const config = z.strictObject({
  /** How many requests are sent, 0.2 s apart. Default 1. */
  count: z.int().min(1).max(5).default(1).meta({ description: 'How many requests are sent' }),
  /** How many bytes each one carries; under 16 there is no place for its time. Default 56. */
  size: z.int().min(0).max(1_400).default(56).meta({ description: 'How many bytes each request carries' }),
  /** The percentage of requests that may be lost: more is degraded, and all of them offline. Default 0. */
  loss: z.number().min(0).max(100).default(0).meta({ description: 'The percentage of requests that may be lost' }),
});

/** @see config */
type PingSettings = z.output<typeof config>;

/** Between two requests: the shortest time that ping gives everybody. */
const intervalMs = 200;
/** What the program takes to start and to end. */
const overheadMs = 100;

/**
 * A probe that pings with a program (iputils' `ping`), for sending ICMP takes a right that this process should not
 * have. Addresses are resolved and judged here; the program gets one address at a time, the next when nothing came
 * back. The response time is the mean round trip.
 */
export function pingWith({ program = 'ping' }: { program?: string } = {}): Probe<PingSettings> {
  return defineProbe({
    serviceType: 'icmp',
    summary: 'Sends echo requests, as ping does.',
    addressing: 'host',
    config,
    facts: ['loss', 'received', 'min', 'avg', 'max'],
    async run({ connector, host, timeoutMs, signal, clock, config: { count, size, loss: tolerated } }) {
      const endsAt = clock.monotonic() + timeoutMs;
      const { addresses, dnsMs } = await connector.resolve({ host, timeoutMs, signal });
      let failure: Error = new Unreachable('No request was answered', { code: 'no_answer' });
      for (const [index, address] of addresses.entries()) {
        const startedAt = clock.monotonic();
        const shareMs = (endsAt - startedAt) / (addresses.length - index);
        const waitSeconds = Math.floor((shareMs - overheadMs - (count - 1) * intervalMs) / 1_000);
        const settings = { count, size, wait: Math.max(1, waitSeconds) };
        const echo = readStatistics(await pinged(program, address, settings, signal));
        if (echo instanceof Error) failure = echo;
        if (echo instanceof Error || echo.received === 0) continue;
        const { sent, received, times } = echo;
        const loss = (100 * (sent - received)) / sent;
        const responseTimeMs = times?.avg ?? clock.monotonic() - startedAt;
        return {
          responseTimeMs,
          message: `Answered ${received} of ${sent} requests`,
          phases: { dnsMs, firstByteMs: responseTimeMs },
          facts: { loss, received, ...times },
          ...(loss > tolerated && { degraded: `Answered only ${received} of ${sent} requests`, code: 'packet_loss' }),
        };
      }
      throw failure;
    },
  });
}

/** Pings with the `ping` of the system. */
export const icmpProbe = pingWith();

/**
 * What a run wrote. There is no deadline (`-w`) among its arguments: with one, ping sends until `count` requests were
 * answered. It ends by itself after its wait, and by the signal before that.
 */
function pinged(
  program: string,
  address: string,
  { count, size, wait }: { count: number; size: number; wait: number },
  signal: AbortSignal,
): Promise<{ output: string; complaints: string }> {
  const numbers = { '-c': count, '-i': intervalMs / 1_000, '-W': wait, '-s': size };
  const options = Object.entries(numbers).flatMap(([name, value]) => [name, String(value)]);
  const words = ['-n', '-q', isIPv6(address) ? '-6' : '-4', ...options, address];
  // Its own small environment: English, the usual folders, and none of the host's secrets.
  const env = { LC_ALL: 'C', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(connectFailureOf(signal.reason));
    execFile(program, words, { env, signal, killSignal: 'SIGKILL', maxBuffer: 16_384 }, (error, output, complaints) => {
      if (signal.aborted) reject(connectFailureOf(signal.reason));
      // A code that is a word says that the program did not run; a number is how it ended, which its output explains.
      else if (typeof error?.code === 'string') reject(unavailable(error.code));
      else resolve({ output, complaints });
    });
  });
}

const cannotSend = (): Error => new CannotCheck('The ping program cannot send here', { code: 'ping_unavailable' });

/** Why a program did not run, or not to its end. */
function unavailable(code: string): Error {
  if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(code))
    return new CannotCheck('The ping program is not installed here', { code: 'ping_unavailable' });
  const failure = connectFailureOf({ code });
  return failure.ownTrouble ? failure : cannotSend();
}

interface Echo {
  sent: number;
  received: number;
  /** Round trips in milliseconds; none when the requests are too small to carry the time. */
  times?: { min: number; avg: number; max: number };
}

/** Reads the last lines that ping writes; without them, it did not get to send anything. */
function readStatistics({ output, complaints }: { output: string; complaints: string }): Echo | Error {
  const [, sent, received] = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(output) ?? [];
  const [, min, avg, max] = /min\/avg\/max(?:\/mdev)? = ([\d.]+)\/([\d.]+)\/([\d.]+)/.exec(output) ?? [];
  if (Number(sent) > 0) {
    const times = avg === undefined ? {} : { times: { min: Number(min), avg: Number(avg), max: Number(max) } };
    return { sent: Number(sent), received: Math.min(Number(received), Number(sent)), ...times };
  }
  if (/unreachable|No route to host/i.test(complaints)) return new ConnectFailure('unreachable');
  return cannotSend();
}
