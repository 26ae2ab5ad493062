import type { Socket } from 'node:net';
import { WrongAnswer } from '../probes/probe.js';

/** Far more than what we ask for takes. */
const mostBytes = 1_048_576;

/**
 * Stands between a server that may be anybody's and a driver that trusts it: drivers keep what comes for as long as a server
 * says that a message is, and what they throw at one that they cannot read nobody catches, so that it ends the process.
 */
export function guardHearing(socket: Socket, giveUp: (why: WrongAnswer) => void): void {
  const emit = socket.emit.bind(socket) as (...event: unknown[]) => boolean;
  let heard = 0;
  socket.emit = (...event: unknown[]): boolean => {
    if (event[0] === 'data' && (heard += (event[1] as Buffer).length) > mostBytes) {
      giveUp(new WrongAnswer('The answer is too long', { code: 'answer_too_long' }));
      return true;
    }
    try {
      return emit(...event);
    } catch {
      giveUp(unspoken());
      return true;
    }
  };
}

/** Tells of the socket that a driver puts in the place of its first one, to speak TLS over it. */
export function onSecured(connection: { stream: Socket }, tell: (socket: Socket) => void): void {
  let { stream } = connection;
  Object.defineProperty(connection, 'stream', {
    get: () => stream,
    set: (secured: Socket) => tell((stream = secured)),
  });
}

/** What a server is that says what its driver cannot read. */
export function unspoken(): WrongAnswer {
  return new WrongAnswer('The service does not speak the expected protocol', { code: 'answer_malformed' });
}
