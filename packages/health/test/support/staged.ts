import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  createHealth,
  defineProbe,
  Unreachable,
  WrongAnswer,
  type EndpointDraft,
  type EndpointStatus,
  type HealthOptions,
  type HealthStore,
} from '../../src/index.js';
import { nextSlot } from '../../src/monitoring/phase.js';

/** What a receiver got. */
export interface Received {
  headers: IncomingHttpHeaders;
  text: string;
}

/** A real server that takes messages, and answers as the test says. */
export async function receiver() {
  const received: Received[] = [];
  const is: { status: number | 'hangs'; refuses?: RegExp; fails?: RegExp | undefined } = { status: 200 };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      received.push({ headers: request.headers, text });
      if (is.refuses?.test(text)) response.writeHead(400).end();
      else if (is.fails?.test(text)) response.writeHead(500).end();
      else if (is.status !== 'hangs') response.writeHead(is.status).end('an answer that nobody reads');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, is, url: `http://127.0.0.1:${port}/hook`, port };
}

/** Endpoints whose status the test decides, by name. */
export async function staged(makeStore: (clock: FakeClock) => HealthStore, options: Partial<HealthOptions> = {}) {
  const clock = fakeClock();
  const states = new Map<string, EndpointStatus>();
  const probed: string[] = [];
  const looks: { name: string; at: number }[] = [];
  const played = defineProbe({
    serviceType: 'played',
    summary: 'Is what the test says',
    addressing: 'none',
    config: z.strictObject({ name: z.string() }),
    run({ config: { name } }) {
      probed.push(name);
      looks.push({ name, at: clock.monotonic() });
      const is = states.get(name) ?? 'healthy';
      if (is === 'critical') return Promise.reject(new WrongAnswer('It is wrong'));
      if (is === 'offline') return Promise.reject(new Unreachable('It is gone'));
      return Promise.resolve({ responseTimeMs: 1, message: 'It is well' });
    },
  });
  const store = makeStore(clock);
  /** A process on the store. */
  const another = async () => {
    const started = createHealth({
      ...{ store, clock, probes: [played], egress: { allow: ['loopback'] } },
      secret: 'a secret of thirty-two characters',
      ...options,
    });
    await started.start();
    onTestFinished(async () => {
      let isStopped = false;
      const stopping = started.stop().finally(() => (isStopped = true));
      // Whatever hangs is given up by this clock, which nobody else moves any more.
      for (let second = 0; second < 120 && !isStopped; second++) await clock.advance(1_000);
      await stopping;
    });
    return started;
  };
  const health = await another();
  const scope = health.scope({ tenantId: 'acme', actor: 'user:1' });
  /** Lets time pass until something holds. */
  const until = async (holds: () => boolean | Promise<boolean>, stepMs = 250): Promise<void> => {
    const check = async (): Promise<boolean> => {
      if (await holds()) return true;
      await clock.advance(stepMs);
      return false;
    };
    // What never comes is ended by the limit of the test.
    await expect.poll(check, { timeout: 240_000, interval: 2 }).toBe(true);
  };
  const register = (name: string, more: Partial<EndpointDraft> = {}) =>
    scope.endpoints.register({
      ...{ name, serviceType: 'played', checkInterval: 5, retryCount: 1, config: { name } },
      ...more,
    });
  /** One that is checked once an hour, and by itself not in the next half: its id decides when, and is random. */
  const registerSeldom = async (name: string, more: Partial<EndpointDraft> = {}) => {
    for (;;) {
      const { id } = await register(name, { ...more, checkInterval: 3_600, paused: true });
      if (nextSlot(id, 3_600_000, clock.now()) > clock.now() + 1_800_000) return scope.endpoints.resume(id);
      await scope.endpoints.remove(id);
    }
  };
  /** Makes an endpoint be something, and waits until that is known. */
  const becomes = async ({ id, name }: { id: string; name: string }, status: EndpointStatus): Promise<void> => {
    states.set(name, status);
    await until(async () => (await scope.endpoints.get(id)).lastStatus === status);
  };
  return { clock, health, another, store, scope, states, probed, looks, register, registerSeldom, becomes, until };
}
