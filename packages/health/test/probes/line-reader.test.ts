import { systemClock } from '@dotmac/core';
import { ConnectFailure } from '@dotmac/core/net';
import { getEventListeners, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lineReader, reply, type LineReader, type Reading } from '../../src/probes/line-reader.js';
import { WrongAnswer } from '../../src/probes/probe.js';
import { serving } from '../support/probing.js';

const failing = (code: string) => expect.objectContaining({ name: 'ConnectFailure', code });
const wrong = (code: string) => new WrongAnswer('The answer is wrong', { code });
const [tooLong, truncated] = [wrong('answer_too_long'), wrong('answer_truncated')];

/** A reader of what a server says, and both ends of its connection. */
async function reading(settings: Partial<Reading> = {}) {
  const { port, accepted } = await serving(createServer());
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  await expect.poll(() => accepted.length).toBe(1);
  const { signal } = new AbortController();
  const reader = lineReader(socket, { signal, clock: systemClock, wrong: tooLong.message, ...settings });
  return { reader, socket, server: accepted[0] as Socket };
}

/** The lines up to the end, and how it ended. */
async function allOf(reader: LineReader): Promise<unknown[]> {
  const lines: unknown[] = [];
  try {
    for (;;) lines.push(await reader.line());
  } catch (error) {
    return [...lines, error];
  }
}

describe('lines', () => {
  it('end with LF or CR LF, and come one by one however they were sent', async () => {
    const { reader, server } = await reading();
    expect(reader.firstByteAt).toBeUndefined();
    server.write('one\r\ntwo\n\nfo');
    for (const line of ['one', 'two', '']) expect(await reader.line()).toBe(line);
    const [four] = [reader.line(), server.write('ur\r'), server.write('\nfive \r \n')];
    expect(await four).toBe('four');
    expect(await reader.line()).toBe('five \r ');
    expect(reader.firstByteAt).toBeLessThanOrEqual(performance.now());
  });

  it('are UTF-8, also when a character was cut in two', async () => {
    const { reader, server } = await reading();
    const text = Buffer.from('grün\n');
    server.write(text.subarray(0, 3));
    const line = reader.line();
    await expect.poll(() => reader.firstByteAt).toBeDefined();
    server.write(text.subarray(3));
    expect(await line).toBe('grün');
  });

  it('that were sent before the end are read, and then the connection is closed', async () => {
    const { reader, server } = await reading();
    server.end('one\ntwo\n');
    expect(await allOf(reader)).toEqual(['one', 'two', failing('reset')]);
    await expect(reader.line()).rejects.toEqual(failing('reset'));
  });

  it('that break off are wrong, or the last ones for a reader of open lines', async () => {
    const [strict, open] = [await reading(), await reading({ open: true })];
    for (const { server } of [strict, open]) server.end('one\ntw');
    expect(await allOf(strict.reader)).toEqual(['one', truncated]);
    expect(await allOf(open.reader)).toEqual(['one', 'tw', failing('reset')]);
  });

  it('end with a connection that is reset', async () => {
    const { reader, server } = await reading();
    const line = reader.line();
    server.resetAndDestroy();
    await expect(line).rejects.toEqual(failing('reset'));
  });

  it('are at most 8 KiB long', async () => {
    const { reader, server } = await reading();
    server.write(`${'a'.repeat(8_192)}\n${'b'.repeat(8_193)}\n`);
    expect(await allOf(reader)).toEqual(['a'.repeat(8_192), tooLong]);
    const endless = await reading();
    endless.server.write('c'.repeat(8_193));
    expect(await allOf(endless.reader)).toEqual([tooLong]);
  });

  it('are at most 64 KiB in all, and no more than that is taken from a flood', async () => {
    const { reader, socket, server } = await reading();
    const flood = (): void => {
      while (server.write('x'.repeat(1_023) + '\n'));
    };
    server.on('drain', flood);
    flood();
    const lines = await allOf(reader);
    expect(lines.at(-1)).toEqual(tooLong);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.length).toBeLessThanOrEqual(65);
    expect(socket.bytesRead).toBeLessThan(1_000_000);
  });

  it('are waited for until the signal aborts, which leaves no listener behind', async () => {
    const stop = new AbortController();
    const { reader, socket } = await reading({ signal: stop.signal });
    const before = socket.eventNames().map((event) => [event, socket.listenerCount(event)]);
    const line = reader.line();
    stop.abort(new ConnectFailure('timeout'));
    await expect(line).rejects.toEqual(failing('timeout'));
    await expect(reader.line()).rejects.toEqual(failing('timeout'));
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    expect(socket.eventNames().map((event) => [event, socket.listenerCount(event)])).toEqual(before);
  });
});

