import { describe, expect, it } from 'vitest';
import type { Block, Customer } from '../../src/customers/customer.js';
import { stages, statusOf } from '../../src/customers/stage.js';
import {
  commands,
  destination,
  legalCommands,
  possibleCommands,
  transitionFor,
  transitions,
  type Command,
} from '../../src/customers/transitions.js';
import { expected, places, whereabouts, willing, type Place } from '../support/transition-table.js';

describe('the table of transitions', () => {
  for (const place of places)
    for (const command of commands) {
      const to = expected[command][place];
      it(`${to ? `leads from ${place} to ${to} by` : `refuses in ${place}`} ${command}`, () => {
        const approval = command === 'approve' || command === 'reject' ? 'pending' : 'approved';
        const { stage, churningFrom } = whereabouts(place);
        const customer = { ...willing, stage, churningFrom, approval } as const;
        if (to) return expect(transitionFor(customer, command, {}, []).to).toBe(to);
        const legal = legalCommands(stage);
        const unwillingIn: Partial<Record<Place, Command[]>> = {
          registration: ['approve', 'reject'],
          churning: ['startOnboarding'],
          'churning before active': ['suspend'],
          inactive: approval === 'pending' ? ['verify'] : ['approve', 'reject'],
        };
        const unwilling = unwillingIn[place] ?? [];
        const isGuarded = legal.includes(command);
        expect(() => transitionFor(customer, command, {}, [])).toThrow(
          expect.objectContaining({
            code: 'ILLEGAL_TRANSITION',
            details: {
              stage,
              command,
              legal,
              possible: legal.filter((it) => !unwilling.includes(it)),
              ...(isGuarded && { reason: expect.stringMatching(/^it was (not )?active before$/) as string }),
            },
          }),
        );
      });
    }

  it('takes a churning customer of whom no more is known for one who was active, as all were once', () => {
    const customer = { ...willing, stage: 'churning', churningFrom: null } as const;
    expect(transitionFor(customer, 'winBack', {}, []).to).toBe('active');
    expect(statusOf(customer)).toBe('active');
    // A version that does not know it leaves it behind.
    expect(statusOf({ stage: 'active', churningFrom: 'onboarding' })).toBe('active');
    expect(places.map((place) => `${place}: ${statusOf(whereabouts(place))}`).slice(-4)).toEqual([
      'churning: active',
      'inactive: inactive',
      'deleted: deleted',
      'churning before active: pending',
    ]);
  });

  it('never leads who was not active to where it is served, but by the end of onboarding', () => {
    const reasons = [
      [],
      [{ reason: 'late', severity: 'suspend', promisedUntil: null }],
      [{ reason: 'late', severity: 'suspend', promisedUntil: 5 }],
    ] as unknown as Block[][];
    const before = places.filter((place) => statusOf(whereabouts(place)) === 'pending');
    expect(before).toEqual(['registration', 'verification', 'onboarding', 'churning before active']);
    const served = before.flatMap((place) =>
      commands.flatMap((command) =>
        reasons.flatMap((blocks) => {
          const customer = { ...willing, ...whereabouts(place), blocks };
          try {
            // Whatever the command does to its reasons.
            const way = transitionFor(customer, command, {}, []);
            const ends = reasons.map((left) => destination(way, left));
            return ends.some((to) => to === 'active' || to === 'suspended') ? [command] : [];
          } catch {
            return [];
          }
        }),
      ),
    );
    expect([...new Set(served)]).toEqual(['completeOnboarding']);
  });

  it.each([
    ['approve', { approval: 'approved' }, {}],
    ['verify', { approval: 'pending' }, { channel: 'email' }],
    ['verify', { emailVerifiedAt: 1 }, { channel: 'email' }],
    ['verify', { stage: 'inactive', approval: 'rejected' }, { channel: 'email' }],
    ['verify', { emailVerifiedAt: null, phoneVerifiedAt: 1 }, { channel: 'phone' }],
    ['completeOnboarding', { stage: 'onboarding' }, { missing: ['contract'] }],
    ['suspend', { stage: 'active', blocks: [{ reason: 'abuse', severity: 'suspend' }] }, { reason: 'abuse' }],
    ['suspend', { stage: 'active', blocks: Array.from({ length: 50 }, () => ({ reason: 'x' })) }, { reason: 'abuse' }],
    ['throttle', { stage: 'active', blocks: [{ reason: 'abuse', severity: 'throttle' }] }, { reason: 'abuse' }],
    ['reactivate', { stage: 'active', blocks: [] }, {}],
    ['promise', { stage: 'suspended' }, { reason: 'abuse' }],
    ['endPromise', { stage: 'suspended', blocks: [{ reason: 'late', promisedUntil: null }] }, { reason: 'late' }],
    [
      'endPromise',
      {
        stage: 'suspended',
        blocks: [
          { reason: 'late', promisedUntil: null },
          { reason: 'abuse', promisedUntil: 5 },
        ],
      },
      { reason: 'late' },
    ],
    ['verify', { stage: 'active', emailVerifiedAt: 1, phone: null, phoneVerifiedAt: null }, {}],
    ['winBack', { stage: 'inactive', approval: 'rejected' }, {}],
    ['restore', { stage: 'deleted', erasedAt: 5 }, {}],
    ['reactivate', { stage: 'deleted', erasedAt: 5 }, {}],
    ['erase', { stage: 'deleted', erasedAt: 5 }, {}],
    ['winBack', { stage: 'inactive', emailVerifiedAt: null, phoneVerifiedAt: null }, {}],
  ] as const)('refuses %s when its guard does, with a reason', (command, state, facts) => {
    const customer = { ...willing, ...state } as unknown as Customer;
    expect(() => transitionFor(customer, command, facts as object, [])).toThrow(
      expect.objectContaining({
        details: {
          stage: customer.stage,
          command,
          reason: expect.any(String) as string,
          legal: legalCommands(customer.stage),
          possible: possibleCommands(customer, []).filter((it) => it !== command),
        },
      }),
    );
  });

  const contract = { key: 'contract', message: 'Sign.', isDone: () => false };
  it.each([
    [{ stage: 'registration', approval: 'pending' }, ['approve', 'reject', 'delete']],
    [{ stage: 'registration', emailVerifiedAt: 1 }, ['delete']],
    [{ stage: 'onboarding', blocks: [] }, ['verify', 'progressOnboarding', 'markChurning', 'deactivate', 'delete']],
    [
      { stage: 'churning', churningFrom: 'verification', blocks: [] },
      ['verify', 'startOnboarding', 'winBack', 'deactivate', 'delete'],
    ],
    [{ stage: 'inactive', approval: 'rejected', blocks: [] }, ['delete', 'erase']],
    [
      { stage: 'suspended', blocks: [{ reason: 'late', severity: 'suspend', promisedUntil: null }] },
      ['verify', 'suspend', 'throttle', 'reactivate', 'promise', 'deactivate', 'delete'],
    ],
    [{ stage: 'deleted', erasedAt: 5 }, []],
  ] as const)('says of a customer that is %o what it can take, and not what its guards refuse', (state, possible) => {
    const customer = { ...willing, ...state } as unknown as Customer;
    expect(possibleCommands(customer, [contract])).toEqual(possible);
    const code = 'ILLEGAL_TRANSITION';
    const isRefused = (command: Command): boolean => {
      try {
        transitionFor(customer, command, { missing: ['contract'] }, [contract]);
        return false;
      } catch (error) {
        expect(error).toMatchObject({ code, details: { possible: possible.filter((it) => it !== command) } });
        expect((error as Error).message).toContain(
          `Possible for this customer now: ${possible.filter((it) => it !== command).join(', ') || 'none'}.`,
        );
        return true;
      }
    };
    expect(commands.filter((command) => !isRefused(command))).toEqual(possible);
  });

  it('has what is slowed down for a reason suspended for it, too', () => {
    const slow = {
      ...willing,
      stage: 'active',
      blocks: [{ reason: 'abuse', severity: 'throttle' }],
    } as unknown as Customer;
    expect(transitionFor(slow, 'suspend', { reason: 'abuse' }, []).to).toBe('suspended');
  });

  it('has a way out of every stage, also of the last', () => {
    expect(stages.filter((stage) => Object.keys(transitions[stage]).length === 0)).toEqual([]);
  });

  it('leads to suspended where a reason still suspends', () => {
    const late = { reason: 'late', severity: 'suspend', promisedUntil: null } as Block;
    const promised = { ...late, promisedUntil: 5 };
    const slow = { ...late, severity: 'throttle' } as Block;
    const way = transitionFor({ ...willing, stage: 'onboarding' }, 'completeOnboarding', {}, []);
    expect(destination(way, [promised, slow])).toBe('active');
    expect(destination(way, [promised, late])).toBe('suspended');
  });
});
