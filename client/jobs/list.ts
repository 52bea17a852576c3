import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { Context, PAGE } from './context';
import { statusOf, StatusName } from './status';
import { jobIdOf, jobKey } from '../../lambda/protocol/keys';
import type { JobRow } from '../../lambda/protocol/model';

export interface ListOptions {
  /** @default - whatever their status */
  readonly status?: StatusName;
  /** @default - all that Step Functions remembers: 90 days */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface JobSummary {
  readonly jobId: string;
  readonly status: StatusName;
  /** 0 for a job that was never planned, and for one whose data has expired. */
  readonly batchCount: number;
  readonly failed: number;
  readonly startedAt: Date;
  readonly endedAt?: Date;
}

const FROM_EXECUTION = { RUNNING: 'PENDING', SUCCEEDED: 'SUCCEEDED', FAILED: 'FAILED', TIMED_OUT: 'TIMED_OUT', ABORTED: 'CANCELLED', PENDING_REDRIVE: 'FAILED' } as const;
const FIELDS = ['jobId', 'status', 'epoch', 'terminal', 'plan', 'failedCount', 'endedAt'];

/** A job that was redriven has an execution per epoch, and is listed once, where its last one is. */
export async function* list(context: Context, { status, limit = Infinity }: ListOptions): AsyncGenerator<JobSummary> {
  const { stateMachineArn, tasksTable } = context.address;
  const seen = new Set<string>();
  let nextToken: string | undefined;
  do {
    const page = await context.connection.steps().send(new ListExecutionsCommand({ stateMachineArn, maxResults: PAGE, nextToken }), context.send);
    nextToken = page.nextToken;
    const fresh = page.executions!.map((execution) => ({ ...execution, jobId: jobIdOf(execution.name!) }))
      .filter(({ jobId }) => !seen.has(jobId) && seen.add(jobId));
    const rows = await context.rows<JobRow>(tasksTable, fresh.map(({ jobId }) => jobKey(jobId)), FIELDS);
    const byId = new Map(rows.map((row) => [row.jobId, row]));
    for (const execution of fresh) {
      const row = byId.get(execution.jobId);
      const now = row ? statusOf(row) : FROM_EXECUTION[execution.status!];
      if (status !== undefined && status !== now) continue;
      if (limit-- <= 0) return;
      yield {
        jobId: execution.jobId,
        status: now,
        batchCount: row?.plan?.batches ?? 0,
        failed: row?.failedCount ?? 0,
        startedAt: execution.startDate!,
        endedAt: row?.endedAt === undefined ? execution.stopDate : new Date(row.endedAt),
      };
    }
  } while (nextToken !== undefined);
}
