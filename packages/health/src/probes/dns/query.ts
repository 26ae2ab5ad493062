import type { ProbeContext } from '../probe.js';
import type { LineReader } from '../line-reader.js';
import { readAnswer, writeQuestion, type Answer, type Question } from './message.js';

/** An answer over UDP, and how long it took. */
export interface Heard {
  answer: Answer;
  /** Name resolution of the server's own name, in milliseconds. */
  dnsMs: number;
  /** From the question to the answer; of the address that answered. */
  tookMs: number;
}

/**
 * Asks once over UDP.
 * @throws ConnectFailure
 */
export async function askOverUdp(
  { connector, host, port, timeoutMs, stop: signal }: ProbeContext,
  question: Question,
): Promise<Heard> {
  const { reply, dnsMs, tookMs } = await connector.exchange({
    host,
    port,
    timeoutMs,
    signal,
    message: writeQuestion(question),
    accept: (message) => understood(message, question),
  });
  return { answer: reply, dnsMs, tookMs };
}

/** What is not the answer is passed over: anybody may have sent it. */
function understood(message: Buffer, question: Question): Answer | undefined {
  try {
    return readAnswer(message, question);
  } catch {
    return undefined;
  }
}

/**
 * Asks over a connection, where each message follows its length (RFC 1035, 4.2.2).
 * @throws WrongAnswer when it is no answer to the question; ConnectFailure
 */
export async function askOverTcp(
  { reader, say }: { reader: LineReader; say(bytes: Buffer): void },
  question: Question,
): Promise<Answer> {
  const message = writeQuestion(question);
  say(Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]));
  return readAnswer(await reader.bytes((await reader.bytes(2)).readUInt16BE()), question);
}
