import { readFileSync } from 'fs';
import { mkdtemp, rm } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import { synthesise } from '../../demo/prepare';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(path.join(tmpdir(), 'burst-standalone-')); });
afterAll(async () => {
  delete process.env.CDK_CONTEXT_JSON;
  await rm(folder, { recursive: true });
});

/** The template of the one stack, with its name. */
async function stackWith(context: Record<string, string>) {
  process.env.CDK_CONTEXT_JSON = JSON.stringify(context); // what `cdk -c` sets
  const assembly = path.join(folder, Object.values(context).join('-') || 'default');
  await synthesise('examples/standalone/typescript/app.ts', assembly);
  const { artifacts } = JSON.parse(readFileSync(path.join(assembly, 'manifest.json'), 'utf8'));
  const [name] = Object.keys(artifacts).filter((id) => artifacts[id].type === 'aws:cloudformation:stack');
  return { name, template: JSON.parse(readFileSync(path.join(assembly, `${name}.template.json`), 'utf8')) };
}

const exportsOf = ({ template }: Awaited<ReturnType<typeof stackWith>>) =>
  Object.values<any>(template.Outputs).flatMap(({ Export }) => Export?.Name ?? []);

test('stages stand side by side: stacks, exports and names of resources do not clash', async () => {
  const [prod, test] = [await stackWith({ stage: 'prod', org: 'acme' }), await stackWith({ stage: 'test', org: 'acme' })];
  expect([prod.name, test.name]).toEqual(['acme-burst-compute-prod', 'acme-burst-compute-test']);
  expect(exportsOf(prod)).toContain('acme-burst-compute-prod:StateMachineArn');
  expect(exportsOf(prod).filter((name) => exportsOf(test).includes(name))).toEqual([]);
  expect(JSON.stringify(prod.template)).not.toMatch(/"(FunctionName|TableName|BucketName|StateMachineName|RoleName)":"/);
});

test('a stage that cannot be part of a name is refused, with what is allowed', async () => {
  await expect(stackWith({ stage: 'a b' })).rejects.toThrow(/context stage must be a letter and up to 39 more .* got "a b"/);
});
