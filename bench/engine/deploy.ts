import { join } from 'node:path';
import { GetFunctionConfigurationCommand, LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { build } from 'esbuild';
import { BurstClient, JobAddress, parseAddress } from '../../client';
import { Engine } from '../../engine';

const ROOT = join(__dirname, '..', '..');
/** Beside the workers: the dispatcher that supervises them, and the monitor; v1 has its monitor there, too. */
export const OWN_FUNCTIONS = 2;

export interface Deployed {
  readonly engine: Engine;
  readonly config: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  readonly tree: { readonly client: BurstClient; readonly address: JobAddress };
  readonly map: { readonly client: BurstClient; readonly address: JobAddress };
  /** ARN of the state machine of the first burst-compute. */
  readonly version1: string;
  /** Names of the worker, and of that of the first burst-compute, which writes a row in addition. */
  readonly workers: readonly [string, string];
}

/** An engine on which `slots` workers may run at a time, with every system deployed. */
export async function deployed(slots: number): Promise<Deployed> {
  const code = join(ROOT, '.burst', 'functions', 'bench-engine');
  await build({
    entryPoints: ['worker', 'combiner', 'version-1'].map((name) => join(__dirname, 'functions', `${name}.ts`)),
    outdir: code,
    bundle: true,
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    minify: true,
    logLevel: 'silent',
  });
  // without this many asynchronous slots the workers of v1, which are events, could not use theirs
  const engine = await Engine.start({ concurrency: slots + OWN_FUNCTIONS, asyncSlots: slots });
  try {
    const context = { code, slots: String(slots) };
    const outputs = Object.entries((await engine.deploy({ app: 'npx ts-node -T bench/engine/app.ts', cwd: ROOT, context })).BenchEngine);
    const config = { endpoint: engine.endpoint, region: engine.region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    const output = (prefix: string) => outputs.find(([key]) => key.startsWith(prefix))![1];
    const job = (id: string) => {
      const address = parseAddress(output(`${id}Address`));
      return { address, client: new BurstClient({ ...config, address }) };
    };
    return {
      engine,
      config,
      tree: job('Tree'),
      map: job('Map'),
      version1: output('StateMachineOfVersion1'),
      workers: [output('WorkerOfOthers'), output('WorkerOfVersion1')],
    };
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

/** Sets a variable of functions; their processes start anew. */
export async function setVariables({ config }: Deployed, functions: readonly string[], variables: Record<string, string>): Promise<void> {
  const lambda = new LambdaClient(config);
  for (const FunctionName of functions) {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const Variables = { ...Environment?.Variables, ...variables };
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  }
}
