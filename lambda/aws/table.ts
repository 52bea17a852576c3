import {
  AttributeValue, BatchGetItemCommand, ConditionalCheckFailedException, DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { attempt } from './errors';
import { RowRefused, Transient } from '../protocol/errors';
import type { Condition, Row, Table, Update, Value, WriteResult } from '../protocol/ports';

const BATCH_GET_LIMIT = 100;
const BATCH_GETS_AT_ONCE = 8;
const UNPROCESSED_TRIES = 8;

/** A table of the protocol on DynamoDB: every condition is evaluated by the service, atomically with the write. */
export class DynamoTable implements Table {
  constructor(private readonly client: DynamoDBClient, private readonly name: string) {}

  async get(pk: string, options: { consistent: boolean }): Promise<Row | undefined> {
    const { Item } = await attempt(`dynamodb:GetItem on table ${this.name}`, () => this.client.send(new GetItemCommand({
      TableName: this.name, Key: { pk: { S: pk } }, ConsistentRead: options.consistent,
    })));
    return Item && (unmarshall(Item) as Row);
  }

  async getMany(pks: string[], attributes?: string[]): Promise<Row[]> {
    const distinct = [...new Set(pks)]; // DynamoDB refuses a request that names a key twice
    const chunks: string[][] = [];
    for (let i = 0; i < distinct.length; i += BATCH_GET_LIMIT) chunks.push(distinct.slice(i, i + BATCH_GET_LIMIT));
    const rows: Row[] = [];
    await Promise.all(Array.from({ length: BATCH_GETS_AT_ONCE }, async () => {
      for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) rows.push(...await this.getChunk(chunk, attributes));
    }));
    return rows;
  }

  private async getChunk(pks: string[], attributes?: string[]): Promise<Row[]> {
    const names = new Names();
    const projection = attributes && [...new Set(['pk', ...attributes])].map((attribute) => names.of(attribute)).join(', ');
    const rows: Row[] = [];
    let keys: Record<string, AttributeValue>[] = pks.map((pk) => ({ pk: { S: pk } }));
    // a page holds 16 MB at most; the rest comes back as unprocessed
    for (let tries = 0; keys.length > 0; tries++) {
      if (tries === UNPROCESSED_TRIES) throw new Transient(`dynamodb:BatchGetItem on table ${this.name} left ${keys.length} keys unread ${tries} times`);
      if (tries > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * 2 ** tries));
      const request = {
        Keys: keys, ConsistentRead: true, ...(projection && { ProjectionExpression: projection, ExpressionAttributeNames: names.map }),
      };
      const { Responses, UnprocessedKeys } = await attempt(`dynamodb:BatchGetItem on table ${this.name}`, () =>
        this.client.send(new BatchGetItemCommand({ RequestItems: { [this.name]: request } })));
      const found = Responses?.[this.name] ?? [];
      rows.push(...found.map((item) => unmarshall(item) as Row));
      if (found.length > 0) tries = 0;
      keys = UnprocessedKeys?.[this.name]?.Keys ?? [];
    }
    return rows;
  }

  async put(row: Row, condition?: Condition): Promise<WriteResult> {
    return this.write('PutItem', row.pk, async () => {
      const names = new Names();
      const ConditionExpression = condition && conditionExpression(condition, names);
      const Item = encoded(row);
      await this.client.send(new PutItemCommand({
        TableName: this.name,
        Item,
        ConditionExpression,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...names.expressions(),
      }));
      return unmarshall(Item) as Row;
    });
  }

  async update(pk: string, update: Update, condition?: Condition): Promise<WriteResult> {
    return this.write('UpdateItem', pk, async () => {
      const names = new Names();
      // an empty expression is an error, none at all makes an empty row
      const UpdateExpression = updateExpression(update, names) || undefined;
      const ConditionExpression = condition && conditionExpression(condition, names);
      const { Attributes } = await this.client.send(new UpdateItemCommand({
        TableName: this.name,
        Key: { pk: { S: pk } },
        UpdateExpression,
        ConditionExpression,
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...names.expressions(),
      }));
      return unmarshall(Attributes!) as Row;
    });
  }

  private async write(action: string, pk: string, send: () => Promise<Row>): Promise<WriteResult> {
    return attempt(`dynamodb:${action} on table ${this.name}`, async (): Promise<WriteResult> => {
      try {
        return { ok: true, row: await send() };
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return { ok: false, row: error.Item && (unmarshall(error.Item) as Row) };
        const { name, message } = error as Error;
        if (name === 'ValidationException' || error instanceof NotEncodable) {
          throw new RowRefused(`dynamodb:${action} of ${pk} on table ${this.name} was refused: ${message}`, error);
        }
        throw error;
      }
    });
  }
}

