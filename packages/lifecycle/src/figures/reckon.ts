import type { Stage } from '../customers/stage.js';
import type { CustomerFigures } from './figures.js';
import { monthsOf } from './months.js';
import { createSpread } from './spread.js';

/** A stage that a customer came into. */
export interface StageEntry {
  stage: Stage;
  at: number;
}

/** A time in which a customer was served; `end` is null while it is. */
interface Service {
  start: number;
  end: number | null;
}

/** The stages in which somebody is a customer; who is churning is one if it was before. */
const served: readonly Stage[] = ['active', 'suspended'];

/** Adds customers up, one after another. */
export interface Reckoning {
  /** One customer's stages, oldest first, all before `to`. */
  add(entries: readonly StageEntry[]): void;
  result(): CustomerFigures;
}

/** Begins to reckon the figures of a time. What it keeps grows with its months, not with the customers. */
export function createReckoning({ from, to }: { from: number; to: number }): Reckoning {
  const months = monthsOf(from, to);
  const cohorts = months.map(({ name }, index) => ({
    month: name,
    registered: 0,
    served: months.slice(index).map(() => 0),
  }));
  const churn = months.map(({ name }) => ({ month: name, servedAtStart: 0, gained: 0, lost: 0 }));
  const funnel = { registered: 0, verified: 0, onboarding: 0, active: 0 };
  const [toActive, ended, current] = [createSpread(), createSpread(), createSpread()];
  const isWithin = (at: number): boolean => at >= from && at < to;

  const addToFunnel = (entries: readonly StageEntry[], registeredAt: number): void => {
    const first = (stage: Stage) => entries.find((entry) => entry.stage === stage)?.at;
    funnel.registered += 1;
    if (first('verification') !== undefined) funnel.verified += 1;
    if (first('onboarding') !== undefined) funnel.onboarding += 1;
    const activeAt = first('active');
    if (activeAt === undefined) return;
    funnel.active += 1;
    toActive.add(activeAt - registeredAt);
  };
  const addToCohort = (services: readonly Service[], registeredAt: number): void => {
    const index = months.findIndex(({ start, end }) => registeredAt >= start && registeredAt < end);
    const cohort = cohorts[index];
    if (!cohort) return;
    cohort.registered += 1;
    for (const [later, { end }] of months.slice(index).entries())
      if (isServedAt(services, Math.min(end, to) - 1)) cohort.served[later] = (cohort.served[later] ?? 0) + 1;
  };

  return {
    add(entries) {
      const registeredAt = entries[0]?.at;
      if (registeredAt === undefined) return;
      const services = servicesOf(entries);
      if (isWithin(registeredAt)) {
        addToFunnel(entries, registeredAt);
        addToCohort(services, registeredAt);
      }
      for (const [index, { start, end }] of months.entries()) {
        const figures = churn[index];
        if (!figures) continue;
        const isIn = (at: number | null): boolean => at !== null && at >= start && at < end && isWithin(at);
        if (isServedAt(services, Math.max(start, from) - 1)) figures.servedAtStart += 1;
        figures.gained += services.filter((service) => isIn(service.start)).length;
        figures.lost += services.filter((service) => isIn(service.end)).length;
      }
      for (const { start, end } of services)
        if (end === null) current.add(to - start);
        else if (isWithin(end)) ended.add(end - start);
    },
    result: () => ({
      from,
      to,
      funnel: { ...funnel, medianDaysToActive: toActive.result().medianDays },
      cohorts,
      churn: churn.map((of) => ({ ...of, rate: of.servedAtStart === 0 ? null : of.lost / of.servedAtStart })),
      tenure: { ended: ended.result(), current: current.result() },
    }),
  };
}

function servicesOf(entries: readonly StageEntry[]): Service[] {
  const services: Service[] = [];
  let open: Service | undefined;
  for (const { stage, at } of entries) {
    if (served.includes(stage) || (stage === 'churning' && open)) {
      if (open) continue;
      open = { start: at, end: null };
      services.push(open);
    } else if (open) {
      open.end = at;
      open = undefined;
    }
  }
  return services;
}

function isServedAt(services: readonly Service[], at: number): boolean {
  return services.some(({ start, end }) => start <= at && (end === null || end > at));
}