describe('bytes', () => {
  it('come in the number that was asked for, next to lines', async () => {
    const { reader, server } = await reading();
    server.write('Sline\nrest');
    expect(String(await reader.bytes(1))).toBe('S');
    expect(await reader.line()).toBe('line');
    expect(String(await reader.bytes(0))).toBe('');
    server.end();
    await expect(reader.bytes(5)).rejects.toEqual(truncated);
    expect(String(await reader.bytes(4))).toBe('rest');
    await expect(reader.bytes(1)).rejects.toEqual(failing('reset'));
  });
});

describe('before a handover to TLS', () => {
  const injected = new WrongAnswer('Spoke on before TLS was agreed on', { code: 'starttls_unsafe' });

  it('nothing may be left, be it read already or not', async () => {
    const { reader, server, socket } = await reading();
    server.write('220 go\n');
    await reader.line();
    expect(() => reader.handOver()).not.toThrow();
    server.write('220 go\n250 injected\n');
    await reader.line();
    expect(() => reader.handOver()).toThrow(injected);
    const other = await reading();
    other.server.write('early');
    await once(other.socket, 'readable');
    expect(() => other.reader.handOver()).toThrow(injected);
    expect(socket.destroyed).toBe(false);
  });
});

describe('a reply by number', () => {
  const replied = async (protocol: 'SMTP' | 'FTP', text: string) => {
    const { reader, server } = await reading();
    server.end(text);
    return reply(reader, protocol, 'greeting', 220);
  };

  it.each([
    ['of one line', '220 hello\r\n', ['hello']],
    ['without text', '220\r\n', ['']],
    ['of many lines', '220-a\r\n220-\r\n220 c\r\n', ['a', '', 'c']],
  ])('is read: %s', async (_, text, lines) => {
    expect(await replied('SMTP', text)).toEqual(lines);
    expect(await replied('FTP', text)).toEqual(lines);
  });

  it('may have any lines in between in FTP, but not in SMTP', async () => {
    const text = '220-a\r\n  b\r\n230 c\r\n220 d\r\n';
    expect(await replied('FTP', text)).toEqual(['a', '  b', '230 c', 'd']);
    await expect(replied('SMTP', text)).rejects.toThrow('The answer is not SMTP');
  });

  it.each(['421 busy', '554-no\r\n554 way', '220-a\r\n220-b'])('is wrong with %j', async (text) => {
    await expect(replied('SMTP', `${text}\r\n`)).rejects.toThrow();
  });

  it.each(['hello', '2200 x', '220x', ' 220 x', '999 x', '220-a\r\n221 b', '220-a\r\n'.repeat(300)])(
    'is none with %.20j',
    async (text) => {
      await expect(replied('SMTP', `${text}\r\n`)).rejects.toThrow('The answer is not SMTP');
    },
  );

  it('says with which number it is wrong', async () => {
    await expect(replied('SMTP', '554-no\r\n554 way\r\n')).rejects.toThrow('The greeting is SMTP 554');
    await expect(replied('FTP', '421 busy\r\n')).rejects.toThrow('The greeting is FTP 421');
  });
});
