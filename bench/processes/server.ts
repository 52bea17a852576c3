import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers every request as a Lambda that returns at once; prints its port. */
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-amzn-requestid': '00000000-0000-0000-0000-000000000000' });
    response.end('"result"');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
