import { describe, expect, it } from 'vitest';
import { lifecycleEvents } from '../../src/events.js';

/** Events as a version before wrote them into an outbox, and what is read of them. */
const earlier = {
  'customer.updated': {
    wrote: { fields: ['first_name'], unverified: [], changes: { firstName: 'Ada' } },
    isRead: { fields: ['first_name'], unverified: [], changes: { firstName: 'Ada' }, formerEmail: null, former: {} },
  },
  'customer.linked': { wrote: { externalId: '7' }, isRead: { externalId: '7', formerExternalId: null } },
};

describe('an event that an earlier version wrote', () => {
  it.each(Object.entries(earlier))('%s is delivered, without what that did not note', (name, { wrote, isRead }) => {
    const stored = { id: '1', name, at: 1, tenantId: 'acme', actor: 'user:1', subject: 'c', data: wrote };
    expect(lifecycleEvents.parse(stored)?.data).toEqual(isRead);
  });
});
