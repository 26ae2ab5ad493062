/** `@dotmac/health/testing`: what a health store must do, for any test runner. */
export { healthStoreSuite } from './store-suite.js';
export { addCheck, addDuration, emptyBucket } from '../history/bucket.js';
