import { execFileSync, spawn, spawnSync } from 'child_process';
import { once } from 'events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { createServer, RequestListener } from 'http';
import { AddressInfo } from 'net';
import { tmpdir } from 'os';
import * as path from 'path';
import { text } from 'stream/consumers';
import { buildSync } from 'esbuild';
import { Bench, bundle, Deployed, deployOnEngine, overrideSettings } from '../e2e/harness';
import { until } from '../engine/support';

/** The command as a process of its own, against a deployed app. */
const root = path.join(__dirname, '..', '..');
const command = path.join(root, 'node_modules', '.cache', `burst-command-${process.pid}`, 'burst.js');
const folder = mkdtempSync(path.join(tmpdir(), 'burst-command-'));
const CLEAN = { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' };
let bench: Bench;
let job: Deployed;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  buildSync({ entryPoints: [path.join(root, 'client', 'cli', 'burst.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: command });
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  job = bench.jobs.Node;
  await overrideSettings(bench, job, { leafStartGraceSeconds: 2 });
  env = { ...CLEAN, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_ENDPOINT_URL: bench.engine.endpoint, BURST_STATE_MACHINE: job.address.stateMachineArn };
  writeFileSync(path.join(folder, 'quick.json'), JSON.stringify({ items: { range: { start: 0, end: 100 } } }));
  writeFileSync(path.join(folder, 'slow.json'), JSON.stringify({ items: { range: { start: 0, end: 400 } }, batchSize: 1, maxConcurrency: 8, parameters: { sleepMs: 250 } }));
  writeFileSync(path.join(folder, 'failing.json'), JSON.stringify({
    items: { range: { start: 0, end: 100 } }, toleratedFailurePercentage: 30, parameters: { misbehave: { 3: 'throw', 5: 'throw', 7: 'exit' } },
  }));
  writeFileSync(path.join(folder, 'doomed.json'), JSON.stringify({ items: { range: { start: 0, end: 100 } }, parameters: { misbehave: { 3: 'throw' } } }));
  writeFileSync(path.join(folder, 'broken.json'), '{"items":');
  writeFileSync(path.join(folder, 'backwards.json'), JSON.stringify({ items: { range: { start: 5, end: 1 } } }));
  writeFileSync(path.join(folder, 'unknown-function.json'), JSON.stringify({ tasks: [{ function: 'nope', params: {} }] }));
}, 240_000);

afterAll(async () => {
  await bench?.engine.stop();
  rmSync(folder, { recursive: true, force: true });
  rmSync(path.dirname(command), { recursive: true, force: true });
});

const burst = (args: string[], more: NodeJS.ProcessEnv = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { cwd: folder, encoding: 'utf8', env: { ...env, ...more } });
  return { status, stdout, stderr };
};
/** While a server of this process answers it. */
const burstBeside = async (args: string[], more: NodeJS.ProcessEnv) => {
  const child = spawn(process.execPath, [command, ...args], { cwd: folder, env: { ...env, ...more } });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { status, stdout, stderr };
};
const listening = async (answer: RequestListener) => {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};
const reportData = (file: string) => JSON.parse(/id="report-data">(.*?)<\/script>/s.exec(readFileSync(path.join(folder, file), 'utf8'))![1]);
const sum = (end: number) => Array.from({ length: end }, (_, n) => n * n).reduce((a, b) => a + b, 0);

describe('a job', () => {
  test('run prints the result alone, and is quiet but for the name of the job', () => {
    const { status, stdout, stderr } = burst(['run', 'quick.json', '--name', 'quick']);
    expect(stderr).toBe(`job ${job.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:quick\n`);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sum: sum(100), batches: 10 });
    expect(JSON.parse(burst(['run', 'quick.json', '--name', 'quick', '--json']).stdout)).toMatchObject({ status: 'SUCCEEDED', finished: 10, result: { sum: sum(100) } });
  });

  test('run writes a file, and refuses one that exists before anything is started', () => {
    expect(burst(['run', 'quick.json', '-o', 'result.json', '--stack', 'E2e', '--construct', 'Node', '--region', 'us-east-1'])).toMatchObject({ status: 0, stdout: '' });
    const written = readFileSync(path.join(folder, 'result.json'), 'utf8');
    expect(JSON.parse(written)).toMatchObject({ sum: sum(100) });
    const refused = burst(['run', 'quick.json', '-o', 'result.json', '--name', 'refused']);
    expect(refused).toEqual({ status: 2, stdout: '', stderr: 'burst: result.json exists already: choose another file, or remove it first\n' });
    expect(burst(['status', 'refused'])).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no job refused') });
    expect(burst(['run', 'quick.json', '-o', 'no/such/folder/x', '--name', 'refused'])).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be written') });
    expect(readFileSync(path.join(folder, 'result.json'), 'utf8')).toBe(written);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  test('submit, wait, status, results, failures, list', () => {
    expect(burst(['submit', 'failing.json', '--name', 'failing'])).toMatchObject({ status: 0, stdout: 'failing\n' });
    expect(JSON.parse(burst(['wait', 'failing']).stdout)).toMatchObject({ batches: 10, failed: [3, 5, 7] });
    expect(burst(['status', 'failing']).stdout).toMatch(/^status {4}SUCCEEDED\nbatches {3}10 of 10 finished, 3 failed, 0 running\nstarted /);
    const lines = burst(['results', 'failing']).stdout.trim().split('\n').map((line) => JSON.parse(line));
    expect(lines.map(({ batchId, state }) => `${batchId} ${state}`).slice(2, 5)).toEqual(['2 succeeded', '3 failed', '4 succeeded']);
    expect(JSON.parse(burst(['results', 'failing', '--json']).stdout)).toEqual(lines);

    const { stdout } = burst(['failures', 'failing']);
    expect(stdout).toMatch(/^COUNT +ERROR +MESSAGE +BATCHES\n2 +TypeError +cannot work on batch 3 +3, 5\n1 +/);
    expect(stdout).toMatch(/logs of batch 3: aws logs filter-log-events --log-group-name \/aws\/lambda\/\S+ --filter-pattern '"[\w-]+"'/);
    expect(stdout).toContain('burst redrive arn:aws:states:us-east-1:000000000000:execution:');
    expect(JSON.parse(burst(['failures', 'failing', '--json']).stdout)).toMatchObject({ failed: 3, unlisted: 0, groups: [{ count: 2 }, { count: 1 }] });
    expect(JSON.parse(burst(['redrive', 'failing', '--json']).stdout)).toEqual({ jobId: 'failing', epoch: 2 });
    expect(burst(['wait', 'failing']).status).toBe(0);
    // what of the first epoch was good has its times there
    expect(burst(['report', 'failing', '-o', 'redriven.html'])).toMatchObject({ status: 0, stdout: '' });
    const { figures } = reportData('redriven.html');
    expect(figures).toMatchObject({ batches: 10, succeeded: 7, failed: 3, missing: 0, takenOver: 7 });
    expect(figures.workerMs).toBeLessThan(figures.wallMs * figures.peak + 1);
    expect(burst(['status', 'failing']).stdout).toContain('(redriven 1 time)\n');
    const listed = JSON.parse(burst(['list', '--json']).stdout).map(({ jobId }: { jobId: string }) => jobId);
    expect(listed.filter((name: string) => name === 'failing')).toHaveLength(1);
    expect(burst(['list', '--status', 'FAILED']).stdout).toBe('there are no such jobs\n');
  });

  test('has a report, whose figures are those of the job, once it has ended', async () => {
    const request = { items: { range: { start: 0, end: 700 } }, toleratedFailurePercentage: 1, batchSize: 1, parameters: { misbehave: { 3: 'throw', 699: 'throw' } } };
    writeFileSync(path.join(folder, 'reported.json'), JSON.stringify(request));
    expect(burst(['submit', 'reported.json', '--name', 'reported']).status).toBe(0);
    expect(burst(['report', 'reported', '-o', 'early.html'])).toMatchObject({ status: 2, stderr: expect.stringContaining('only a job that has ended has a report') });
    expect(existsSync(path.join(folder, 'early.html'))).toBe(false);
    expect(burst(['wait', 'reported']).status).toBe(0);
    expect(burst(['report', 'reported', '-o', 'report.html', '--json'])).toMatchObject({ status: 0, stdout: '{"jobId":"reported","report":"report.html"}\n' });
    expect(burst(['report', 'reported', '-o', 'report.html'])).toMatchObject({ status: 2, stderr: expect.stringContaining('exists already') });

    const [status, { batches, dispatchers }] = [await job.client.status('reported'), await job.client.timeline('reported')];
    const workerMs = batches.reduce((total, { durationMs }) => total + durationMs, 0);
    const { figures, histogram } = reportData('report.html');
    expect(figures).toMatchObject({
      batches: 700,
      succeeded: 698,
      failed: 2,
      missing: 0,
      takenOver: 0,
      retried: 2,
      dispatchers: dispatchers.length,
      workerMs,
      dollars: status.cost!.dollars,
      wallMs: status.endedAt!.getTime() - status.startedAt!.getTime(),
      maxMs: Math.max(...batches.map(({ durationMs }) => durationMs)),
    });
    expect(figures.peak).toBeLessThanOrEqual(figures.slots);
    expect([...histogram.succeeded, ...histogram.failed].reduce((a: number, b: number) => a + b)).toBe(700);
    const page = readFileSync(path.join(folder, 'report.html'), 'utf8');
    expect(page).toContain('cannot work on batch 3');
    expect(page).toContain('ran on a local AWS');
  });

  test('that fails ends with 3 and the reason in one line', () => {
    const { status, stdout, stderr } = burst(['run', 'doomed.json', '--name', 'doomed']);
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr.trim().split('\n')).toHaveLength(2);
    expect(stderr).toMatch(/\nburst: job doomed is FAILED \(TooManyFailures\): .*cannot work on batch 3.*see `burst failures arn:/);
    expect(burst(['failures', 'doomed']).stdout).toMatch(/^ *1 .*cannot work on batch 3/m);
    expect(burst(['cancel', 'doomed']).stdout).toBe('job doomed had ended already: FAILED\n');
  });

  test('whose request only the construct can refuse ends with 3, and sends nobody to look for failed batches', () => {
    const { status, stderr } = burst(['run', 'unknown-function.json', '--name', 'unknown-function']);
    expect(status).toBe(3);
    expect(stderr).toMatch(/is FAILED \(InvalidRequest\): tasks/);
    expect(stderr).not.toContain('burst failures');
  });

  test('of unlike tasks speaks of tasks, by their ids', () => {
    const tasks = [{ id: 'cover', params: { a: 1 } }, { id: 'bad', params: { fail: 'always' } }, { params: { fail: 'always' } }, { id: 'last' }].map((task) => ({ function: 'brief', ...task }));
    writeFileSync(path.join(folder, 'tasks.json'), JSON.stringify({ tasks, toleratedFailurePercentage: 50 }));
    writeFileSync(path.join(folder, 'doomed-tasks.json'), JSON.stringify({ tasks: tasks.slice(0, 2) }));
    const run = burst(['run', 'tasks.json', '--name', 'tasks']);
    expect(run.status).toBe(0);
    const answer = JSON.parse(run.stdout);
    expect(Object.keys(answer).sort()).toEqual(['2', 'bad', 'cover', 'last']);
    expect(answer).toMatchObject({ cover: { status: 'SUCCEEDED', result: { id: 'cover', params: { a: 1 } } }, bad: { status: 'FAILED', error: { message: 'bad cannot be done' } } });
    expect(JSON.parse(burst(['wait', 'tasks']).stdout)).toEqual(answer);
    expect(burst(['status', 'tasks']).stdout).toMatch(/^status {4}SUCCEEDED\ntasks {5}4 of 4 finished, 2 failed, 0 running\n/);
    const lines = burst(['results', 'tasks']).stdout.trim().split('\n').map((line) => JSON.parse(line));
    expect(lines.map(({ taskId, state }) => `${taskId} ${state}`)).toEqual(['cover succeeded', 'bad failed', '2 failed', 'last succeeded']);
    const { stdout } = burst(['failures', 'tasks']);
    expect(stdout).toMatch(/^COUNT +ERROR +MESSAGE +TASKS\n1 +RangeError +bad cannot be done +bad\n1 +RangeError +2 cannot be done +2\n\nlogs of task bad: request id /);
    expect(burst(['doctor', '--request', 'tasks.json']).stdout).toContain('4 tasks, up to 4 at a time, 1 round;');

    const doomed = burst(['run', 'doomed-tasks.json', '--name', 'doomed-tasks']);
    expect([doomed.status, doomed.stdout]).toEqual([3, '']);
    expect(doomed.stderr).toContain('1 of 2 tasks failed, 0 are tolerated (toleratedFailurePercentage); for example task bad: RangeError: bad cannot be done');
    const partly = JSON.parse(burst(['results', 'doomed-tasks', '--json']).stdout);
    expect(partly).toHaveLength(2);
    expect(burst(['redrive', 'doomed-tasks', '--json']).stdout).toBe('{"jobId":"doomed-tasks","epoch":2}\n');
    expect(burst(['wait', 'doomed-tasks']).status).toBe(3);
    expect(burst(['status', 'doomed-tasks']).stdout).toContain('FAILED (redriven 1 time)\ntasks ');
  });

  test('that is combined as a tree prints the answer of its root, and what became of each batch', () => {
    const tree = { BURST_STATE_MACHINE: bench.jobs.Tree.address.stateMachineArn };
    const request = { items: { range: { start: 0, end: 1000 } }, parameters: { misbehave: { 70: 'throw' } }, toleratedFailurePercentage: 10 };
    writeFileSync(path.join(folder, 'tree.json'), JSON.stringify(request));
    const { status, stdout } = burst(['run', 'tree.json', '--name', 'tree'], tree);
    expect(status).toBe(0);
    const answer = JSON.parse(stdout);
    const lost = Array.from({ length: 10 }, (_, i) => (700 + i) ** 2).reduce((a, b) => a + b);
    expect(answer).toMatchObject({ sum: sum(1000) - lost, runs: [[0, 100]], failed: [70] });
    expect(JSON.parse(burst(['wait', 'tree', '--json'], tree).stdout)).toMatchObject({ status: 'SUCCEEDED', finished: 100, failed: 1, hasTasks: false, result: answer });
    expect(burst(['status', 'tree'], tree).stdout).toContain('\nbatches   100 of 100 finished, 1 failed, 0 running\n');
    const lines = burst(['results', 'tree', '--order', 'finished'], tree).stdout.trim().split('\n').map((line) => JSON.parse(line));
    expect(lines.map(({ batchId }) => batchId).sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect(lines.filter(({ state }) => state !== 'succeeded')).toMatchObject([{ batchId: 70, state: 'failed' }]);
    expect(burst(['failures', 'tree'], tree).stdout).toMatch(/BATCHES\n1 +TypeError +cannot work on batch 70 +70\n/);
  });

  test('is cancelled by the ARN of its execution alone', () => {
    const { stdout } = burst(['submit', 'slow.json', '--json']);
    const { jobId, stateMachineArn } = JSON.parse(stdout);
    const arn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}`;
    expect(burst(['cancel', arn], { BURST_STATE_MACHINE: '' })).toMatchObject({ status: 0, stdout: `job ${jobId} is cancelled: nothing new starts\n` });
    expect(burst(['wait', arn], { BURST_STATE_MACHINE: '' })).toMatchObject({ status: 3, stderr: expect.stringContaining(`job ${jobId} is CANCELLED`) });
  });

  test('has what it needs, says the doctor', () => {
    const { status, stdout } = burst(['doctor', '--request', 'slow.json', '--json']);
    expect(status).toBe(0);
    const findings: { check: string; verdict: string; found: string }[] = JSON.parse(stdout);
    expect(findings.map(({ check }) => check.replace(/ E2e.*/, ''))).toEqual(['credentials', 'state machine', 'account concurrency', 'log streams', 'worker', 'this job']);
    expect(findings.find(({ check }) => check === 'this job')!.found).toContain('400 batches, up to 8 at a time, 50 rounds');
    expect(findings.find(({ check }) => check === 'log streams')!.found).toMatch(/the quota is 50 by default \(the account's own is unknown: \S/); // not on the local AWS
  });

  test.each<[string, number, object, string, RegExp]>([
    ['the account has', 200, { Quota: { Value: 4 } }, 'warning', /the quota is 4: log lines may be late or lost until CreateLogStream is raised/],
    ['the default is, where it may not ask', 400, { __type: 'AccessDeniedException', message: 'no identity-based policy allows it' }, 'ok',
      /the quota is 50 by default \(the account's own is unknown: not allowed \(Service Quotas at .*\): no identity-based policy allows it/],
  ])('may make as many log streams per second as %s, says the doctor', async (_, code, body, verdict, says) => {
    let asked = '';
    const quotas = await listening((request, response) => {
      request.on('data', (data) => { asked += data; }).on('end', () => response.writeHead(code, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body)));
    });
    const { stdout } = await burstBeside(['doctor', '--json'], { AWS_ENDPOINT_URL_SERVICE_QUOTAS: quotas.url });
    quotas.server.close();
    expect(JSON.parse(asked)).toEqual({ ServiceCode: 'logs', QuotaCode: 'L-76507CEF' });
    expect(JSON.parse(stdout).find(({ check }: { check: string }) => check === 'log streams')).toEqual({ check: 'log streams', verdict, found: expect.stringMatching(says) });
  });
});

describe('what is wrong is said in one line, with what to do', () => {
  const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
  test.each<[string, string[], NodeJS.ProcessEnv, number, string]>([
    ['unknown job', ['status', 'nobody'], {}, 2, 'there is no job nobody at arn:'],
    ['no such stack', ['status', 'x', '--stack', 'Nope', '--region', 'us-east-1'], {}, 2, 'there is no stack Nope in us-east-1: check its name'],
    ['several in the stack', ['list', '--stack', 'E2e', '--region', 'us-east-1'], {}, 2, 'there are several BurstComputes: name one of'],
    ['no Region', ['list', '--stack', 'E2e'], {}, 2, 'no AWS Region is set: set AWS_REGION'],
    ['wrong Region', ['status', 'x', '--region', 'eu-west-1'], {}, 2, 'the state machine is in us-east-1, not in eu-west-1'],
    ['not an ARN', ['status', 'x', '-m', 'Job'], {}, 2, 'stateMachineArn: got Job, allowed: arn:'],
    ['no credentials', ['status', 'x'], none, 4, 'no AWS credentials were found'],
    ['no such profile', ['status', 'x', '--profile', 'nope'], none, 4, 'no AWS credentials were found'],
    ['endpoint down', ['status', 'x', '--endpoint', 'http://127.0.0.1:9'], {}, 1, 'Step Functions at http://127.0.0.1:9 does not answer (ECONNREFUSED): check the network'],
    ['bad JSON', ['run', 'broken.json'], {}, 2, 'the request broken.json is not JSON'],
    ['bad request', ['submit', 'backwards.json', '--name', 'backwards'], {}, 2, 'the request is refused: items.range: got {"start":5,"end":1}, allowed: start <= end'],
    ['missing file', ['submit', 'none.json'], {}, 2, 'the request none.json cannot be read: ENOENT'],
    ['no target', ['list'], { BURST_STATE_MACHINE: '' }, 2, 'which BurstCompute?'],
    ['bad limit', ['list', '--limit', '0'], {}, 2, "argument '0' is invalid. Give a whole number"],
    ['a name taken', ['run', 'slow.json', '--name', 'quick'], {}, 2, 'job quick exists already (SUCCEEDED)'],
    ['not ended', ['wait', 'a name with spaces'], {}, 2, 'there is no job'],
  ])('%s', (what, args, more, code, says) => {
    const { status, stdout, stderr } = burst(args, more);
    expect(stderr).toContain(says);
    expect([status, stdout]).toEqual([code, '']);
    expect(stderr).not.toMatch(/^ {4}at /m);
    if (what !== 'several in the stack') expect(stderr.trim().split('\n').filter((line) => !line.startsWith('job arn:'))).toHaveLength(1);
  });

  test('an expired token', async () => {
    const refusing = await listening((_, response) => {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ __type: 'ExpiredTokenException', message: 'The security token is expired' }));
    });
    const { status, stderr } = await burstBeside(['status', 'x'], { AWS_ENDPOINT_URL: refusing.url });
    refusing.server.close();
    expect(status).toBe(4);
    expect(stderr).toMatch(/^burst: the AWS credentials have expired \(.*\): get new ones, for instance with `aws sso login`\n$/);
  });
});

const tmux = (...args: string[]) => execFileSync('tmux', ['-L', `burst-${process.pid}`, '-f', '/dev/null', ...args], { encoding: 'utf8', cwd: folder });
const hasTmux = spawnSync('tmux', ['-V']).status === 0;
(hasTmux ? test : test.skip)('on a terminal (needs tmux): run shows a bar, Ctrl-C detaches, wait comes back', async () => {
  const settings = Object.entries(env).map(([name, value]) => `${name}='${value}'`).join(' ');
  writeFileSync(path.join(folder, 'shell.sh'), `burst() { env ${settings} ${process.execPath} ${command} "$@"; echo "exit $?"; }\nPS1='$ '\n`);
  tmux('new-session', '-d', '-x', '180', '-y', '40', 'bash --noprofile --norc -i');
  const screen = () => tmux('capture-pane', '-p', '-J', '-S', '-100');
  const type = (line: string) => tmux('send-keys', line, 'Enter');
  try {
    type('. ./shell.sh; clear');
    type('burst run slow.json --name seen -o seen.json');
    for (const [columns, shows] of [
      [180, /^█*░+ \d+\/400 batches, 0 failed, [1-8] running, \d\S*\/s, \d+ (s|min) left, \d+ s, RUNNING *$/m],
      [80, /█*░{2,} \d+\/400 batches, 0 failed, [1-8] running, \d\S*\/s, \d+ (s|min) left(, \d+ s)?, RUNNING *$/m],
      [60, /█*░{2,} \d+\/400 batches, 0 failed, \d+ (s|min) left(, RUNNING)? *$/m], // the least important go first
    ] as const) {
      tmux('resize-window', '-x', String(columns));
      await until(() => shows.test(screen()));
    }
    tmux('resize-window', '-x', '180');
    tmux('send-keys', 'C-c');
    await until(() => screen().includes('exit 130'));
    const shown = screen();
    expect(shown).toContain('burst: detached from job seen, which goes on; come back with');
    const back = /^ {2}burst (wait arn:\S+:seen)$/m.exec(shown)![1];
    expect(JSON.parse(burst(['status', 'seen', '--json']).stdout).status).toBe('RUNNING');
    expect(existsSync(path.join(folder, 'seen.json'))).toBe(false);
    type(`clear; burst ${back} -o seen.json`);
    await until(() => screen().includes('exit 0'));
    expect(screen()).toMatch(/job seen SUCCEEDED: 400 batches, 0 failed in [\d.]+ s/);
    expect(JSON.parse(readFileSync(path.join(folder, 'seen.json'), 'utf8'))).toMatchObject({ sum: sum(400), batches: 400 });
  } finally {
    tmux('kill-server');
  }
});
