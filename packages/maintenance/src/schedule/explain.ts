import type { PlannedSchedule } from './planned.js';
import { momentOf } from './reckon.js';
import type { SlotExplanation, SlotView } from './schemas.js';
import { slotOutcomes, type SlotRecord } from './slot.js';

/** What is known when it is asked why a slot did not run. */
export interface SlotFacts {
  planned: PlannedSchedule;
  slotAt: number;
  /** Its lines in the ledger. */
  records: readonly SlotRecord[];
  /** The process that answers; null when it fires nothing. */
  instance: string | null;
  now: number;
  /** Lines of before are gone. Epoch ms. */
  keptSince: number;
}

/** Processes and databases are no faster. */
const promptMs = 60_000;

const gone = {
  not_a_slot: 'The schedule does not come due then.',
  not_due: 'It is to come.',
  before_schedule: 'The schedule was made, changed or resumed after it.',
  nobody: 'No process was firing schedules when it came due, or nobody wrote down that it was left out.',
  not_kept: 'It is too long ago: what became of it is not kept any more.',
  waiting: 'It has just come due, and nobody has taken it so far.',
} as const;

/** Why a slot did not run, or that it did. */
export function explainSlot(facts: SlotFacts): SlotExplanation {
  const { planned, slotAt, records, instance } = facts;
  // Of the slots of many machines the one of this.
  const record = records.find(({ scopeId }) => scopeId === planned.scopeId) ?? records[0];
  if (!record) {
    const reason = absence(facts);
    return { slotAt, ran: false, reason, message: gone[reason], elected: null, slots: [] };
  }
  const elected = record.instance === instance;
  const by = elected ? '' : ` Another process, ${record.instance}, had taken it.`;
  const { message } = slotViewOf(record);
  return {
    slotAt,
    ran: record.runId !== null,
    reason: record.outcome,
    message: message + by,
    elected,
    slots: records.map(slotViewOf),
  };
}

function absence({ planned, slotAt, now, keptSince }: SlotFacts): keyof typeof gone {
  const { timetable, effectiveAt } = planned;
  if (timetable.next(slotAt - 1) !== slotAt) return 'not_a_slot';
  const moment = momentOf(timetable.firing(slotAt));
  if (moment > now) return 'not_due';
  if (effectiveAt !== null && slotAt <= effectiveAt) return 'before_schedule';
  if (slotAt < keptSince) return 'not_kept';
  return now - moment < promptMs ? 'waiting' : 'nobody';
}

/** A line of the ledger, in words. */
export function slotViewOf({ tenantId: _, schedule: __, message, ...record }: SlotRecord): SlotView {
  return { ...record, message: message ?? slotOutcomes[record.outcome] };
}
