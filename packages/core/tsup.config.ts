import { defineConfig } from 'tsup';
import { packageBuild } from '../../tsup.base.js';

export default defineConfig(
  packageBuild('index', 'contract/index', 'http/index', 'net/index', 'kysely/index', 'testing/index'),
);