class NotEncodable extends Error {}

/** Rows go as DynamoDB's own types; throws `NotEncodable` for what those cannot say: NaN, integers beyond 2^53, empty sets. */
function encoded(row: { [attribute: string]: Value | undefined }): Record<string, AttributeValue> {
  try {
    return marshall(row, { removeUndefinedValues: true });
  } catch (error) {
    throw new NotEncodable((error as Error).message, { cause: error });
  }
}

/** Placeholders for names and values, so that no attribute clashes with a reserved word. */
class Names {
  readonly map: Record<string, string> = {};
  readonly values: Record<string, AttributeValue> = {};

  of(attribute: string): string {
    const placeholder = `#${attribute}`;
    if (!/^\w+$/.test(attribute)) throw new NotEncodable(`attribute names are letters, digits and "_", got ${JSON.stringify(attribute)}`);
    this.map[placeholder] = attribute;
    return placeholder;
  }

  value(value: Value): string {
    const placeholder = `:v${Object.keys(this.values).length}`;
    this.values[placeholder] = encoded({ value }).value;
    return placeholder;
  }

  expressions() {
    return {
      ...(Object.keys(this.map).length > 0 && { ExpressionAttributeNames: this.map }),
      ...(Object.keys(this.values).length > 0 && { ExpressionAttributeValues: this.values }),
    };
  }
}

function updateExpression({ set = {}, remove = [], addToSet = {}, increment = {} }: Update, names: Names): string {
  const changed = [...Object.keys(set), ...remove, ...Object.keys(addToSet), ...Object.keys(increment)];
  const twice = changed.find((attribute, i) => changed.indexOf(attribute) !== i);
  if (twice !== undefined) throw new NotEncodable(`an update changes each attribute once, got ${twice} twice`);
  const assignments = Object.entries(set).filter(([, value]) => value !== undefined)
    .map(([attribute, value]) => `${names.of(attribute)} = ${names.value(value!)}`);
  const additions = [
    ...Object.entries(addToSet).map(([attribute, members]) => `${names.of(attribute)} ${names.value(new Set(members))}`),
    ...Object.entries(increment).map(([attribute, by]) => `${names.of(attribute)} ${names.value(by)}`),
  ];
  return [
    assignments.length > 0 ? `SET ${assignments.join(', ')}` : '',
    additions.length > 0 ? `ADD ${additions.join(', ')}` : '',
    remove.length > 0 ? `REMOVE ${remove.map((attribute) => names.of(attribute)).join(', ')}` : '',
  ].filter((clause) => clause !== '').join(' ');
}

function conditionExpression(condition: Condition, names: Names): string {
  if ('absent' in condition) return `attribute_not_exists(${names.of(condition.absent)})`;
  if ('equals' in condition) return `${names.of(condition.equals[0])} = ${names.value(condition.equals[1])}`;
  if ('lessThan' in condition) return `${names.of(condition.lessThan[0])} < ${names.value(condition.lessThan[1])}`;
  const [parts, word] = 'all' in condition ? [condition.all, 'AND'] : [condition.any, 'OR'];
  if (parts.length === 0) throw new NotEncodable('a condition of no parts: give at least one');
  if (parts.length === 1) return conditionExpression(parts[0], names); // redundant parentheses are an error
  return parts.map((part) => `(${conditionExpression(part, names)})`).join(` ${word} `);
}
