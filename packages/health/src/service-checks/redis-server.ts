import { systemClock, type StopSignal } from '@dotmac/core';
import type { Socket } from 'node:net';
import { lineReader } from '../probes/line-reader.js';
import { WrongAnswer } from '../probes/probe.js';
import { unspoken } from './guard-hearing.js';
import type { RedisConnection } from './redis.js';

/** Whom to be, and with which database; that of number 0 needs no choosing. */
interface RedisLogin {
  user?: string | undefined;
  password?: string | undefined;
  database?: string | undefined;
}

/** A server without passwords says this to who gives one, and takes the rest as it comes. */
const needsNone = /without any password configured|no password is set/;

/**
 * Logs in to a Redis that may be anybody's, over a socket that is connected already. It speaks RESP2, and no more of it than
 * the answers to what we ask need: a parser of arrays sets aside as much memory as a few bytes say.
 * @throws WrongAnswer, and what the socket's end makes of it
 */
export async function loginToRedis(
  { user, password, database = '0' }: RedisLogin,
  socket: Socket,
  signal: StopSignal,
): Promise<RedisConnection> {
  const reader = lineReader(socket, { signal, clock: systemClock, wrong: 'The answer is too long or breaks off' });
  const ask = async (...words: string[]): Promise<string> => {
    const sent = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${sent.join('')}`);
    const line = await reader.line();
    const [kind, text] = [line[0], line.slice(1)];
    if (kind === '+') return text;
    if (kind === '$' && /^\d{1,9}$/.test(text))
      return (await reader.bytes(Number(text) + 2)).toString('utf8', 0, Number(text));
    if (kind !== '-') throw unspoken();
    if (words[0] === 'AUTH' && needsNone.test(text)) return '';
    throw new WrongAnswer('The service refused the login or the query', { code: 'service_refused' });
  };
  if (user || password) await ask('AUTH', ...(user ? [user] : []), password ?? '');
  if (Number(database) > 0) await ask('SELECT', database);
  return { ping: () => ask('PING'), info: () => ask('INFO') };
}
