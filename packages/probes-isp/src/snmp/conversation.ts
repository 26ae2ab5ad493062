import { randomInt } from 'node:crypto';
import { NotSnmp, tags } from './ber.js';
import type { Fault } from './faults.js';
import { readCommunityMessage, writeCommunityMessage, writeGet, type Pdu } from './message.js';

/** How a conversation ended: with an answer, or with why there is none. */
export type Ending = { pdu: Pdu } | { fault: Fault };

/** What is said to an agent, and what its datagrams come to. */
export interface Conversation {
  /** What is said first. */
  first: Buffer;
  /** Takes a datagram. `say` goes on with a further question; undefined when it was not the end. */
  hear(datagram: Buffer, say: (next: Buffer) => void): Ending | undefined;
  /** Why the agent is not simply gone when its answer did not come; undefined when it said nothing at all. */
  silence(): Fault | undefined;
}

/** A number that nobody guesses, for messages and questions. */
export function newNumber(): number {
  return randomInt(1, 0x7fffffff);
}

/** Who can write a false sender can send anything: what is no message is passed over. */
export function understood<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotSnmp) return undefined;
    throw error;
  }
}

/** One question of SNMPv2c. An agent that does not take the community says nothing. */
export function communityConversation(community: string, oids: readonly string[]): Conversation {
  const requestId = newNumber();
  return {
    first: writeCommunityMessage(community, writeGet(requestId, oids)),
    hear(datagram) {
      const message = understood(() => readCommunityMessage(datagram));
      if (message?.pdu.tag !== tags.response || message.pdu.requestId !== requestId) return undefined;
      return message.community.equals(Buffer.from(community)) ? { pdu: message.pdu } : undefined;
    },
    silence: () => undefined,
  };
}
