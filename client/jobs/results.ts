import { Context } from './context';
import { finishedGroups, FollowOptions } from './groups';
import type { Failure } from '../../lambda/protocol/model';
import { BatchResult, groupResults } from '../../lambda/protocol/results';

export async function* results(context: Context, jobId: string, options: FollowOptions): AsyncGenerator<BatchResult> {
  for await (const piece of finishedGroups(context, jobId, options)) {
    if ('missing' in piece) {
      for (let batchId = piece.missing.start; batchId < piece.missing.end; batchId++) yield { batchId, state: 'missing' };
    } else {
      yield* groupResults(piece, context.text);
    }
  }
}

export async function* failures(context: Context, jobId: string, options: FollowOptions): AsyncGenerator<Failure> {
  for await (const piece of finishedGroups(context, jobId, options, false)) if (!('missing' in piece)) yield* piece.failed;
}
