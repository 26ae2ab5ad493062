/** `@dotmac/lifecycle/testing`: for those who write a store. */
export { lifecycleStoreSuite, type LifecycleStoreSubject } from './store-suite.js';
