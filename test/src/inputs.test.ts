import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { newBurst, newStack, policyOf, resources } from './support';
import { BurstComputeProps } from '../../src';

/** What each policy has beyond those of a BurstCompute without buckets for items. */
function added(props: (stack: ReturnType<typeof newStack>) => Partial<BurstComputeProps>) {
  const plain = newStack();
  newBurst(plain);
  const without = Template.fromStack(plain);
  const stack = newStack();
  newBurst(stack, props(stack));
  const template = Template.fromStack(stack);
  const more = (name: string) => {
    const before = policyOf(without, name);
    const after = policyOf(template, name);
    expect(after).toMatchObject(before);
    return Object.fromEntries(Object.entries(after).filter(([sid]) => !(sid in before)));
  };
  return { dispatcher: more('BurstDispatcherPolicy'), monitor: more('BurstMonitorPolicy'), template };
}

describe('buckets for items', () => {
  const { dispatcher, monitor, template } = added((stack) => ({
    inputBuckets: [
      new Bucket(stack, 'Items'),
      new Bucket(stack, 'Secret', { encryptionKey: new Key(stack, 'InputKey') }),
      Bucket.fromBucketName(stack, 'Imported', 'other'),
    ],
  }));
  const other = 'arn:<AWS::Partition>:s3:::other';
  const read = {
    ReadInputs: ['s3:GetObject', `<Items.Arn>/* <Secret.Arn>/* ${other}/*`],
    DecryptInputs: ['kms:Decrypt', '<InputKey.Arn>'],
  };

  test('the dispatcher may read, and nothing else', () => expect(dispatcher).toEqual(read));

  test('the monitor may read and list, and nothing else', () =>
    expect(monitor).toEqual({ ...read, ListInputs: ['s3:ListBucket', `<Items.Arn> <Secret.Arn> ${other}`] }));

  test('worker and combiner get nothing', () => {
    const given = Object.entries(resources(template, 'AWS::IAM::Policy')).filter(([, policy]) => JSON.stringify(policy).includes('Items'));
    expect(given.map(([name]) => name).sort()).toEqual(['BurstDispatcherPolicy', 'BurstMonitorPolicy']);
  });

  test('the buckets stay as they are', () => expect(Object.keys(resources(template, 'AWS::S3::BucketPolicy'))).toEqual(['BurstPayloadsPolicy']));
});

test('a bucket without a key of its own needs no permission on one', () => {
  const { dispatcher } = added((stack) => ({ inputBuckets: [new Bucket(stack, 'Items')] }));
  expect(dispatcher).toEqual({ ReadInputs: ['s3:GetObject', '<Items.Arn>/*'] });
});

test('no buckets, no permission', () => {
  expect(added(() => ({ inputBuckets: [] }))).toMatchObject({ dispatcher: {}, monitor: {} });
});
