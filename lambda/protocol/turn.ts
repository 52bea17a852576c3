import { InputChanged, NotAllowed } from './errors';
import { fanOut } from './fan-out';
import { Epoch } from './join';
import { jobKey } from './keys';
import type { MapTurn } from './map';
import { DispatchEvent, JobRow } from './model';
import { Ports } from './ports';
import { sealEarly } from './seal';
import { metered, StoredUsage, sumUsage } from './usage';

/** What passes from state to state. */
export interface Turn extends Epoch {
  readonly round: number;
  /** How long the next wait may last before the job is looked over. */
  readonly waitSeconds: number;
  /** What the job used so far, its leaves aside: the next token's write stores it. */
  readonly usage?: StoredUsage;
  /** Where a Distributed Map fans out. */
  readonly map?: MapTurn;
}

/** A wait never lasts longer than this, so that a job of days is looked over too. */
const MAX_WAIT_SECONDS = 15 * 60;

/**
 * When to look again. `soon`: something was just started or mended. Else a quarter of the job's age: what is lost is then
 * mended within a quarter of the time spent so far, and the rounds of a long job stay few. Never past the deadline.
 */
export function waitSeconds(row: JobRow, now: number, when: 'soon' | 'quiet'): number {
  const age = (now - row.plan.startedAt) / 1000;
  const wanted = when === 'soon' ? row.repairIntervalSeconds : waitAfter(age, row.repairIntervalSeconds);
  const left = Math.ceil((row.plan.deadline - now) / 1000) + 1;
  return Math.max(1, Math.min(wanted, left));
}

/** How long to wait for a job of this age that is quiet, in s. */
export function waitAfter(age: number, repairIntervalSeconds: number): number {
  return Math.max(repairIntervalSeconds, Math.min(MAX_WAIT_SECONDS, Math.round(age / 4)));
}

export interface TokenBearer extends Epoch {
  readonly round: number;
  readonly retryCount: number;
  readonly token: string;
  readonly usage?: StoredUsage;
}

/**
 * Stores the token of a wait, unless a later wait's is stored already, and in the first round starts the fan-out. If the job
 * was done or sealed before, wakes at once.
 */
export async function takeTurn(world: Ports, turn: TokenBearer): Promise<void> {
  const ports = metered(world, 'monitor', 1 + turn.retryCount);
  const { jobId, epoch, round, retryCount, token } = turn;
  const written = await ports.store.tasks.update(
    jobKey(jobId),
    {
      set: {
        taskToken: token,
        tokenRound: round,
        tokenRetry: retryCount,
        status: 'RUNNING',
        usage: sumUsage(turn.usage, ports.meter.used()), // whoever reads it adds this write
        ...(round === 0 ? { dispatchedAt: ports.clock.now() } : {}),
      },
    },
    {
      all: [{ equals: ['epoch', epoch] }, {
        any: [
          { absent: 'tokenRound' },
          { lessThan: ['tokenRound', round] },
          { all: [{ equals: ['tokenRound', round] }, { lessThan: ['tokenRetry', retryCount] }] },
          // our own earlier try
          { equals: ['taskToken', token] },
        ],
      }],
    },
  );
  if (!written.ok) {
    ports.log.warn('a later wait has stored its token already', { round, retryCount });
    return;
  }
  const row = written.row as unknown as JobRow;
  if (row.sealed || row.rootDone === epoch) {
    await ports.workflow.wake(token);
  } else if (round === 0) {
    await orSeal(ports, turn, () => fanOut(ports, rootEvent(row)));
  }
}

/** Does something without which the job cannot go on; when that will never be possible, the job ends and says so. */
export async function orSeal(ports: Ports, job: Epoch, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof NotAllowed || error instanceof InputChanged)) throw error;
    ports.log.error('the job cannot go on', { error: error.message });
    await sealEarly(ports, job, 'FAILED', { code: error.name, message: error.message });
  }
}

export function rootEvent(row: JobRow): DispatchEvent {
  return { jobId: row.jobId, epoch: row.epoch, lo: 0, hi: row.plan.leaves, depth: 0, expect: 0, hop: 0, plan: row.plan };
}
