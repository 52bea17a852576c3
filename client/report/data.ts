import { FailureGroup, FailureGroups } from './failures';
import type { BurstClient, CallOptions } from '../client';
import { JobRunningError } from '../errors';
import { isTerminal, JobStatus } from '../jobs/status';
import type { JobTimeline } from '../jobs/timeline';

/** What a report is made of. */
export interface ReportData {
  readonly status: JobStatus;
  readonly timeline: JobTimeline;
  readonly failures: readonly FailureGroup[];
  /** Whether it ran on a local AWS, whose times and bill are not those of AWS. */
  readonly isLocal: boolean;
}

export interface CollectOptions extends CallOptions {
  /** Told as the times of batches are read. */
  readonly onProgress?: (batches: number, of: number) => void;
}

/** The account of local stand-ins for AWS; AWS has none of this number. */
const NOBODY = ':000000000000:';

/**
 * Reads what a report of a job tells: its status, its manifest and the document of each group of 64 batches, eight at a time. Results pass
 * by, so that about 100 bytes per batch stay in memory.
 *
 * @throws JobRunningError if the job has not ended
 */
export async function collectReport(client: BurstClient, jobId: string, options: CollectOptions = {}): Promise<ReportData> {
  const status = await client.status(jobId, options);
  if (!isTerminal(status.status)) throw new JobRunningError(jobId, status.status, 'has a report');
  const isLocal = (await client.address(options)).stateMachineArn.includes(NOBODY);
  const failures = new FailureGroups();
  if (status.epoch === 0) { // it was refused, or stopped before it was planned
    const timeline = { startedAt: status.startedAt ?? new Date(0), slots: 0, dispatchers: [], batches: [], takenOver: 0 };
    return { status, timeline, failures: [], isLocal };
  }
  const timeline = await client.timeline(jobId, options);
  if (timeline.batches.some(({ failed }) => failed)) {
    for await (const failure of client.failures(jobId, { signal: options.signal })) failures.add(failure);
  }
  return { status, timeline, failures: failures.all, isLocal };
}
