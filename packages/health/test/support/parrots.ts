import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { serving } from './probing.js';

/** A server that quotes what it heard where drivers take the text of their errors from. */
export interface Parrot {
  port: number;
  heard(): string;
}

type Answer = (all: Buffer, say: (answer: string | Buffer) => void, part: Buffer) => void;

async function talking(answer: Answer, greet?: (socket: Socket) => void): Promise<Parrot> {
  const parts: Buffer[] = [];
  const { port } = await serving(createServer(), '127.0.0.1', (socket) => {
    const own: Buffer[] = [];
    greet?.(socket);
    socket.on('data', (part: Buffer) => {
      parts.push(part);
      own.push(part);
      answer(Buffer.concat(own), (words) => void socket.write(words), part);
    });
  });
  return { port, heard: () => Buffer.concat(parts).toString('latin1') };
}

/** On a line, for protocols of lines. */
const line = (heard: Buffer): string => heard.toString('latin1').replace(/[\r\n]+/g, ' ');

/** Wants the password as it is, and quotes it in its refusal (PostgreSQL, 55.2.3 and 55.7). */
export const postgresParrot = (): Promise<Parrot> =>
  talking((all, say, part) => {
    if (part[0] !== 'p'.charCodeAt(0)) return say(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
    const fields = `SFATAL\0C28P01\0Mno: ${all.toString('latin1').replaceAll('\0', ' ')}\0\0`;
    const head = Buffer.from([0x45, 0, 0, 0, 0]);
    head.writeUInt32BE(fields.length + 4, 1);
    say(Buffer.concat([head, Buffer.from(fields, 'latin1')]));
  });

/** Asks for the password in clear text, and refuses (MySQL, mysql_clear_password). */
export async function mysqlParrot(): Promise<Parrot> {
  const packet = (sequence: number, ...parts: (Buffer | string)[]): Buffer => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1')));
    return Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, sequence]), body]);
  };
  const salt = 'abcdefghijklmnopqrst';
  const greeting = [
    ...['\x0a8.0.0\0', '\x01\0\0\0', salt.slice(0, 8), '\0'],
    Buffer.from([0x09, 0x82, 33, 2, 0, 0x08, 0, 21, ...Array.from({ length: 10 }, () => 0)]),
    ...[salt.slice(8), '\0', 'mysql_native_password\0'],
  ];
  return talking(
    (all, say, part) => {
      const sequence = (part[3] ?? 0) + 1;
      if (sequence === 2) return say(packet(2, '\xfemysql_clear_password\0'));
      say(packet(sequence, Buffer.from([0xff, 0x15, 0x04]), '#28000', `no: ${line(all)}`));
    },
    (socket) => void socket.write(packet(0, ...greeting)),
  );
}

/** Refuses every command, several of which may come at once. */
export const redisParrot = (): Promise<Parrot> =>
  talking((all, say, part) => {
    const commands = part.toString('latin1').match(/^\*\d+\r$/gm) ?? [];
    for (const _ of commands) say(`-WRONGPASS no: ${line(all)}\r\n`);
  });

/** Takes no login, and says which. */
export const mailParrot = (): Promise<Parrot> =>
  talking(
    (all, say, part) => {
      const said = part.toString();
      if (/^EHLO/i.test(said)) say('250-parrot\r\n250 AUTH PLAIN\r\n');
      else say(`535 5.7.8 no: ${line(all)}\r\n`);
    },
    (socket) => void socket.write('220 parrot\r\n'),
  );

/** Sends every datagram back. */
export async function datagramParrot(): Promise<Parrot> {
  const socket = createSocket('udp4');
  const parts: Buffer[] = [];
  socket.on('message', (message, from) => {
    parts.push(message);
    socket.send(message, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { port: socket.address().port, heard: () => Buffer.concat(parts).toString('latin1') };
}
