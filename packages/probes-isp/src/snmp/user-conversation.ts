import { tags } from './ber.js';
import { newNumber, understood, type Conversation, type Ending } from './conversation.js';
import { notInTimeWindows, reportFault } from './faults.js';
import type { Keyring } from './keyring.js';
import { writeGet, type Pdu } from './message.js';
import { levelOf, noEngine, openSecured, readSecured, writeSecured } from './secured-message.js';
import type { Engine, Keys, Secured } from './secured-message.js';
import { localKey, privacyKey } from './security.js';
import type { SnmpSettings } from './settings.js';

/** An engine's name has five bytes at least, and 32 at most (RFC 3411, 5). */
const isEngine = ({ id, boots, time }: Engine): boolean => id.length >= 5 && id.length <= 32 && boots >= 0 && time >= 0;

/** So often an agent is asked at most, once for each address of a name: being another one each time leads nowhere. */
const mostAsked = 4;

/**
 * One question of SNMPv3 (RFC 3414, 4): asks the agent who it is, then the question, and that once more when the agent
 * says, signed, that its time is another. Only an answer counts that is signed and encrypted as the question was, to the
 * very numbers of the question, so that neither a forged nor an older one passes for it.
 */
export function userConversation(
  { auth, privacy, context }: Pick<SnmpSettings, 'auth' | 'privacy' | 'context'>,
  oids: readonly string[],
  keyring: Keyring,
): Conversation {
  const user = auth?.username ?? '';
  const keysFor = (engineId: Buffer): Keys => {
    if (auth?.key === undefined) return {};
    const { protocol } = auth;
    const keys: Keys = { auth: { protocol, key: localKey(protocol, keyring(protocol, auth.key), engineId) } };
    if (!privacy) return keys;
    const master = keyring(protocol, privacy.key);
    return {
      ...keys,
      privacy: { protocol: privacy.protocol, key: privacyKey(privacy.protocol, protocol, master, engineId) },
    };
  };

  const discoveryId = newNumber();
  let timesAsked = 0;
  let unverified = false;
  let asked: { id: number; requestId: number; engine: Engine; keys: Keys; isAgain: boolean; sent: Buffer } | undefined;

  const question = (engine: Engine, keys: Keys, isAgain: boolean): Buffer => {
    const [id, requestId] = [newNumber(), newNumber()];
    const sent = writeSecured({ id, user, context, engine, keys }, writeGet(requestId, oids));
    asked = { id, requestId, engine, keys, isAgain, sent };
    return sent;
  };

  const discover = (message: Secured): Buffer | undefined => {
    const { engine } = message;
    if (!isEngine(engine) || timesAsked === mostAsked) return undefined;
    if (openSecured(message, {})?.pdu.tag !== tags.report) return undefined;
    timesAsked++;
    // The same agent at another address, or a question repeated that was answered twice.
    if (asked?.engine.id.equals(engine.id)) return asked.sent;
    return question(engine, keysFor(engine.id), false);
  };

  const hearAnswer = (
    message: Secured,
    { engine, keys, requestId }: NonNullable<typeof asked>,
    pdu: Pdu,
    level: number,
  ) => {
    const isTheirs = message.engine.id.equals(engine.id) && message.user.equals(Buffer.from(user));
    if (level !== levelOf(keys) || !isTheirs) unverified = true;
    else if (pdu.requestId === requestId) return { pdu };
    return undefined;
  };

  const hear = (datagram: Buffer, say: (next: Buffer) => void): Ending | undefined => {
    const message = readSecured(datagram);
    if (message.id === discoveryId) {
      const next = discover(message);
      if (next) say(next);
      return undefined;
    }
    if (message.id !== asked?.id) return undefined;
    const opened = openSecured(message, asked.keys);
    if (!opened) {
      unverified = true;
      return undefined;
    }
    const { pdu, level } = opened;
    if (pdu.tag === tags.response) return hearAnswer(message, asked, pdu, level);
    const oid = pdu.variables[0]?.oid;
    if (oid !== notInTimeWindows || asked.isAgain || !isEngine(message.engine)) return { fault: reportFault(oid) };
    // Who could set our clock could have us sign for another time.
    if (asked.keys.auth && level === 0) unverified = true;
    else say(question({ ...asked.engine, boots: message.engine.boots, time: message.engine.time }, asked.keys, true));
    return undefined;
  };

  return {
    first: writeSecured(
      { id: discoveryId, user: '', context: '', engine: noEngine, keys: {} },
      writeGet(newNumber(), []),
    ),
    hear: (datagram, say) => understood(() => hear(datagram, say)),
    silence() {
      if (unverified) return { code: 'answer_unverified', message: 'The keys do not verify the answer' };
      if (!asked) return undefined;
      const suspects = [...(privacy ? ['its key or protocol of privacy'] : []), ...(context ? ['its context'] : [])];
      const suspicion = suspects.length > 0 ? `: ${suspects.join(' or ')} may be another` : '';
      const message = `The agent says who it is, and nothing to the question${suspicion}`;
      return { code: 'service_refused', message };
    },
  };
}
