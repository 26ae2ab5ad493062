/** `@dotmac/fastify`: a dotmac module as a Fastify plugin. */
export { fastifyRoutes } from './plugin.js';
export type { FastifyRoutesOptions } from './plugin.js';
