import { ConnectFailure, connectFailureOf } from '@dotmac/core/net';
import type { Clock, StopSignal } from '@dotmac/core';
import type { Socket } from 'node:net';
import { WrongAnswer } from './probe.js';

/** The most that is read of one line, and of all there is, in bytes. */
const longestLine = 8_192;
const mostBytes = 65_536;
const lineFeed = 10;

/** Reads a socket line by line, and never more than 64 KiB of it. */
export interface LineReader {
  /**
   * The next line without its end (LF, or CR LF), read as UTF-8.
   * @throws WrongAnswer when it is longer than 8 KiB or breaks off; ConnectFailure `reset` when no more lines come
   */
  line(): Promise<string>;
  /** Exactly so many bytes, for protocols without lines. Throws as {@link line} does. */
  bytes(count: number): Promise<Buffer>;
  /**
   * Ends the reading, for TLS to begin.
   * @throws WrongAnswer when bytes wait to be read: spoken before TLS, they would be heard as spoken under it
   * (CVE-2011-0411, CVE-2021-23222)
   */
  handOver(): void;
  /** When the first byte came, by the clock's monotonic time; undefined while none did. */
  readonly firstByteAt: number | undefined;
}

/** How a {@link LineReader} reads. */
export interface Reading {
  signal: StopSignal;
  clock: Clock;
  /** What to say of an answer that is too long or breaks off. */
  wrong: string;
  /** Whether text behind the last line end is a line too, once the other side is done. Default false. */
  open?: boolean;
}

/** A reader of a connected socket. It takes from the socket only what is asked for, and listens only while it waits. */
export function lineReader(socket: Socket, { signal, clock, wrong, open = false }: Reading): LineReader {
  let waiting = Buffer.alloc(0);
  let received = 0;
  let firstByteAt: number | undefined;

  /** Waits for more; false when there will be none. */
  const more = async (): Promise<boolean> => {
    for (;;) {
      if (signal.aborted) throw connectFailureOf(signal.reason);
      const chunk = socket.read() as Buffer | null;
      if (chunk) {
        firstByteAt ??= clock.monotonic();
        received += chunk.length;
        if (received > mostBytes) throw tooLong();
        waiting = Buffer.concat([waiting, chunk]);
        return true;
      }
      if (socket.readableEnded || socket.destroyed) return false;
      await stirring(socket, signal);
    }
  };

  const take = (count: number): Buffer => {
    const taken = waiting.subarray(0, count);
    waiting = waiting.subarray(count);
    return taken;
  };
  const tooLong = (): Error => new WrongAnswer(wrong, { code: 'answer_too_long' });
  const brokenOff = (): Error =>
    waiting.length > 0 ? new WrongAnswer(wrong, { code: 'answer_truncated' }) : new ConnectFailure('reset');

  return {
    async line() {
      for (;;) {
        const end = waiting.indexOf(lineFeed);
        if (end > longestLine || (end === -1 && waiting.length > longestLine)) throw tooLong();
        if (end !== -1) return textOf(take(end + 1));
        if (await more()) continue;
        if (open && waiting.length > 0) return textOf(take(waiting.length));
        throw brokenOff();
      }
    },
    async bytes(count) {
      while (waiting.length < count) if (!(await more())) throw brokenOff();
      return take(count);
    },
    handOver() {
      if (waiting.length > 0 || socket.read() !== null)
        throw new WrongAnswer('Spoke on before TLS was agreed on', { code: 'starttls_unsafe' });
    },
    get firstByteAt() {
      return firstByteAt;
    },
  };
}

function textOf(line: Buffer): string {
  return line.toString('utf8').replace(/\r?\n$/, '');
}

/** Resolves when the socket may have something to read, or ended. Rejects when the signal aborts. */
function stirring(socket: Socket, signal: StopSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      for (const event of ['readable', 'end', 'close']) socket.off(event, onStir);
      signal.removeEventListener('abort', onAbort);
    };
    const onStir = (): void => {
      settle();
      resolve();
    };
    const onAbort = (): void => {
      settle();
      reject(connectFailureOf(signal.reason));
    };
    for (const event of ['readable', 'end', 'close']) socket.on(event, onStir);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The most lines of one answer. */
export const mostLines = 200;

/**
 * The lines of an answer by number, which must be `wanted`: SMTP (RFC 5321, 4.2.1) and FTP (RFC 959, 4.2), where the
 * lines in between may be anything. `what` names the answer in messages.
 */
export async function reply(
  reader: LineReader,
  protocol: 'SMTP' | 'FTP',
  what: string,
  wanted: number,
): Promise<string[]> {
  const lines: string[] = [];
  let code: string | undefined;
  while (lines.length < mostLines) {
    const line = await reader.line();
    const [, number, separator = ' ', text = ''] = /^([1-5]\d\d)(?:([ -])(.*))?$/.exec(line) ?? [];
    if (number === undefined || (code !== undefined && number !== code)) {
      if (protocol === 'SMTP' || code === undefined) break;
      lines.push(line);
      continue;
    }
    code = number;
    lines.push(text);
    if (separator === '-') continue;
    if (Number(code) !== wanted)
      throw new WrongAnswer(`The ${what} is ${protocol} ${code}`, { code: 'status_unexpected' });
    return lines;
  }
  throw new WrongAnswer(`The answer is not ${protocol}`, { code: 'answer_malformed' });
}
