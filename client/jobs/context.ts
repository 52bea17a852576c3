import { BatchGetItemCommand, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { jobKey } from '../../lambda/protocol/keys';
import type { JobRow } from '../../lambda/protocol/model';
import { JobAddress } from '../address';
import { Connection } from '../connection';

/** Keys of one BatchGetItem. */
export const PAGE = 100;

/** One call of a verb: where everything is, and whether it is still wanted. */
export class Context {
  constructor(readonly connection: Connection, readonly address: JobAddress, readonly abortSignal?: AbortSignal) {}

  get send() {
    return { abortSignal: this.abortSignal };
  }

  executionArn(name: string): string {
    return `${this.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
  }

  async jobRow(jobId: string): Promise<JobRow | undefined> {
    const { Item } = await this.connection.dynamo().send(new GetItemCommand({
      TableName: this.address.tasksTable, Key: { pk: { S: jobKey(jobId) } }, ConsistentRead: true,
    }), this.send);
    return Item && (unmarshall(Item) as JobRow);
  }

  /** Those of the rows that are there, in any order; one request per 100. */
  async rows<T>(table: string, keys: string[], projection?: string[]): Promise<T[]> {
    const rows: T[] = [];
    let pending: { pk: { S: string } }[] = keys.map((pk) => ({ pk: { S: pk } }));
    const names = projection && Object.fromEntries(projection.map((name, i) => [`#${i}`, name]));
    const fields = names && { ProjectionExpression: Object.keys(names).join(','), ExpressionAttributeNames: names };
    while (pending.length > 0) {
      const page = { Keys: pending.splice(0, PAGE), ...fields };
      const get = new BatchGetItemCommand({ RequestItems: { [table]: page } });
      const { Responses, UnprocessedKeys } = await this.connection.dynamo().send(get, this.send);
      rows.push(...(Responses?.[table] ?? []).map((item) => unmarshall(item) as T));
      pending = [...pending, ...((UnprocessedKeys?.[table]?.Keys ?? []) as typeof pending)];
    }
    return rows;
  }

  /** An object of the payload bucket. */
  readonly text = async (key: string): Promise<string> => {
    const { Body } = await this.connection.s3().send(new GetObjectCommand({ Bucket: this.address.payloadBucket, Key: key }), this.send);
    return Body!.transformToString();
  };
}
