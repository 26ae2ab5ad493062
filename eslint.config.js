import js from '@eslint/js';
import ts from 'typescript-eslint';

const ban = (selector, message) => ({ selector, message });

/** What library code must not reach for, and what to use instead. */
const ambient = [
  ban(
    "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    'Take the time from the Clock that is passed in: tests move it by hand.',
  ),
  ban(
    "NewExpression[callee.name='Date'][arguments.length=0]",
    'Take the time from the Clock that is passed in: tests move it by hand.',
  ),
  ban(
    'CallExpression[callee.name=/^set(Timeout|Interval|Immediate)$/]',
    'Use clock.after or clock.sleep: they are chunked past 2^31 ms, unref’d, and under the test’s control.',
  ),
  ban(
    "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    'Use newId() or node:crypto: Math.random is neither unique nor unguessable.',
  ),
  ban(
    "MemberExpression[object.name='process'][property.name='env']",
    'Settings are passed in by the host; only examples read the environment.',
  ),
  ban(
    "CallExpression[callee.object.name='JSON'][callee.property.name='stringify'] > Identifier[name=/^(error|err|cause)$/]",
    'Errors of drivers and URLs carry secrets: log describeError(error).',
  ),
  ban("CallExpression[callee.name='fetch']", 'Sockets are opened by the guarded connector alone (@dotmac/core/net).'),
  ban(
    "ImportDeclaration[source.value='node:dns'] , MemberExpression[property.name='lookup'][object.name='dns']",
    'dns.lookup blocks libuv’s threads: resolve through @dotmac/core/net.',
  ),
];
const oneCall = ban(
  "Property[key.name='run'] > ArrowFunctionExpression[body.type='BlockStatement']",
  'A route’s run is one call on a service; logic belongs there.',
);

export default ts.config(
  {
    ignores: [
      '**/dist/**',
      '**/assets/**',
      '**/node_modules/**',
      'bench/results/**',
      '**/*.mjs',
      '**/*.cjs',
      'eslint.config.js',
    ],
  },
  js.configs.recommended,
  ...ts.configs.recommended,
  {
    files: ['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/await-thenable': 'error',
    },
  },
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...ambient],
    },
  },
  { files: ['packages/*/src/**/routes.ts'], rules: { 'no-restricted-syntax': ['error', ...ambient, oneCall] } },
  {
    // The clock is where time comes from, the resolver where names do; suites are test code with a runner elsewhere.
    files: ['packages/core/src/clock.ts', 'packages/core/src/net/**/*.ts', 'packages/*/src/testing/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off', 'max-lines': 'off' },
  },
);
