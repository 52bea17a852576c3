import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { JobTimeline, TimedBatch } from '../../client';
import { costOf } from '../../client/cost/price';
import type { ReportData } from '../../client/report';
import { FailureGroups } from '../../client/report/failures';
import { groupCount, groupsOfLeaf } from '../../lambda/protocol/plan';

const WINDOW = 32;
const HOSTILE = ['<img src=x onerror=alert(1)>', '</script><script>alert(2)</script>"\'&'];

/** A job as it might have run: cold starts, stragglers, batches tried again and, one in 97, failed for good. */
export function sampleJob(batchCount: number, change: Partial<ReportData['status']> = {}): ReportData {
  const random = xoroshiro128plus(batchCount);
  const uniform = () => uniformFloat64(random);
  const groups = groupCount(batchCount);
  const leaves = Math.max(1, Math.min(groups, Math.ceil(batchCount / 500)));
  const batches: TimedBatch[] = [];
  const dispatchers: JobTimeline['dispatchers'] = [];
  const failures = new FailureGroups();
  for (let leaf = 0; leaf < leaves; leaf++) {
    const { start, end } = groupsOfLeaf(leaf, groups, leaves);
    const from = 300 + Math.round(400 * uniform());
    const free: number[] = new Array(WINDOW).fill(from + 50);
    for (let batchId = start * 64; batchId < Math.min(batchCount, end * 64); batchId++) {
      const slot = free.indexOf(Math.min(...free));
      const isCold = batchId - start * 64 < WINDOW;
      const attempts = batchId % 41 === 7 ? 2 : 1;
      const failed = batchId % 97 === 5;
      const durationMs = Math.round((isCold ? 350 : 80) * (0.6 + uniform()) + (uniform() < 0.004 ? 900 : 0));
      const startMs = free[slot] + (attempts - 1) * 120;
      free[slot] = startMs + durationMs + 3;
      batches.push({ batchId, startMs: Math.round(startMs), durationMs, attempts: failed ? 3 : attempts, failed });
      if (failed) {
        const [errorType, message] = batchId % 2 === 0 ? ['RangeError', `item ${batchId} is out of range`] : HOSTILE;
        failures.add({ batchId, errorType, message, attempts: 3, requestId: `00000000-0000-4000-8000-${String(batchId).padStart(12, '0')}` });
      }
    }
    dispatchers.push({ leaf, attempt: leaf === 1 ? 2 : 1, startMs: from, endMs: Math.round(Math.max(...free)) + 20 });
  }
  const end = dispatchers.reduce((so, { endMs }) => Math.max(so, endMs), 0);
  const startedAt = new Date('2026-01-02T03:04:05Z');
  const failed = batches.filter((batch) => batch.failed).length;
  const workerMs = batches.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const usage = { workerInvocations: batchCount, workerMs, tableWriteUnits: 5 * groups, stateTransitions: 9 };
  return {
    status: {
      jobId: 'sample',
      status: 'SUCCEEDED',
      epoch: 1,
      batchCount,
      hasTasks: false,
      finished: batchCount,
      failed,
      running: 0,
      leaves,
      startedAt,
      endedAt: new Date(startedAt.getTime() + end + 700),
      cost: costOf(usage, { worker: { memoryMegabytes: 512, architecture: 'arm64' } }),
      ...change,
    },
    timeline: { startedAt, slots: leaves * WINDOW, dispatchers, batches, takenOver: 0, combine: { startMs: end + 200, endMs: end + 600 } },
    failures: failures.all,
    isLocal: true,
  };
}
