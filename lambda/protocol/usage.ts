import { MULTIPART_BYTES, Ports, Row, Table, WriteResult } from './ports';
import { readUnits, rowBytes, writeUnits } from './row-size';

/** What a job used, as its own functions count it: figures for the bill, on which nothing else depends. */
export interface Usage {
  /** Calls of the worker that ran; throttled ones are free. */
  readonly workerInvocations: number;
  /** How long their callers waited for them. */
  readonly workerMs: number;
  readonly combinerInvocations: number;
  readonly combinerMs: number;
  readonly dispatcherInvocations: number;
  readonly dispatcherMs: number;
  readonly monitorInvocations: number;
  readonly monitorMs: number;
  /** Of 4 KB, strongly consistent; half of one otherwise. */
  readonly tableReadUnits: number;
  /** Of 1 KB. */
  readonly tableWriteUnits: number;
  readonly objectGets: number;
  /** PUT, POST and LIST, which cost the same. */
  readonly objectPuts: number;
  readonly stateTransitions: number;
  /** Child executions of a Distributed Map that are Express, and how long they ran, each in steps of 100 ms. */
  readonly expressRequests: number;
  readonly expressMs: number;
  /** Of our functions' own lines, and of those that Lambda writes for each invocation of any function. */
  readonly logBytes: number;
}

/** As rows hold it: what is zero is left out. */
export type StoredUsage = Partial<Usage>;

export const NO_USAGE: Usage = {
  workerInvocations: 0,
  workerMs: 0,
  combinerInvocations: 0,
  combinerMs: 0,
  dispatcherInvocations: 0,
  dispatcherMs: 0,
  monitorInvocations: 0,
  monitorMs: 0,
  tableReadUnits: 0,
  tableWriteUnits: 0,
  objectGets: 0,
  objectPuts: 0,
  stateTransitions: 0,
  expressRequests: 0,
  expressMs: 0,
  logBytes: 0,
};

/** START, END and REPORT lines of one invocation, with what CloudWatch Logs adds to each (26 bytes). */
export const PLATFORM_LOG_BYTES = 450;
/** What the logger adds to a line of ours: level, time, service, job, request id. */
const LINE_BYTES = 330;

export function sumUsage(...parts: (StoredUsage | undefined)[]): StoredUsage {
  const sum: { -readonly [name in keyof StoredUsage]: number } = {};
  for (const name of Object.keys(NO_USAGE) as (keyof Usage)[]) {
    const total = parts.reduce((so, part) => so + (part?.[name] ?? 0), 0);
    if (total !== 0) sum[name] = total;
  }
  return sum;
}

/** Ports that count what passes through them. */
export interface MeteredPorts extends Ports {
  readonly meter: Meter;
}

/** Counts for one invocation of one of our functions, from its beginning. */
export class Meter {
  private readonly counts: { -readonly [name in keyof Usage]: number };
  private readonly startedAt: number;

  constructor(private readonly now: () => number, private readonly role: 'dispatcher' | 'monitor', stateTransitions: number) {
    this.startedAt = now();
    this.counts = { ...NO_USAGE, [`${role}Invocations`]: 1, stateTransitions, logBytes: PLATFORM_LOG_BYTES };
  }

  add(name: keyof Usage, by = 1): void {
    this.counts[name] += by;
  }

  /** So far. `closing`: units of the table write that will carry this. */
  used(closing = 0): StoredUsage {
    return sumUsage(this.counts, { [`${this.role}Ms`]: Math.max(0, Math.round(this.now() - this.startedAt)), tableWriteUnits: closing });
  }
}

