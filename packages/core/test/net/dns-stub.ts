import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { SocketAddress } from 'node:net';

/** What the stub says about one name: addresses, a failure, silence, or a CNAME before the addresses. */
export interface StubAnswer {
  a?: readonly string[];
  aaaa?: readonly string[];
  /** The name that this one is an alias of; the addresses are that one's. */
  cname?: string;
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
const typeCname = 5;
/** A pointer to the name that was asked for. */
const askedName = Buffer.from([0xc0, 0x0c]);

/** Starts a {@link DnsStub}, on a free port of 127.0.0.1 by default. */
export async function dnsStub(
  table: Readonly<Record<string, StubAnswer>>,
  { address = '127.0.0.1', port = 0 }: { address?: string; port?: number } = {},
): Promise<DnsStub> {
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
    const ttl = answer.ttl ?? 60;
    const alias = rcode === 0 && answer.cname !== undefined ? nameBytes(answer.cname) : undefined;
    message.writeUInt16BE(addresses.length + (alias ? 1 : 0), 6);
    message.writeUInt32BE(0, 8);
    const records = [
      ...(alias ? [record(askedName, typeCname, ttl, alias)] : []),
      ...addresses.map((each) => record(alias ?? askedName, type, ttl, addressBytes(each, type))),
    ];
    socket.send(Buffer.concat([message, ...records]), from.port, from.address);
  };
  socket.bind(port, address);
  await once(socket, 'listening');
  return { server: `${address}:${socket.address().port}`, answers, asked, close: () => socket.close() };
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

function record(owner: Buffer, type: number, ttl: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, head, data]);
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

function addressBytes(address: string, type: number): Buffer {
  return type === typeA ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
}

function ipv6Bytes(address: string): Buffer {
  const text = new URL(`http://[${new SocketAddress({ address, family: 'ipv6' }).address}]`).hostname.slice(1, -1);
  const [left = '', right] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [head, tail] = [groups(left), groups(right ?? '')];
  const all = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
