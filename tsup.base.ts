import type { Options } from 'tsup';

/** How every package is built: ESM and CommonJS, with types for each; dependencies and peers stay outside. */
export function packageBuild(...entries: string[]): Options {
  return {
    entry: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    format: ['esm', 'cjs'],
    target: 'node20',
    dts: true,
    sourcemap: true,
    clean: true,
    shims: true,
  };
}
