import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { Bench, bundle, Deployed, deployOnEngine, overrideSettings, untilRunning } from './harness';
import { Policies } from './policies';
import { killFunction } from './processes';

/** Takes every statement away from our functions, one at a time, and sees a job fail that says what is missing. */
let bench: Bench;
let policies: Policies;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  policies = new Policies(bench);
  const impatient = { leafStartGraceSeconds: 1, startPatienceSeconds: 0, maxWindow: 4, branching: 2 };
  for (const job of Object.values(bench.jobs)) await overrideSettings(bench, job, impatient);
}, 240_000);

afterAll(() => bench?.engine.stop());

interface Scenario {
  readonly request?: object;
  readonly construct?: string;
  readonly whileRunning?: (job: Deployed) => unknown;
  /** What the error must name. */
  readonly says: string;
}

const RANGE = { items: { range: { start: 0, end: 300 } }, batchSize: 5 };
const SLOW = { ...RANGE, parameters: { sleepMs: 100 } };
/** Long enough to be seen running and killed. */
const LONG = { ...RANGE, parameters: { sleepMs: 500 } };
const killDispatcher = (job: Deployed) => killFunction(bench.engine, job.address.dispatcher);

/** For each statement the job that needs it: a permission that no job needs would be one too many. */
const DISPATCHER: Record<string, Scenario> = {
  ReadTasks: { says: 'dynamodb:GetItem' },
  UpdateTasks: { says: 'look into the log group of the dispatcher function' },
  ReadResults: { request: LONG, whileRunning: killDispatcher, says: 'dynamodb:BatchGetItem' },
  CommitResults: { says: 'dynamodb:PutItem' },
  ReadPayloads: { request: SLOW, says: 's3:GetObject' },
  WritePayloads: { request: { ...RANGE, parameters: { bytes: 1000 } }, says: 's3:PutObject' },
  InvokeWorker: { says: 'refused to run the worker' },
  InvokeTaskFunctions: { request: { tasks: [{ function: 'brief', params: 1 }] }, says: 'refused to run the worker' },
  InvokeCombiner: { construct: 'Tree', says: 'refused to run the combiner' },
  // needed by an inner node, so by a job of more leaves than the monitor starts itself
  InvokeDispatcher: { request: { ...RANGE, batchSize: 1 }, says: 'lambda:InvokeFunction' },
  WakeJob: { says: 'states:SendTaskSuccess' },
};
const MONITOR: Record<string, Scenario> = {
  ReadTasks: { says: 'dynamodb:GetItem' },
  UpdateTasks: { says: 'dynamodb:UpdateItem' },
  ReadResults: { says: 'dynamodb:BatchGetItem' },
  // only the monitor commits for a leaf that is lost for good
  CommitResults: { request: LONG, whileRunning: killDispatcher, says: 'dynamodb:PutItem' },
  ReadPayloads: { request: SLOW, says: 's3:GetObject' },
  WritePayloads: { says: 's3:PutObject' },
  InvokeDispatcher: { says: 'lambda:InvokeFunction' },
  InvokeCombiner: { says: 'refused to run the combiner' },
  ReadWorkerTimeout: { construct: 'Imported', says: 'lambda:GetFunctionConfiguration' },
  ReadAccountLimits: { says: 'lambda:GetAccountSettings' },
  // only a job that is complete before it waits is woken by the monitor
  WakeJob: { request: { items: { list: [] } }, says: 'states:SendTaskSuccess' },
  PublishJobEvents: { says: 'events:PutEvents' },
};
/** Written by the platform in the function's name; the engine needs no permission for it, AWS does. */
const BY_PLATFORM = ['WriteLogs'];

async function endOf(job: Deployed, { request = RANGE, whileRunning }: Scenario) {
  const { jobId } = await job.client.submit({ request });
  if (whileRunning) {
    await untilRunning(job, jobId, 1);
    await whileRunning(job);
  }
  const executionArn = `${job.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}`;
  for (;;) {
    const { status, error, cause } = await bench.steps.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== 'RUNNING') return { status, text: `${error}: ${cause}` };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test.each(['dispatcher', 'monitor'] as const)('every statement of the %s has a job that needs it', async (role) => {
  const scenarios = role === 'dispatcher' ? DISPATCHER : MONITOR;
  const sids = new Set<string>();
  for (const { address } of [bench.jobs.Imported, bench.jobs.Tree]) {
    for (const { statements } of await policies.of(address[role])) statements.forEach(({ Sid }) => sids.add(Sid));
  }
  expect([...sids].filter((sid) => !BY_PLATFORM.includes(sid)).sort()).toEqual(Object.keys(scenarios).sort());
});

test('with all of them every one of those jobs succeeds', async () => {
  for (const scenario of [...Object.values(DISPATCHER), ...Object.values(MONITOR)].filter((s) => !s.whileRunning)) {
    expect(await endOf(bench.jobs[scenario.construct ?? 'Node'], scenario)).toMatchObject({ status: 'SUCCEEDED' });
  }
});

describe.each([['dispatcher', DISPATCHER], ['monitor', MONITOR]] as const)('the %s', (role, scenarios) => {
  test.each(Object.entries(scenarios))('without %s', async (sid, scenario) => {
    const job = bench.jobs[scenario.construct ?? 'Node'];
    // the monitor's own commit is needed once a leaf is given up, a successor's reading once it is not
    await overrideSettings(bench, job, { maxLeafRestarts: sid === 'ReadResults' ? 5 : 0 });
    const { status, text } = await policies.without(job.address[role], sid, () => endOf(job, scenario));
    expect(status).toBe('FAILED');
    expect(text).toContain(scenario.says);
  });
});
