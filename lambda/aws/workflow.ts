import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvalidToken, SendTaskSuccessCommand, SFNClient, TaskDoesNotExist, TaskTimedOut } from '@aws-sdk/client-sfn';
import { attempt } from './errors';
import { Transient } from '../protocol/errors';
import type { Workflow } from '../protocol/ports';

const SOURCE = 'cdk-burst-compute';

/** Step Functions and EventBridge. */
export class AwsWorkflow implements Workflow {
  constructor(private readonly steps: SFNClient, private readonly events: EventBridgeClient) {}

  async wake(taskToken: string): Promise<boolean> {
    return attempt('states:SendTaskSuccess', async () => {
      try {
        await this.steps.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
        return true;
      } catch (error) {
        if (error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken) return false;
        throw error;
      }
    });
  }

  async announce({ id, detailType, detail }: { id: string; detailType: string; detail: { [name: string]: unknown } }): Promise<void> {
    const { FailedEntryCount, Entries } = await attempt('events:PutEvents on the default event bus', () => this.events.send(new PutEventsCommand({
      Entries: [{ Source: SOURCE, DetailType: detailType, Detail: JSON.stringify({ id, ...detail }) }],
    })));
    if (FailedEntryCount) throw new Transient(`events:PutEvents did not take the event: ${Entries?.[0]?.ErrorCode}: ${Entries?.[0]?.ErrorMessage}`);
  }
}
