import type { TaskScope } from '../tasks/task.js';
import type { PlannedPart, PlannedSchedule } from './planned.js';
import { ofRun } from '../runs/outcome.js';
import { momentOf } from './reckon.js';
import type { SlotExplanation, SlotPart, SlotView } from './schemas.js';
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

/** What is known then of a schedule that this process cannot read: its task or policy is gone from the code. */
export interface UnfitFacts extends Omit<SlotFacts, 'planned'> {
  /** Why it cannot. */
  fault: string;
  /** Null when its rules cannot be read either. */
  planned: Pick<PlannedPart, 'timetable' | 'effectiveAt'> | null;
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

/** Why a slot did not run, or that it did: of each of its parts, and as a whole by the one that tells the most. */
export function explainSlot(facts: SlotFacts): SlotExplanation {
  const { planned, slotAt, records } = facts;
  const parts = planned.parts.map((part) => explainPart(facts, part));
  const telling = parts.find(({ ran }) => !ran) ?? parts.find(({ reason }) => reason !== 'completed');
  const { ran, reason, message, elected } = telling ?? (parts[0] as SlotPart);
  return { slotAt, ran, reason, message, elected, parts, slots: records.map(slotViewOf) };
}

/** The same of a schedule that this process cannot read: others may have run the slot, and of what they are nobody here knows. */
export function explainUnfit({ fault, planned, ...facts }: UnfitFacts): SlotExplanation {
  const { slotAt, records } = facts;
  const [record] = records;
  const whole = { slotAt, parts: [], slots: records.map(slotViewOf) };
  if (record) return { ...became(facts, record), ...whole };
  const reason = planned ? absence(facts, planned) : 'nobody';
  const isUnfit = reason === 'nobody' || reason === 'waiting';
  const message = isUnfit ? `The process that answers cannot fire it (${fault}), and no other has.` : gone[reason];
  return { ran: false, reason: isUnfit ? 'unfit' : reason, message, elected: null, ...whole };
}

function explainPart(facts: SlotFacts, part: PlannedPart): SlotPart {
  const { scope } = part;
  const record = recordOf(facts, part);
  if (!record) {
    const reason = absence(facts, part);
    return { scope, ran: false, reason, message: gone[reason], elected: null };
  }
  return { scope, ...became(facts, record) };
}

function became({ instance }: Pick<SlotFacts, 'instance'>, record: SlotRecord): Omit<SlotPart, 'scope'> {
  const elected = record.instance === instance;
  const by = elected ? '' : ` Another process, ${record.instance}, had taken it.`;
  const message = slotViewOf(record).message + by;
  return { ran: record.runId !== null, reason: record.outcome, message, elected };
}

/** Of the slots of many machines the one of this, or else of any. */
function recordOf({ planned, records }: SlotFacts, part: PlannedPart): SlotRecord | undefined {
  const own = records.find(({ scopeId }) => scopeId === part.scopeId);
  if (own || planned.parts.length === 1) return own ?? records[0];
  return records.find((record) => scopeOfLine(record) === part.scope);
}

/** Processes are named after their machines, and their own things by an id. */
const scopeOfLine = ({ scopeId, instance }: SlotRecord): TaskScope =>
  scopeId === '' ? 'cluster' : instance.startsWith(`${scopeId}/`) ? 'host' : 'process';

function absence(
  { slotAt, now, keptSince }: Omit<SlotFacts, 'planned'>,
  { timetable, effectiveAt }: Pick<PlannedPart, 'timetable' | 'effectiveAt'>,
): keyof typeof gone {
  if (timetable.next(slotAt - 1) !== slotAt) return 'not_a_slot';
  const moment = momentOf(timetable.firing(slotAt));
  if (moment > now) return 'not_due';
  if (effectiveAt !== null && slotAt <= effectiveAt) return 'before_schedule';
  if (slotAt < keptSince) return 'not_kept';
  return now - moment < promptMs ? 'waiting' : 'nobody';
}

/** A line of the ledger, in words. */
export function slotViewOf({ tenantId: _, schedule: __, nextAt: ___, message, ...record }: SlotRecord): SlotView {
  const { outcome, runId } = record;
  return { ...record, message: ofRun(message ?? slotOutcomes[outcome], runId) };
}
