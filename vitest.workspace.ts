import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const projects = {
  core: 'packages/core',
  health: 'packages/health',
  lifecycle: 'packages/lifecycle',
  maintenance: 'packages/maintenance',
  operations: 'packages/operations',
  express: 'packages/express',
  fastify: 'packages/fastify',
  'probes-isp': 'packages/probes-isp',
  quickstart: 'examples/quickstart',
  'existing-app': 'examples/existing-app',
  architecture: 'test',
};

// Tests run on the sources: no build comes first.
const conditions = ['@dotmac/source'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    globalSetup: ['test/support/announce.ts'],
    projects: Object.entries(projects).map(([name, root]) => ({
      root,
      resolve: { conditions },
      ssr: { resolve: { conditions, externalConditions: conditions } },
      test: {
        name,
        include: root === 'test' ? ['*.test.ts'] : ['test/**/*.test.ts'],
        setupFiles: [fileURLToPath(new URL('test/support/seed.ts', import.meta.url))],
        testTimeout: 60_000,
        hookTimeout: 120_000,
        // What is waited for comes at its own pace on a busy machine; a limit is for what never comes.
        expect: { poll: { timeout: 20_000 } },
        pool: 'forks' as const,
      },
    })),
  },
});
