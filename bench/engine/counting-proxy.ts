import { Agent, createServer, IncomingMessage, request, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { itemBytes, json, WireItem } from './wire';

const KB = 1024;
/** Calls that AWS does not charge for. */
const FREE = ['Lambda settings', 'AWSStepFunctions.SendTaskSuccess', 'AWSStepFunctions.SendTaskFailure'];

/** What functions ask of AWS, by what it is charged by. */
export interface Requests {
  /** Calls by name. */
  readonly calls: { [name: string]: number };
  writeUnits: number;
  readUnits: number;
  s3Puts: number;
  s3Gets: number;
}

type Key = WireItem;
type Keys = { readonly [table: string]: { readonly Keys: Key[]; readonly ConsistentRead?: boolean } };
interface TableRequest {
  readonly TableName: string;
  readonly Key?: Key;
  readonly Item?: WireItem;
  readonly ConsistentRead?: boolean;
  readonly RequestItems?: Keys;
}

/** Stands between functions and the engine, and counts from the bytes that pass: it knows nothing of how the functions count. */
export class CountingProxy {
  static async before(target: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(target);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  counted: Requests = nothing();
  private readonly server: Server;
  private readonly agent = new Agent({ keepAlive: true });
  /** Writes to one item wait for each other, so that its size before and after is that of one write. */
  private readonly turns = new Map<string, Promise<unknown>>();

  private constructor(private readonly target: string) {
    this.server = createServer((incoming, outgoing) => {
      this.pass(incoming, outgoing).catch((error: Error) => outgoing.writeHead(502).end(error.message));
    });
    this.server.keepAliveTimeout = 60_000;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Begins anew. */
  reset(): void {
    this.counted = nothing();
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await read(incoming);
    const send = () => this.send(incoming, body);
    const target = incoming.headers['x-amz-target'] as string | undefined;
    const answer = target?.startsWith('DynamoDB') ? await this.table(target.split('.')[1], body, send) : await send();
    if (!target?.startsWith('DynamoDB')) this.count(incoming, target);
    outgoing.writeHead(answer.status, answer.headers);
    outgoing.end(answer.body);
  }

  private send(incoming: IncomingMessage, body: Buffer): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const { method, headers, url } = incoming;
      const outbound = request(new URL(url!, this.target), { method, headers, agent: this.agent }, (answer) => {
        read(answer).then((content) => {
          const { 'transfer-encoding': _, ...rest } = answer.headers;
          resolve({ status: answer.statusCode!, headers: { ...rest, 'content-length': String(content.length) }, body: content });
        }, reject);
      });
      outbound.on('error', reject);
      outbound.end(body);
    });
  }

  private async table<T>(action: string, body: Buffer, send: () => Promise<T>): Promise<T> {
    const asked = JSON.parse(body.toString()) as TableRequest;
    this.call(`DynamoDB ${action}`);
    switch (action) {
      case 'PutItem': case 'UpdateItem': return this.write(asked, send);
      case 'GetItem': {
        this.readItem(await this.item(asked.TableName, asked.Key!), asked.ConsistentRead === true);
        return send();
      }
      case 'BatchGetItem': {
        for (const [name, { Keys: keys, ConsistentRead }] of Object.entries(asked.RequestItems!)) {
          const { Responses } = await json<{ Responses: { [table: string]: WireItem[] } }>(
            this.target, 'DynamoDB_20120810.BatchGetItem', { RequestItems: { [name]: { Keys: keys, ConsistentRead: true } } },
          );
          const found = Responses[name] ?? [];
          for (const item of found) this.readItem(item, ConsistentRead === true);
          for (let missing = keys.length - found.length; missing > 0; missing--) this.readItem(undefined, ConsistentRead === true);
        }
        return send();
      }
      default: throw new Error(`DynamoDB ${action} is not counted yet: add it`);
    }
  }

  /** A write costs by the larger of the item before and after; one that is refused, too. */
  private async write<T>({ TableName, Key: key, Item }: TableRequest, send: () => Promise<T>): Promise<T> {
    const pk = { pk: (key ?? Item!).pk };
    const place = `${TableName} ${JSON.stringify(pk)}`;
    const turn = (this.turns.get(place) ?? Promise.resolve()).then(async () => {
      const before = itemBytes(await this.item(TableName, pk));
      const answer = await send();
      const after = itemBytes(await this.item(TableName, pk));
      this.counted.writeUnits += Math.max(1, Math.ceil(Math.max(before, after) / KB));
      return answer;
    });
    this.turns.set(place, turn.catch(() => undefined));
    return turn;
  }

  private async item(TableName: string, key: Key): Promise<WireItem | undefined> {
    return (await json<{ Item?: WireItem }>(this.target, 'DynamoDB_20120810.GetItem', { TableName, Key: key, ConsistentRead: true })).Item;
  }

  private readItem(item: WireItem | undefined, isConsistent: boolean): void {
    this.counted.readUnits += Math.max(1, Math.ceil(itemBytes(item) / (4 * KB))) * (isConsistent ? 1 : 0.5);
  }

  private count({ method, url, headers }: IncomingMessage, target: string | undefined): void {
    if (target !== undefined) return this.call(target);
    const { pathname, searchParams } = new URL(url!, this.target);
    if (pathname.endsWith('/invocations')) return this.call(`Lambda ${String(headers['x-amz-invocation-type'] ?? 'RequestResponse')}`);
    if (/^\/20\d\d-\d\d-\d\d\//.test(pathname)) return this.call('Lambda settings');
    const isList = method === 'GET' && (searchParams.has('list-type') || pathname.split('/').filter(Boolean).length < 2);
    this.call(`S3 ${isList ? 'LIST' : method}`);
    if (isList || method === 'PUT' || method === 'POST') this.counted.s3Puts++;
    else if (method !== 'DELETE') this.counted.s3Gets++;
  }

  private call(name: string): void {
    this.counted.calls[name] = (this.counted.calls[name] ?? 0) + 1;
  }
}

/** Calls that cost something and have no line in a bill. */
export function unbilled({ calls }: Requests): string[] {
  return Object.keys(calls).filter((name) => !/^(DynamoDB|S3|Lambda) /.test(name) && !FREE.includes(name)).map((name) => `${calls[name]} x ${name}`);
}

const nothing = (): Requests => ({ calls: {}, writeUnits: 0, readUnits: 0, s3Puts: 0, s3Gets: 0 });

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
