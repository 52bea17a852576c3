import { planOf } from './job';
import { runLeaf } from '../../lambda/protocol/leaf';
import { DispatchEvent, JobRow, LeafRow, Plan } from '../../lambda/protocol/model';
import { groupCount, joinLevels } from '../../lambda/protocol/plan';
import { Ports, Row, Table, WriteResult } from '../../lambda/protocol/ports';
import { VirtualClock } from '../../simulation/clock';

/** One leaf with so many batches, in a world that forgets what it stores; prints the most memory its heap held, in MB. */
const batches = Number(process.argv[2]);
const clock = new VirtualClock();
const groups = groupCount(batches);
const plan: Plan = { ...planOf(batches), startedAt: clock.now(), deadline: clock.now() + 1e12, ttl: 0 };
const event: DispatchEvent = { jobId: 'job', epoch: 1, lo: 0, hi: 1, depth: 1, expect: 0, hop: 0, plan };
const job = { pk: 'j#job', jobId: 'job', epoch: 1, plan } as unknown as JobRow;
const nodes = new Map<string, Set<number>>();
let leaf: Row = { pk: 'leaf' };

const table: Table = {
  get: async () => job as unknown as Row,
  getMany: async () => [],
  put: async (row) => ({ ok: true, row }),
  update: async (pk, { set, addToSet }): Promise<WriteResult> => {
    if (!addToSet) {
      leaf = { ...leaf, ...set } as Row;
      return { ok: true, row: leaf as unknown as Row };
    }
    const children = nodes.get(pk) ?? new Set<number>();
    nodes.set(pk, children);
    addToSet.children.forEach((child) => children.add(child));
    const full = children.size;
    if (full === 64) nodes.delete(pk);
    return { ok: true, row: { pk, children: new Set(children) } };
  },
};
const none = () => { throw new Error('not used'); };
let nonces = 0;
let calls = 0;
let most = 0;
const SAMPLES = 20;
const ports: Ports = {
  clock,
  random: { next: () => 0.5, nonce: () => String(nonces++) },
  store: { tasks: table, results: table },
  payloads: { put: async () => true, get: none, putStream: none, uri: (key) => key },
  inputs: { read: none, list: none },
  invoker: {
    callWorker: async () => {
      await clock.sleep(10);
      if (++calls % Math.ceil(batches / SAMPLES) === 0) {
        global.gc!();
        most = Math.max(most, process.memoryUsage().heapUsed);
      }
      return { kind: 'returned', payload: '"a small result"', requestId: '' };
    },
    functionOf: () => 'worker',
    callCombiner: none,
    dispatch: none,
    accountConcurrency: none,
    workerTimeoutSeconds: none,
    taskTimeoutSeconds: none,
  },
  workflow: { wake: async () => true, announce: none },
  log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
};

// from within a microtask, as the clock asks for
Promise.resolve().then(() => clock.run(runLeaf(ports, event, { remainingMs: () => 1e12 }))).then((end) => {
  const { done } = leaf as unknown as LeafRow;
  if (end !== 'done' || !done || joinLevels(groups).length === 0 || calls !== batches) throw new Error(`the leaf ended ${end} after ${calls} calls`);
  console.log(JSON.stringify({ megabytes: most / 1024 / 1024 }));
}, (error: Error) => {
  console.error(error);
  process.exitCode = 1;
});
