import { writeFile } from 'fs/promises';
import * as path from 'path';
import { BurstClient, JobStatus, parseAddress } from '../client';
import { findChromium, screenshot } from './browser';
import { Phases } from './phases';
import { differences, plainSearch } from './plain-search';
import { FROM_SOURCES, bundleConstruct, synthesise } from './prepare';
import { progressOn } from './progress';
import { renderReport } from './report';
import { Engine } from '../engine';
import { installedPython } from '../engine/install';
import { DIST, build } from '../examples/digit-search/functions/build';
import type { SearchAnswer } from '../examples/digit-search/functions/node/combiner';
import { DataSet, readDataSet } from '../examples/digit-search/functions/prepare';

/** The whole way of a job on this machine: build, deploy to the local engine, run, check every neighbour, report. */

const APP = 'examples/digit-search/typescript/app.ts';
const ASSEMBLY = path.join(__dirname, '..', '.burst', 'demo', 'cdk.out');
const REPORT = path.join(__dirname, 'report.html');
const SCREENSHOT = path.join(__dirname, 'report.png');
const K = 5;

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // Node 20 will do here

const say = (line: string) => process.stdout.write(`${line}\n`);
const phases = new Phases(say);
let engine: Promise<Engine> | undefined;
let stopping: Promise<void> | undefined;

async function main(): Promise<void> {
  const started = performance.now();
  engine = startEngine();
  const [running] = await Promise.all([engine, prepareApp()]);
  const address = await phases.run('deploy', async () => deploy(running));
  const client = new BurstClient({
    address,
    endpoint: running.endpoint,
    region: running.region,
    credentials: { accessKeyId: running.env.AWS_ACCESS_KEY_ID, secretAccessKey: running.env.AWS_SECRET_ACCESS_KEY },
  });

  const data = await readDataSet();
  const runStarted = performance.now();
  const status = await phases.run('run', async () => runJob(client, data));
  const runSeconds = (performance.now() - runStarted) / 1000;
  const answer = await client.result(status.jobId) as SearchAnswer;
  const timeline = await client.timeline(status.jobId);
  await phases.run('check', async () => check(answer, data));

  await phases.run('report', async () => {
    await writeFile(REPORT, renderReport({ answer, data, status, timeline, runSeconds, phases: phases.done }));
  });
  await phases.run('screenshot', takeScreenshot);
  await stop();
  say('');
  say(`${answer.queries.filter(({ label, predicted }) => label === predicted).length} of ${answer.queries.length} digits read rightly (${(100 * answer.accuracy).toFixed(1)} %)`);
  say(`${status.batchCount} batches in ${runSeconds.toFixed(1)} s: ${(status.batchCount / runSeconds).toFixed(0)} batches/s`);
  say(`${answer.queries.length * answer.k} neighbours and their distances equal those of a plain search in one process`);
  say(`report: ${path.relative('.', REPORT)}; ${((performance.now() - started) / 1000).toFixed(0)} s in all`);
}

async function startEngine(): Promise<Engine> {
  await phases.run('install', async () => installedPython(say));
  return phases.run('start', async () => Engine.start());
}

async function prepareApp(): Promise<void> {
  await phases.run('build', async () => Promise.all([bundleConstruct(), build(DIST, FROM_SOURCES)]));
  await phases.run('synth', async () => synthesise(APP, ASSEMBLY));
}

async function deploy(running: Engine) {
  const outputs = await running.deploy({ app: ASSEMBLY });
  const address = Object.entries(outputs.DigitSearch ?? {}).find(([name]) => name.startsWith('SearchAddress'))?.[1];
  if (!address) throw new Error(`no address of the job Search among the outputs: ${JSON.stringify(outputs)}`);
  await running.enforceIam(true); // from here on, functions can do only what their roles allow
  return parseAddress(address);
}

async function runJob(client: BurstClient, data: DataSet): Promise<JobStatus> {
  const { jobId } = await client.submit({
    request: { items: { range: { start: 0, end: data.candidates.labels.length } }, batchSize: 40, parameters: { k: K } },
  });
  const progress = progressOn(process.stdout);
  try {
    const status = await client.wait(jobId, { pollMs: 100, onProgress: (now) => progress.update(now) });
    if (status.status !== 'SUCCEEDED') {
      throw new Error(`job ${jobId} ended as ${status.status}: ${status.reason?.code ?? ''} ${status.reason?.message ?? ''}`);
    }
    return status;
  } finally {
    progress.stop();
  }
}

async function check(answer: SearchAnswer, data: DataSet): Promise<void> {
  const found = differences(answer, data, plainSearch(data, K));
  if (found.length > 0) {
    const more = found.length > 20 ? [`and ${found.length - 20} more`] : [];
    throw new Error(`the answer differs from a plain search:\n  ${[...found.slice(0, 20), ...more].join('\n  ')}`);
  }
}

async function takeScreenshot(): Promise<void> {
  const executable = findChromium();
  if (executable) await screenshot(executable, REPORT, SCREENSHOT);
  else say('no screenshot: no Chromium found. Install one, or set CHROME_PATH.');
}

/** Once, whoever asks: the end, an error or Ctrl-C. */
async function stop(): Promise<void> {
  stopping ??= (async () => (await engine?.catch(() => undefined))?.stop())();
  return stopping;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say(`\n${signal}: stopping the engine`);
    void stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}

main().catch(async (error: unknown) => {
  if (stopping) return; // it was interrupted, and whatever failed failed of that
  process.exitCode = 1;
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  await stop();
});
