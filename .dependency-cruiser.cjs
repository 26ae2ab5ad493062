/** Who may import whom (ARCHITECTURE.md). Each rule fails the build. */
const domains = 'health|lifecycle|maintenance';
const inPackage = (name) => `^packages/${name}/src`;

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle makes two files one, also when it is one of types alone.',
      severity: 'error',
      from: { path: '^(packages|examples)' },
      to: { circular: true },
    },
    {
      name: 'not-your-own-index',
      comment: 'The index is for those outside: importing it from inside loads everything, and makes cycles.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/', pathNot: '/testing/' },
      to: { path: '^packages/$1/src/index\\.ts$' },
    },
    {
      name: 'core-knows-nobody',
      comment: 'Core is the ground floor.',
      severity: 'error',
      from: { path: inPackage('core') },
      to: { path: '^packages/(?!core/)' },
    },
    {
      name: 'domains-know-core-alone',
      comment: 'Domains meet in operations, and nowhere else.',
      severity: 'error',
      from: { path: `^packages/(${domains})/src` },
      to: { path: '^packages/', pathNot: '^packages/(core|$1)/' },
    },
    {
      name: 'adapters-know-core-alone',
      comment: 'An adapter serves any module; it must not know one.',
      severity: 'error',
      from: { path: inPackage('(express|fastify)') },
      to: { path: '^packages/', pathNot: '^packages/(core|$1)/' },
    },
    {
      name: 'probes-know-health-alone',
      comment: 'A package of probes stands on the contract of probes, and nothing stands on it.',
      severity: 'error',
      from: { path: inPackage('(probes-[^/]+)') },
      to: { path: '^packages/', pathNot: '^packages/(core|health|$1)/' },
    },
    {
      name: 'sql-in-its-folders',
      comment: 'SQL lives in kysely/ (our tables), databases/ (the host’s) and the check of a database.',
      severity: 'error',
      from: { path: '^packages', pathNot: '/(kysely|databases)/|/service-checks/|/test/' },
      to: { path: '(^|node_modules/)(kysely|pg|mysql2|better-sqlite3)(/|$)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'routes-are-data',
      comment:
        'Routes and contracts are read by browsers too: they import schemas and tables, never a service at run time.',
      severity: 'error',
      from: {
        path: '^packages/.*/src/.*routes\\.ts$',
        pathNot: `^packages/(core|${domains}|operations)/src/routes\\.ts$|^packages/core/src/http/`,
      },
      to: { path: '/(service|store|health|lifecycle|maintenance|operations)\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'frameworks-in-their-adapter',
      comment: 'Express and Fastify are known to their adapters alone.',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/(express|fastify)/' },
      to: { path: '(^|node_modules/)(express|fastify)(/|$)' },
    },
    {
      name: 'testing-is-for-tests',
      comment: 'What ships must not depend on suites and fake clocks.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '/testing/' },
      to: { path: '^packages/[^/]+/src/testing/' },
    },
    {
      name: 'no-deep-imports',
      comment: 'Across packages only what the exports map promises.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/(?!$1/)[^/]+/src/(?!index\\.ts|[a-z]+/index\\.ts)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(packages|examples)/[^/]+/(dist|test)/|\\.config\\.ts$|\\.mjs$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@dotmac/source', 'import', 'types', 'default'],
    },
  },
};
