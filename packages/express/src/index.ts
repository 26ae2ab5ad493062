/** `@dotmac/express`: a dotmac module as an Express router. */
export { expressRouter } from './router.js';
export type { ExpressOptions } from './router.js';
