import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** A UDP server of a test's own. */
export interface UdpServer {
  port: number;
  /** What it heard. */
  heard: Buffer[];
}

/** Answers each datagram with what `answer` gives for it, in order, until the test is over. */
export async function udpServer(
  answer: (heard: Buffer, count: number, from: RemoteInfo) => Buffer | readonly Buffer[] | undefined,
  at: { address: string; port: number } = { address: '127.0.0.1', port: 0 },
): Promise<UdpServer> {
  const socket = createSocket('udp4');
  const heard: Buffer[] = [];
  socket.on('message', (message, from) => {
    heard.push(message);
    for (const datagram of [answer(message, heard.length, from) ?? []].flat())
      socket.send(datagram, from.port, from.address);
  });
  socket.bind(at.port, at.address);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { port: socket.address().port, heard };
}
