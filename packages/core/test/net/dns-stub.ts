import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { SocketAddress } from 'node:net';

/** What the stub says about one name: addresses, a failure, silence, or a CNAME before the addresses. */
export interface StubAnswer {
  a?: readonly string[];
  aaaa?: readonly string[];
  ttl?: number;
  rcode?: 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED';
  silent?: boolean;
  /** Fails this question type only. */
  failing?: 'A' | 'AAAA';
}

/** A DNS server on a loopback UDP port that answers from a table; unknown names do not exist. */
export interface DnsStub {
  server: string;
  answers: Map<string, StubAnswer>;
  /** The questions asked so far, as `A name` or `AAAA name`. */
  asked: string[];
  close(): void;
}

const rcodes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 };
const typeA = 1;

/** Starts a {@link DnsStub}. */
export async function dnsStub(table: Record<string, StubAnswer>): Promise<DnsStub> {
  const answers = new Map(Object.entries(table));
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, type, end } = question(query);
    asked.push(`${type === typeA ? 'A' : 'AAAA'} ${name}`);
    const answer = answers.get(name) ?? { rcode: 'NXDOMAIN' as const };
    if (!answer.silent) reply(query.subarray(0, end), type, answer, from);
  });
  const reply = (query: Buffer, type: number, answer: StubAnswer, from: RemoteInfo): void => {
    const failing = answer.failing === (type === typeA ? 'A' : 'AAAA');
    const rcode = failing ? rcodes.SERVFAIL : answer.rcode ? rcodes[answer.rcode] : 0;
    const addresses = rcode === 0 ? ((type === typeA ? answer.a : answer.aaaa) ?? []) : [];
    const message = Buffer.from(query);
    message.writeUInt16BE(0x8180 | rcode, 2);
    message.writeUInt16BE(1, 4);
    message.writeUInt16BE(addresses.length, 6);
    message.writeUInt32BE(0, 8);
    const records = addresses.map((each) => record(each, type, answer.ttl ?? 60));
    socket.send(Buffer.concat([message, ...records]), from.port, from.address);
  };
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { server: `127.0.0.1:${socket.address().port}`, answers, asked, close: () => socket.close() };
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function record(address: string, type: number, ttl: number): Buffer {
  const data = type === typeA ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function ipv6Bytes(address: string): Buffer {
  const text = new URL(`http://[${new SocketAddress({ address, family: 'ipv6' }).address}]`).hostname.slice(1, -1);
  const [left = '', right] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [head, tail] = [groups(left), groups(right ?? '')];
  const all = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
