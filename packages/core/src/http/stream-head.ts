import type { HttpResponse } from './exchange.js';
import { started } from './started.js';

/**
 * The answer to HEAD where GET is answered with a stream: the head of GET's, without what follows (RFC 9110, 9.3.2). The
 * stream is opened, so that what GET refuses is refused here as well, and ended at once.
 * @param open opens the stream, which the signal ends
 * @param answer what GET would answer
 */
export async function answerStreamHead(
  open: (signal: AbortSignal) => Promise<AsyncIterable<unknown>>,
  answer: (items: AsyncIterable<unknown>) => HttpResponse,
): Promise<HttpResponse> {
  const ending = new AbortController();
  const items = started(await open(ending.signal));
  ending.abort(new Error('The client asks for the head alone'));
  // Not awaited: it may be waiting for an item that never comes.
  items.return?.().catch(() => undefined);
  // A text would be sent with its length, and what GET answers has none.
  return { ...answer(nothing()), body: nothing() };
}

async function* nothing(): AsyncGenerator<never> {}
