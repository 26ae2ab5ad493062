import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSealer } from '../src/index.js';

const [young, old] = ['a secret of more than 32 characters: young', 'a secret of more than 32 characters: old'];
const binding = ['acme', 'endpoint', 'gw.example.com'];

describe('a sealer', () => {
  it('opens what it sealed, whatever it is, and shows nothing of it', () => {
    const sealer = createSealer([young], 'tests');
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, unit: 'binary' }),
        fc.array(fc.string(), { maxLength: 4 }),
        (text, bound) => {
          const sealed = sealer.seal(text, bound);
          expect(sealer.unseal(sealed, bound)).toBe(Buffer.from(text).toString());
          expect(sealed).toMatch(/^[0-9a-f]{12}(?:\.[\w-]*){3}$/);
        },
      ),
    );
    expect(sealer.seal('same', binding)).not.toBe(sealer.seal('same', binding));
  });

  it('opens what an older secret sealed, and not what a forgotten one did', () => {
    const sealed = createSealer([old], 'tests').seal('text', binding);
    const both = createSealer([young, old], 'tests');
    expect(both.unseal(sealed, binding)).toBe('text');
    expect(createSealer([young], 'tests').unseal(both.seal('text', binding), binding)).toBe('text');
    expect(createSealer([young], 'tests').unseal(sealed, binding)).toBeUndefined();
    expect(createSealer([old], 'other domain').unseal(sealed, binding)).toBeUndefined();
  });

  it('does not open what was moved, cut or changed', () => {
    const sealer = createSealer([young], 'tests');
    const sealed = sealer.seal('text', binding);
    expect(sealer.unseal(sealed, [...binding, ''])).toBeUndefined();
    expect(sealer.unseal(sealed, ['acme', 'endpoint', 'rogue.example.com'])).toBeUndefined();
    const parts = sealed.split('.');
    for (const at of [1, 2, 3]) {
      const flipped = Buffer.from(Buffer.from(parts[at] ?? '', 'base64url').map((byte) => byte ^ 1));
      const changed = parts.with(at, flipped.toString('base64url'));
      expect(sealer.unseal(changed.join('.'), binding)).toBeUndefined();
    }
    const [id = '', iv = '', body = '', tag = ''] = parts;
    // Of a tag that may be shorter, so much less has to be guessed.
    for (const bytes of [4, 8, 12, 13, 14, 15]) {
      const short = Buffer.from(tag, 'base64url').subarray(0, bytes).toString('base64url');
      expect(sealer.unseal([id, iv, body, short].join('.'), binding), `${bytes} bytes`).toBeUndefined();
    }
    for (const text of ['', '.', '...', sealed.slice(0, -8), parts.slice(0, 3).join('.')])
      expect(sealer.unseal(text, binding)).toBeUndefined();
  });

  it('wants secrets that are worth the name', () => {
    for (const secrets of [[], ['short'], [young, 'short']])
      expect(() => createSealer(secrets, 'tests')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
