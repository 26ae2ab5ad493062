export { fakeClock, type FakeClock } from './fake-clock.js';
export { runSuite, type Suite, type SuiteCase, type SuiteRunner, type SuiteSubject } from './suite.js';
