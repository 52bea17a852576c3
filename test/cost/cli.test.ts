import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { Estimate } from '../../client/cost/estimate';

const BURST = path.join(__dirname, '../../assets/client/cli/burst/index.js');

function burst(request: object, ...flags: string[]) {
  return spawnSync(process.execPath, [BURST, 'estimate', '-', ...flags], { input: JSON.stringify(request), encoding: 'utf8' });
}

const RANGE = { items: { range: { start: 0, end: 10_000 } } };

test('burst estimate tells batches, time and dollars, and what it assumed', () => {
  const { stdout, status } = burst(RANGE, '--batch-seconds', '60', '--memory', '1024', '--architecture', 'arm64');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^10,000 batches, 15 dispatchers with up to 64 workers each: about 11\.1 min, about \$8\.\d+\n/);
  expect(stdout).toMatch(/worker +600,000 +GB-s +\$8\n/);
  expect(stdout).toContain('not measured on AWS');
  expect(stdout).toContain('Assumed: 60 s per batch on 1024 MB of arm64');
  expect(stdout).not.toContain('leafLife');
});

test('a Distributed Map is priced by its children, and TREE is not for it', () => {
  const { stdout } = burst(RANGE, '--fan-out', 'distributed-map', '--explain');
  expect(stdout).toMatch(/^10,000 batches, a Distributed Map with up to 1,000 children at a time: about 104 s, about \$/); // 100 started in a second
  expect(stdout).toMatch(/state machine +40,003 +\S.* +\$1\n/);
  expect(stdout).not.toMatch(/^dispatcher /m);
  expect(stdout).toMatch(/stateTransitions +40,003 +transitions +. 3 \+ \(map \? /);
  const express = JSON.parse(burst(RANGE, '--fan-out', 'distributed-map', '--child-type', 'express', '--json').stdout) as Estimate;
  expect(express.usage).toMatchObject({ stateTransitions: 10_003, expressRequests: 10_000, expressMs: 1_100 * 10_000, dispatcherInvocations: 0 });
  expect(express.seconds).toBeLessThan(20);
});

test('one of a thing is no plural', () => {
  expect(burst({ tasks: [{ function: 'a' }] }).stdout).toMatch(/^1 task, 1 dispatcher with up to 64 workers each: /);
  expect(burst({ items: { list: [1] } }, '--account-concurrency', '3').stdout).toMatch(/^1 batch, 1 dispatcher with up to 1 worker each: /);
});

test('--explain shows every formula with its figures, --json everything', () => {
  expect(burst(RANGE, '--explain').stdout).toMatch(/stateTransitions +3 +transitions +. 3 \+ \(map \? .* : 2 \* rounds\)\n/);
  const estimated = JSON.parse(burst(RANGE, '--json', '--combine', 'tree').stdout) as Estimate;
  expect(estimated).toMatchObject({ batches: 10_000, leaves: 15, usage: { workerInvocations: 10_000, combinerInvocations: 157 + 4 } });
  expect(estimated.steps.find(({ name }) => name === 'dispatcherMs')!.formula).toContain('leafTurns * batchSeconds');
});

test.each([
  [{ items: { range: { start: 5, end: 1 } } }, [], 'items.range: got'],
  [{ ...RANGE, batchsize: 3 }, [], 'batchsize: unknown field, allowed here: items'],
  [{ items: { s3: { uri: 's3://some-bucket/data.csv' } } }, [], 'say how many there are (--items)'],
  [{ redrive: { jobId: 'job-1' } }, [], 'only new jobs can be estimated'],
  [RANGE, ['--fan-out', 'distributed-map', '--combine', 'tree'], 'only dispatchers combine as a tree'],
  [RANGE, ['--child-type', 'express'], 'only with --fan-out distributed-map'],
  [RANGE, ['--memory', '64'], 'Allowed: a whole number from 128 to 10240'],
  [RANGE, ['--combine', 'twice'], 'Allowed choices are collect, tree, none'],
])('refuses %j %j', (request, flags, message) => {
  const { stderr, status } = burst(request, ...flags);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

test('unlike tasks and inputs in S3 are counted', () => {
  const tasks = JSON.parse(burst({ tasks: Array.from({ length: 70 }, () => ({ function: 'a' })) }, '--json').stdout) as Estimate;
  expect(tasks.usage).toMatchObject({ workerInvocations: 70, combinerInvocations: 0 });
  const csv = JSON.parse(burst({ items: { s3: { uri: 's3://some-bucket/data.csv' } }, batchSize: 10 }, '--items', '5000', '--json').stdout) as Estimate;
  expect(csv.usage).toMatchObject({ workerInvocations: 500, objectGets: 8 + 2 * 8 });
});
