import { CfnElement, Stack, Token, Validations } from 'aws-cdk-lib';
import { Policy } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { JOB_OBJECTS } from './storage';

/*
 * Findings of rule packs such as cdk-nag that stay, each with its reason. They are recorded through the CDK's own Validations,
 * so that an app which runs a pack has nothing to add, and one which does not never notices.
 */

/** For a policy that reads or writes the objects of jobs. */
export function acknowledgeJobObjects(policy: Policy, bucket: IBucket, objects = [JOB_OBJECTS]): void {
  const logicalId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  for (const pattern of objects) {
    Validations.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${pattern}]`,
      reason: 'The keys of the objects carry the id of a job, which is not known before it is started; the bucket holds nothing else.',
    });
  }
}

/** For the policy that lets a state machine watch the child executions of its Distributed Map. */
export function acknowledgeChildren(policy: Policy, stateMachine: StateMachine): void {
  const { region, account } = Stack.of(policy);
  const known = (value: string, name: string) => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);
  const logicalId = Stack.of(policy).getLogicalId(stateMachine.node.defaultChild as CfnElement);
  const executions = `arn:<AWS::Partition>:states:${known(region, 'Region')}:${known(account, 'AccountId')}:execution:<${logicalId}.Name>:*`;
  // as `acknowledge` would write it, which takes no id with the `::` of pseudo parameters in it
  policy.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, {
    [`AwsSolutions-IAM5[Resource::${executions}]`]: 'Step Functions names the child executions when it starts them; these are of this state machine alone.',
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
