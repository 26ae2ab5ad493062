/** `@dotmac/lifecycle/testing`: for those who test their use of it, and for those who write a store or a waker. */
export { expectEvents, type ExpectedEvent, type ExpectEventsOptions } from './expect-events.js';
export { lifecycleStoreSuite } from './store-suite.js';
export type { LifecycleStoreSubject } from './subject.js';
export { fakeClock, outboxSuite, leaseSuite, runSuite, wakerSuite } from '@dotmac/core/testing';
export type {
  FakeClock,
  FakeClockOptions,
  LeaseSubject,
  OutboxSubject,
  Suite,
  SuiteCase,
  SuiteRunner,
  SuiteSubject,
  WakerSubject,
} from '@dotmac/core/testing';
