import type { Account } from './account';
import type { Measured } from './measure';
import { Run, worstDollars } from './plan';
import { TITLES, Way } from './ways';
import { distributedMap } from '../../simulation/aws/peers';
import { runJob } from '../../simulation/aws/run';
import type { JobShape, Times } from '../../simulation/aws/world';
import { count, figure, Table } from '../table';

const SIMULATED: { readonly [way in Way]: (shape: JobShape) => Promise<Times> } = {
  Tree: runJob, Standard: distributedMap('Standard'), Express: distributedMap('Express'),
};

/** The same job in the model of AWS. */
export function simulate({ way, batches }: Run, batchMs: number, accountConcurrency: number): Promise<Times> {
  return SIMULATED[way]({ batches, batchMs, accountConcurrency, workers: 1, seed: 1 });
}

export function planTable(runs: readonly Run[], batchMs: number): Table {
  const sum = runs.reduce((dollars, run) => dollars + run.dollars, 0);
  return {
    title: `Planned: batches of ${batchMs / 1_000} s`,
    columns: ['job', 'batches', 's', 'dollars'],
    rows: runs.map(({ way, batches, seconds, dollars }) => [TITLES[way], count(batches), figure(seconds), figure(dollars)]),
    notes: [`About $${figure(sum)} in all; at most $${figure(worstDollars(runs))}, if every batch had to run twice. By the price sheet, without free tiers.`],
  };
}

/** What was measured beside what is simulated. `where`: whose figures they are. */
export function resultTables(measured: readonly Measured[], simulated: readonly Times[], { isEmulated }: Pick<Account, 'isEmulated'>): Table[] {
  const where = isEmulated ? 'emulated on this machine, nothing of it is AWS\'s' : 'measured on AWS';
  const name = ({ run }: Measured) => [TITLES[run.way], count(run.batches)];
  const seconds = (...ms: number[]) => ms.map((value) => figure(value / 1_000)).join(' / ');
  const done = measured.filter(({ status }) => status === 'SUCCEEDED');
  const perThousand = (dollars: number | undefined, { run }: Measured) => (dollars === undefined ? '-' : figure((1_000 * dollars) / run.batches));
  const failures = measured.filter(({ status }) => status !== 'SUCCEEDED')
    .map(({ jobId, status, reason }) => `${jobId} is ${status}: ${reason?.code ?? ''} ${reason?.message ?? ''}`);
  return [
    {
      title: `Seconds from the execution to first start / last start / result (${where})`,
      columns: ['job', 'batches', 'measured', 'simulated', 'result : simulated', 'half had started', 'at a time', 'call: median, most'],
      rows: measured.flatMap((one, i) => (done.includes(one) ? [[
        ...name(one),
        seconds(one.firstStartMs, one.lastStartMs, one.resultMs),
        seconds(simulated[i].firstStartMs, simulated[i].lastStartMs, simulated[i].combinedMs),
        figure(one.resultMs / simulated[i].combinedMs),
        seconds(one.startedBy[50]),
        count(one.peak),
        `${figure(one.callMs.median / 1_000)}, ${figure(one.callMs.max / 1_000)}`,
      ]] : [])),
      notes: failures,
    },
    {
      title: `Cold starts (${where})`,
      columns: ['job', 'batches', 'in new environments', 'init of worker: median, most ms', 'of dispatcher', 'of monitor', 'memory of dispatcher, monitor: MB'],
      rows: done.map((one) => [
        ...name(one),
        count(one.cold),
        ...(['worker', 'dispatcher', 'monitor'] as const).map((role) => {
          const init = one.functions[role]?.initMs;
          return init ? `${figure(init.median)}, ${figure(init.max)}` : '-';
        }),
        (['dispatcher', 'monitor'] as const).map((role) => figure(one.functions[role]?.mostMegabytes ?? NaN)).join(', '),
      ]),
    },
    {
      title: `Dollars per 1,000 batches, by the usage that the job counted and the price sheet (${where})`,
      columns: ['job', 'batches', 'in all', 'beside worker and combiner', 'estimated in all'],
      rows: measured.map((one) => [
        ...name(one), perThousand(one.cost?.dollars, one), perThousand(one.cost?.overheadDollars, one), perThousand(one.run.dollars, one),
      ]),
    },
  ];
}
