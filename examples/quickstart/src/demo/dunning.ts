import { defineDunningPolicy } from '@dotmac/lifecycle';

/** Warned at once, slowed down after a week, suspended after two. */
export const dunning = defineDunningPolicy({
  name: 'standard',
  steps: [
    { afterDays: 0, action: 'warn' },
    { afterDays: 7, action: 'throttle' },
    { afterDays: 14, action: 'suspend' },
  ],
});
