import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closedPort } from '../../../../test/support/ports.js';
import { createConnector } from '../../src/net/index.js';
import { fakeClock } from '../../src/testing/index.js';

const names: Record<string, string[]> = {
  'two.test': ['127.0.0.2', '127.0.0.1'],
  'inside.test': ['127.0.0.1', '10.0.0.1'],
};
const resolver = { resolve: (name: string) => Promise.resolve(names[name] ?? []) };
const connector = createConnector({ policy: { allow: ['loopback'] }, resolver });
const failing = (code: string) => expect.objectContaining({ name: 'ConnectFailure', code });
const message = Buffer.from('ping');
const accept = (reply: Buffer): string | undefined => (reply.length > 1 ? reply.toString() : undefined);

/** A UDP server that answers as it is told. */
async function answering(answer: (asked: Buffer, from: RemoteInfo, say: (text: string) => void) => void) {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (received, from) => {
    asked.push(received.toString());
    answer(received, from, (text) => socket.send(text, from.port, from.address));
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { port: socket.address().port, asked };
}

describe('a datagram', () => {
  it('is sent once, and its reply read', async () => {
    const { port, asked } = await answering((_, __, say) => say('pong'));
    const { reply, dnsMs, tookMs } = await connector.exchange({
      host: '127.1',
      port,
      timeoutMs: 20_000,
      message,
      accept,
    });
    expect([reply, dnsMs, asked]).toEqual(['pong', 0, ['ping']]);
    expect(tookMs).toBeGreaterThan(0);
  });

  it('waits on when what came is no reply, or came from somebody else', async () => {
    const stranger = createSocket('udp4');
    onTestFinished(() => void stranger.close());
    const { port } = await answering((_, from, say) => {
      stranger.send('forged', from.port, from.address, () => {
        say('x');
        say('pong');
      });
    });
    const { reply } = await connector.exchange({ host: '127.0.0.1', port, timeoutMs: 20_000, message, accept });
    expect(reply).toBe('pong');
  });

  it('leaves from whatever address leads there, not from the one it goes to', async () => {
    const senders: string[] = [];
    const socket = createSocket('udp4', (_, { port, address }) => {
      senders.push(address);
      socket.send('pong', port, address);
    });
    socket.bind(0, '127.0.0.2');
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    const { port } = socket.address();
    await connector.exchange({ host: '127.0.0.2', port, timeoutMs: 20_000, message, accept });
    expect(senders).toEqual(['127.0.0.1']);
  });

  it('goes to the next address of a name when nobody is there', async () => {
    const { port } = await answering((_, __, say) => say('pong'));
    const { reply } = await connector.exchange({ host: 'two.test', port, timeoutMs: 20_000, message, accept });
    expect(reply).toBe('pong');
  });

  it.each([
    ['to an address that is denied', { host: '10.0.0.1' }, 'denied'],
    ['to a name with a denied address among others', { host: 'inside.test' }, 'denied'],
    ['to a name that there is not', { host: 'gone.test' }, 'name_not_found'],
  ])('%s is not sent', async (_, { host }, code) => {
    const { port, asked } = await answering((__, ___, say) => say('pong'));
    const sending = connector.exchange({ host, port, timeoutMs: 500, message, accept });
    await expect(sending).rejects.toEqual(failing(code));
    expect(asked).toEqual([]);
  });

  it('is refused where nobody listens, and given up when nobody answers or its sender stops', async () => {
    const to = (other: number, more: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
      connector.exchange({ host: '127.0.0.1', port: other, timeoutMs: 20_000, message, accept, ...more });
    await expect(to(await closedPort())).rejects.toEqual(failing('refused'));
    const silent = await answering(() => undefined);
    await expect(to(silent.port, { timeoutMs: 100 })).rejects.toEqual(failing('timeout'));
    const stop = new AbortController();
    const sending = to(silent.port, { signal: stop.signal });
    await expect.poll(() => silent.asked.length).toBe(2);
    stop.abort();
    await expect(sending).rejects.toEqual(failing('aborted'));
  });

  it('is sent again from the same port, after longer and longer, until its reply comes', async () => {
    const ports = new Set<number>();
    let heard = 0;
    const { port, asked } = await answering((_, from, say) => {
      ports.add(from.port);
      if (++heard === 3) say('pong');
    });
    const clock = fakeClock();
    const own = createConnector({ policy: { allow: ['loopback'] }, clock });
    /** Once so many were heard, lets time pass. */
    const passes = async (ms: number, heardBefore: number): Promise<void> => {
      await expect.poll(() => asked.length).toBe(heardBefore);
      await clock.advance(ms);
    };
    const to = { host: '127.0.0.1', port, timeoutMs: 5_000, message, accept, resendAfterMs: 40 };
    const exchanging = own.exchange(to);
    await passes(40, 1);
    await passes(80, 2);
    const { reply, tookMs } = await exchanging;
    expect([reply, asked, ports.size, tookMs]).toEqual(['pong', ['ping', 'ping', 'ping'], 1, 120]);
    heard = -10_000;
    const givenUp = expect(own.exchange({ ...to, timeoutMs: 100 })).rejects.toEqual(failing('timeout'));
    await passes(40, 3 + 1);
    await passes(60, 3 + 2);
    await givenUp;
    expect(asked).toHaveLength(3 + 2);
  });

  it('may be the first of a conversation, whose last question is the one sent again', async () => {
    const { port, asked } = await answering((received, __, say) => {
      if (received.toString() === 'ping') say('who?');
      else if (asked.length > 2) say(`hello ${received.toString()}`);
    });
    const clock = fakeClock();
    const exchanging = createConnector({ policy: { allow: ['loopback'] }, clock }).exchange({
      host: '127.0.0.1',
      port,
      timeoutMs: 5_000,
      resendAfterMs: 30,
      message,
      accept: (received, say) => {
        if (received.toString() !== 'who?') return received.toString();
        say(Buffer.from('me'));
        return undefined;
      },
    });
    await expect.poll(() => asked).toEqual(['ping', 'me']);
    await clock.advance(30);
    expect([(await exchanging).reply, asked]).toEqual(['hello me', ['ping', 'me', 'me']]);
  });

  it('that its reader stumbles over fails the exchange, and not the process', async () => {
    const { port } = await answering((_, __, say) => say('pong'));
    const stumbling = (): never => {
      throw new TypeError('nothing to read');
    };
    const sending = connector.exchange({ host: '127.0.0.1', port, timeoutMs: 20_000, message, accept: stumbling });
    await expect(sending).rejects.toEqual(failing('failed'));
  });
});
