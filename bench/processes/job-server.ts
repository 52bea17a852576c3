import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { marshall } from '@aws-sdk/util-dynamodb';
import { groupRow, jobRow, object } from './job';

/** The requests that AWS gets about a job of so many batches: all done, and ended or not. Prints its port. */
const [batches, hasEnded] = [Number(process.argv[2]), process.argv[3] === 'ended'];
const item = (row: object) => marshall(row, { removeUndefinedValues: true });

function table(action: string, body: string): object {
  if (action === 'GetItem') return { Item: item(jobRow(batches, hasEnded)) };
  if (action === 'UpdateItem') return { Attributes: item(jobRow(batches, true)) };
  const { RequestItems } = JSON.parse(body) as { RequestItems: { [table: string]: { Keys: { pk: { S: string } }[] } } };
  const [[name, { Keys }]] = Object.entries(RequestItems);
  const groups = Keys.flatMap(({ pk }) => /#g(\d+)$/.exec(pk.S)?.[1] ?? []); // rows of leaves there are none
  return { Responses: { [name]: groups.map((group) => item(groupRow(Number(group), batches))) }, UnprocessedKeys: {} };
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
    const [service, action] = String(request.headers['x-amz-target'] ?? '').split('.');
    const answer = () => {
      if (service.startsWith('DynamoDB')) return JSON.stringify(table(action, Buffer.concat(chunks).toString()));
      if (service === 'AWSEvents') return '{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}';
      if (request.method === 'POST') return '{"batches":0}'; // the combiner's
      return request.method === 'GET' ? object(request.url!.split('?')[0].replace(/^\/b\//, ''), batches) : '';
    };
    response.writeHead(200, { 'content-type': service === '' ? 'application/octet-stream' : 'application/x-amz-json-1.0', 'x-amzn-requestid': '1' }).end(answer());
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
