import { CfnElement, Stack, Validations } from 'aws-cdk-lib';
import { Policy } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { JOB_OBJECTS } from './storage';

/*
 * Findings of rule packs such as cdk-nag that stay, each with its reason. They are recorded through the CDK's own Validations,
 * so that an app which runs a pack has nothing to add, and one which does not never notices.
 */

/** For a policy that reads or writes the objects of jobs. */
export function acknowledgeJobObjects(policy: Policy, bucket: IBucket): void {
  const logicalId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  Validations.of(policy).acknowledge({
    id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${JOB_OBJECTS}]`,
    reason: 'The keys of the objects carry the id of a job, which is not known before it is started; the bucket holds nothing else.',
  });
}

/** For a policy with a statement on `*`. */
export function acknowledgeNoResource(policy: Policy, actions: string): void {
  Validations.of(policy).acknowledge({ id: 'AwsSolutions-IAM5[Resource::*]', reason: `AWS offers no resource for ${actions}.` });
}

export function acknowledgeStateMachine(stateMachine: StateMachine, isTraced: boolean): void {
  Validations.of(stateMachine).acknowledge({
    id: 'AwsSolutions-SF1',
    reason: 'Step Functions keeps the full history of a Standard execution for 90 days; logging all of it would copy the input of every job.',
  });
  if (!isTraced) {
    Validations.of(stateMachine).acknowledge({
      id: 'AwsSolutions-SF2',
      reason: 'Tracing is the choice of the app: set `tracing` to ACTIVE. It would trace every one of thousands of worker invocations.',
    });
  }
}

/**
 * For policies that read buckets of the app. Of buckets of this stack only: the finding on an imported one carries its ARN,
 * and the CDK takes no id with `:::` in it.
 */
export function acknowledgeInputs(policies: Policy[], buckets: IBucket[]): void {
  for (const policy of policies) {
    for (const resource of buckets.map((bucket) => bucket.node.defaultChild)) {
      if (resource instanceof CfnElement && resource.stack === Stack.of(policy)) {
        Validations.of(policy).acknowledge({
          id: `AwsSolutions-IAM5[Resource::<${resource.stack.getLogicalId(resource)}.Arn>/*]`,
          reason: 'The app named this bucket for the items of jobs; which of its objects a job reads is said in its request.',
        });
      }
    }
  }
}
