import { setTimeout as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createStreams, type OpenStream, type Streams } from '../../src/index.js';

/** What was told, one by one. */
async function* words(heard: string[], stream: OpenStream): AsyncGenerator<string> {
  for (;;) {
    for (let next = heard.shift(); next !== undefined; next = heard.shift()) yield next;
    if (stream.isOver) return;
    await stream.news();
  }
}

const follow = (streams: Streams<string>, { tenantId = 'acme', topic = 'news', signal }: Ask = {}) => {
  const heard: string[] = [];
  return streams.follow({
    ...{ tenantId, topic, signal },
    hear: (word) => void heard.push(word),
    items: (stream) => words(heard, stream),
  });
};
interface Ask {
  tenantId?: string;
  topic?: string;
  signal?: AbortSignal;
}

const all = async (stream: AsyncIterable<string>): Promise<string[]> => {
  const seen: string[] = [];
  for await (const word of stream) seen.push(word);
  return seen;
};

describe('streams', () => {
  it('tell each reader what it follows, in order, and nobody else', async () => {
    const streams = createStreams<string>();
    const [ours, theirs] = [all(follow(streams)), all(follow(streams, { topic: 'other' }))];
    for (const word of ['one', 'two']) streams.tell('news', word);
    await turn();
    streams.tell('news', 'three');
    expect(streams.topics).toEqual(['news', 'other']);
    streams.close();
    expect(await ours).toEqual(['one', 'two', 'three']);
    expect(await theirs).toEqual([]);
    expect(streams.topics).toEqual([]);
  });

  it('are refused once they were closed, until they are opened again', async () => {
    const streams = createStreams<string>();
    streams.close();
    expect(() => follow(streams)).toThrow(expect.objectContaining({ code: 'STREAMS_ENDED', kind: 'unavailable' }));
    streams.open();
    const reading = all(follow(streams));
    streams.tell('news', 'one');
    streams.close();
    expect(await reading).toEqual(['one']);
  });

  it('are limited for each tenant, which leaves room for the others', () => {
    const streams = createStreams<string>({ maxStreamsPerTenant: 2 });
    follow(streams);
    follow(streams, { topic: 'other' });
    expect(() => follow(streams)).toThrow(expect.objectContaining({ code: 'STREAM_LIMIT_REACHED', kind: 'limited' }));
    follow(streams, { tenantId: 'globex' });
  });

  it('are limited for the whole process, which is told apart from a tenant’s limit', () => {
    const streams = createStreams<string>({ maxStreams: 2, maxStreamsPerTenant: 2 });
    follow(streams);
    follow(streams, { tenantId: 'globex' });
    expect(() => follow(streams)).toThrow(expect.objectContaining({ code: 'STREAMS_FULL', kind: 'unavailable' }));
  });

  it.each([{ maxStreams: -1 }, { maxStreamsPerTenant: 1.5 }, { maxStreams: Number.NaN }])('take no %o', (limits) => {
    expect(() => createStreams(limits)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('a place for a stream is given back', () => {
  const endings: Record<string, (streams: Streams<string>) => unknown> = {
    'when its signal was aborted before it was opened': (streams) => {
      follow(streams, { signal: AbortSignal.abort() });
    },
    'when its signal is aborted and nobody ever read it': (streams) => {
      const ending = new AbortController();
      follow(streams, { signal: ending.signal });
      ending.abort();
    },
    'when its signal is aborted while its reader waits': async (streams) => {
      const ending = new AbortController();
      const reading = all(follow(streams, { signal: ending.signal }));
      await turn();
      ending.abort();
      expect(await reading).toEqual([]);
    },
    'when it is left before anything was read': (streams) => follow(streams).return?.(),
    'when it is left while its reader waits': async (streams) => {
      const stream = follow(streams);
      const waiting = stream.next();
      await stream.return?.();
      expect(await waiting).toMatchObject({ done: true });
    },
    'when its reader breaks off': async (streams) => {
      const stream = follow(streams);
      streams.tell('news', 'one');
      for await (const word of stream) if (word === 'one') break;
    },
    'when something is thrown into it': async (streams) => {
      await expect(follow(streams).throw?.(new Error('enough'))).rejects.toThrow('enough');
    },
    'when its items break': async (streams) => {
      // eslint-disable-next-line require-yield -- It breaks before it gives anything.
      const broken = async function* (): AsyncGenerator<string> {
        await turn();
        throw new Error('the store is gone');
      };
      await expect(streams.follow({ tenantId: 'acme', topic: 'news', items: broken }).next()).rejects.toThrow('gone');
    },
    'when its items end': async (streams) => {
      const one = async function* (): AsyncGenerator<string> {
        yield await Promise.resolve('one');
      };
      expect(await all(streams.follow({ tenantId: 'acme', topic: 'news', items: one }))).toEqual(['one']);
    },
    'when it ends itself': (streams) => {
      streams.follow({
        ...{ tenantId: 'acme', topic: 'news' },
        hear: (_, stream) => stream.end(),
        items: (stream) => words([], stream),
      });
      streams.tell('news', 'too much');
    },
    'when the streams are closed': (streams) => {
      follow(streams);
      streams.close();
      streams.open();
    },
  };
  it.each(Object.entries(endings))('%s', async (_, end) => {
    const streams = createStreams<string>({ maxStreams: 1 });
    await end(streams);
    expect(streams.topics).toEqual([]);
    const last = follow(streams);
    expect(() => follow(streams)).toThrow(expect.objectContaining({ code: 'STREAMS_FULL' }));
    await last.return?.();
  });

  it('once, however often it is ended', async () => {
    const streams = createStreams<string>({ maxStreams: 2 });
    const ending = new AbortController();
    const first = follow(streams, { signal: ending.signal });
    follow(streams);
    ending.abort();
    await first.return?.();
    streams.tell('news', 'nobody hears it');
    follow(streams);
    expect(() => follow(streams)).toThrow(expect.objectContaining({ code: 'STREAMS_FULL' }));
  });
});
