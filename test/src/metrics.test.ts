import { Duration } from 'aws-cdk-lib';
import { Metric, MetricOptions, Unit } from 'aws-cdk-lib/aws-cloudwatch';
import { newBurst, newStack, text } from './support';
import { BurstCompute } from '../../src';

type MetricMethod = (this: BurstCompute, props?: MetricOptions) => Metric;
const stack = newStack();
const burst = newBurst(stack);

const METRICS: [keyof BurstCompute, string, string, string, Record<string, string>][] = [
  ['metricStarted', 'AWS/States', 'ExecutionsStarted', 'Sum', { StateMachineArn: '<BurstStateMachine>' }],
  ['metricSucceeded', 'AWS/States', 'ExecutionsSucceeded', 'Sum', { StateMachineArn: '<BurstStateMachine>' }],
  ['metricFailed', 'AWS/States', 'ExecutionsFailed', 'Sum', { StateMachineArn: '<BurstStateMachine>' }],
  ['metricTimedOut', 'AWS/States', 'ExecutionsTimedOut', 'Sum', { StateMachineArn: '<BurstStateMachine>' }],
  ['metricAborted', 'AWS/States', 'ExecutionsAborted', 'Sum', { StateMachineArn: '<BurstStateMachine>' }],
  ['metricJobTime', 'AWS/States', 'ExecutionTime', 'Average', { StateMachineArn: '<BurstStateMachine>' }],
  ['metricWorkerInvocations', 'AWS/Lambda', 'Invocations', 'Sum', { FunctionName: '<Worker>' }],
  ['metricWorkerErrors', 'AWS/Lambda', 'Errors', 'Sum', { FunctionName: '<Worker>' }],
  ['metricWorkerThrottles', 'AWS/Lambda', 'Throttles', 'Sum', { FunctionName: '<Worker>' }],
  ['metricWorkerDuration', 'AWS/Lambda', 'Duration', 'Average', { FunctionName: '<Worker>' }],
  ['metricDispatcherErrors', 'AWS/Lambda', 'Errors', 'Sum', { FunctionName: '<BurstDispatcher>' }],
  ['metricMonitorErrors', 'AWS/Lambda', 'Errors', 'Sum', { FunctionName: '<BurstMonitor>' }],
];

describe.each(METRICS)('%s', (method, namespace, metricName, statistic, dimensions) => {
  const metric = (props?: MetricOptions) => (burst[method] as MetricMethod).call(burst, props);

  test('is the metric of what the construct owns', () => {
    const found = metric();
    expect([found.namespace, found.metricName, found.statistic, found.period.toSeconds()]).toEqual([namespace, metricName, statistic, 300]);
    expect(Object.fromEntries(Object.entries(found.dimensions!).map(([name, value]) => [name, text(stack.resolve(value))]))).toEqual(dimensions);
  });

  test('takes options', () => {
    const found = metric({ statistic: 'Maximum', period: Duration.minutes(1), unit: Unit.COUNT, label: 'mine' });
    expect([found.statistic, found.period.toSeconds(), found.unit, found.label]).toEqual(['Maximum', 60, 'Count', 'mine']);
  });
});

test('every metric of the construct is listed here', () => {
  const methods = Object.getOwnPropertyNames(BurstCompute.prototype).filter((name) => name.startsWith('metric'));
  expect(METRICS.map(([method]) => method)).toEqual(methods);
});