/** Counts everything that costs; what fails, or whose outcome is unknown, is not counted. */
export function metered(ports: Ports, role: 'dispatcher' | 'monitor', stateTransitions = 0): MeteredPorts {
  const { clock, store, payloads, inputs, invoker, log } = ports;
  const meter = new Meter(() => clock.now(), role, stateTransitions);
  const called = async <T extends { kind: string; requestId?: string }>(who: 'worker' | 'combiner', call: () => Promise<T>): Promise<T> => {
    const startedAt = clock.now();
    const outcome = await call();
    // without a request id it never reached the function
    if (outcome.kind === 'returned' || (outcome.kind === 'threw' && outcome.requestId !== '')) {
      meter.add(`${who}Invocations`);
      meter.add(`${who}Ms`, Math.round(clock.now() - startedAt));
      meter.add('logBytes', PLATFORM_LOG_BYTES);
    }
    return outcome;
  };
  const line = (say: (message: string, fields?: { [name: string]: unknown }) => void) => (message: string, fields?: { [name: string]: unknown }) => {
    meter.add('logBytes', LINE_BYTES + Buffer.byteLength(message) + (fields ? Buffer.byteLength(JSON.stringify(fields)) : 0));
    say(message, fields);
  };
  return {
    ...ports,
    meter,
    store: { tasks: meteredTable(store.tasks, meter), results: meteredTable(store.results, meter) },
    payloads: {
      put: async (key, body, options) => {
        const isNew = await payloads.put(key, body, options);
        meter.add('objectPuts');
        return isNew;
      },
      get: async (key, range) => {
        const body = await payloads.get(key, range);
        if (!range || range.to > range.from) meter.add('objectGets');
        return body;
      },
      putStream: async (key, chunks) => {
        let bytes = 0;
        await payloads.putStream(key, async function* () {
          for await (const chunk of chunks) {
            bytes += chunk.length;
            yield chunk;
          }
        }());
        meter.add('objectPuts', bytes < MULTIPART_BYTES ? 1 : Math.ceil(bytes / MULTIPART_BYTES) + 2); // the parts, their beginning and their end
      },
      uri: (key) => payloads.uri(key),
    },
    inputs: {
      read: async (object, range, version) => {
        const part = await inputs.read(object, range, version);
        if (version === undefined || range.to > range.from) meter.add('objectGets');
        return part;
      },
      list: async function* (prefix) {
        for await (const page of inputs.list(prefix)) {
          meter.add('objectPuts');
          yield page;
        }
      },
    },
    invoker: {
      callWorker: (payload, signal, turn, taskFunction) => called('worker', () => invoker.callWorker(payload, signal, turn, taskFunction)),
      functionOf: (turn, taskFunction) => invoker.functionOf(turn, taskFunction),
      callCombiner: (payload) => called('combiner', () => invoker.callCombiner(payload)),
      dispatch: (event) => invoker.dispatch(event),
      accountConcurrency: () => invoker.accountConcurrency(),
      workerTimeoutSeconds: () => invoker.workerTimeoutSeconds(),
      taskTimeoutSeconds: (name) => invoker.taskTimeoutSeconds(name),
    },
    log: { debug: (message, fields) => log.debug(message, fields), info: line(log.info), warn: line(log.warn), error: line(log.error) },
  };
}

function meteredTable(table: Table, meter: Meter): Table {
  const read = (row: Row | undefined, isConsistent: boolean) => meter.add('tableReadUnits', readUnits(row ? rowBytes(row) : 0, isConsistent));
  const written = (result: WriteResult) => {
    // a write that was refused costs what the stored row would; the row before it may have been larger, which we do not see
    meter.add('tableWriteUnits', writeUnits(result.row ? rowBytes(result.row) : 0));
    return result;
  };
  return {
    get: async (pk, options) => {
      const row = await table.get(pk, options);
      read(row, options.consistent);
      return row;
    },
    getMany: async (pks, attributes) => {
      const rows = await table.getMany(pks, attributes);
      rows.forEach((row) => read(row, true)); // costs the whole row: of one of which we asked for a part, at least this
      for (let missing = new Set(pks).size - rows.length; missing > 0; missing--) read(undefined, true);
      return rows;
    },
    put: async (row, condition) => written(await table.put(row, condition)),
    update: async (pk, update, condition) => written(await table.update(pk, update, condition)),
  };
}
