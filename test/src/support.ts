import { App, Stack, StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code, Function as LambdaFunction, FunctionProps, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { BurstCompute, BurstComputeProps } from '../../src';

/** Copying assets is most of what a synthesis costs. */
export const newApp = (): App => new App({ context: { 'aws:cdk:disable-asset-staging': true } });

export const newStack = (id = 'Stack', props?: StackProps, app = newApp()): Stack => new Stack(app, id, props);

export const newFunction = (scope: Construct, id: string, props: Partial<FunctionProps> = {}): LambdaFunction => new LambdaFunction(scope, id, {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: Code.fromInline('exports.handler = async () => undefined;'),
  ...props,
});

/** A BurstCompute `Burst` with a worker of its own, in the stack given. */
export const newBurst = (stack: Stack, props: Partial<BurstComputeProps> = {}): BurstCompute =>
  new BurstCompute(stack, 'Burst', { worker: props.worker ?? newFunction(stack, 'Worker'), ...props });

export const withCombiner = (stack: Stack, props: Partial<BurstComputeProps> = {}): BurstCompute =>
  newBurst(stack, { combiner: newFunction(stack, 'Combiner'), ...props });

type Json = any;

/** Everything of a type, by logical id without its hash. */
export function resources(template: Template, type: string): Record<string, Json> {
  return Object.fromEntries(Object.entries(template.findResources(type)).map(([id, resource]) => [nameOf(id), resource]));
}

/** The properties of one resource, by logical id without its hash. */
export function propertiesOf(template: Template, type: string, name: string): Json {
  const found = resources(template, type);
  if (!(name in found)) {
    throw new Error(`no ${type} ${name}, only ${Object.keys(found).join(', ')}`);
  }
  return found[name].Properties;
}

/** A value of a template as text: `<Table.Arn>` for an attribute, `<Bucket>` for a reference. */
export function text(value: Json): string {
  if (typeof value !== 'object') {
    return String(value);
  }
  const [[intrinsic, argument]] = Object.entries<Json>(value);
  switch (intrinsic) {
    case 'Ref':
      return `<${nameOf(argument)}>`;
    case 'Fn::GetAtt':
      return `<${nameOf(argument[0])}.${argument[1]}>`;
    case 'Fn::ImportValue':
      return `<import ${argument}>`;
    case 'Fn::Join':
      return argument[1].map(text).join(argument[0]);
    case 'Fn::Select':
      return `<part ${argument[0]} of ${text(argument[1]['Fn::Split'][1])}>`;
    default:
      throw new Error(`unexpected ${JSON.stringify(value)}`);
  }
}

/** Like text, with what stands in braces of JSON kept parseable. */
export const json = (value: Json): Json => JSON.parse(text(value));

export interface Statement {
  readonly sid: string;
  readonly effect: string;
  readonly actions: string[];
  readonly resources: string[];
}

export function statementsOf(document: Json): Statement[] {
  return document.Statement.map((statement: Json) => ({
    sid: statement.Sid,
    effect: statement.Effect,
    actions: [statement.Action].flat(),
    resources: [statement.Resource].flat().filter((resource) => resource !== undefined).map(text),
  }));
}

/** A policy as { Sid: [actions, resources] }; fails on anything but Allow, on a condition and on a repeated Sid. */
export function policyOf(template: Template, name: string): Record<string, [string, string]> {
  const { PolicyDocument, Roles } = propertiesOf(template, 'AWS::IAM::Policy', name);
  expect(Roles).toHaveLength(1);
  const statements = statementsOf(PolicyDocument);
  expect(new Set(statements.map(({ sid }) => sid)).size).toBe(statements.length);
  expect(statements.every(({ effect }) => effect === 'Allow')).toBe(true);
  expect(JSON.stringify(PolicyDocument)).not.toContain('Not'); // NotAction, NotResource
  return Object.fromEntries(statements.map(({ sid, actions, resources: on }) => [sid, [actions.join(' '), on.join(' ')]]));
}

/** The definition of the one state machine of a template. */
export function definitionOf(template: Template): Json {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  return json(machine.Properties.DefinitionString);
}

const nameOf = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');
