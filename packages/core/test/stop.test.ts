import { describe, expect, it } from 'vitest';
import { Stop } from '../src/stop.js';

describe('a stop', () => {
  it('calls who listens once, in their order, with its reason at hand', () => {
    const stop = new Stop();
    const heard: unknown[] = [];
    stop.addEventListener('abort', () => heard.push('first', stop.reason));
    stop.addEventListener('abort', () => heard.push('second'));
    expect([stop.aborted, stop.reason]).toEqual([false, undefined]);
    stop.abort('because');
    stop.abort('again');
    expect([stop.aborted, stop.reason, heard]).toEqual([true, 'because', ['first', 'because', 'second']]);
  });

  it('does not call who has stopped listening', () => {
    const stop = new Stop();
    const heard: string[] = [];
    const listeners = ['a', 'b', 'c'].map((name) => () => void heard.push(name));
    for (const listener of listeners) stop.addEventListener('abort', listener);
    stop.removeEventListener('abort', listeners[1] as () => void);
    stop.removeEventListener('abort', () => undefined);
    stop.abort();
    expect(heard).toEqual(['a', 'c']);
  });

  it('has a real signal that follows it, whenever that is asked for', () => {
    const stop = new Stop();
    const { signal } = stop;
    expect([signal instanceof AbortSignal, signal.aborted, stop.signal === signal]).toEqual([true, false, true]);
    stop.abort('because');
    expect([signal.aborted, signal.reason]).toEqual([true, 'because']);
    const late = new Stop();
    late.abort('before');
    expect([late.signal.aborted, late.signal.reason]).toEqual([true, 'before']);
  });
});
