/**
 * How the child executions of a Distributed Map run.
 */
export enum ChildType {
  /**
   * Billed by the state transition, 4 for a batch that succeeds at once; 100 start per second (Step Functions quotas).
   */
  STANDARD = 'STANDARD',

  /**
   * Billed by request and duration; 1,000 start per second (Step Functions quotas). One may take 5 minutes, retries and waits
   * included, so a worker at most 270 seconds. A batch whose execution is started twice is worked on twice, and counts once.
   */
  EXPRESS = 'EXPRESS',
}

/**
 * Options of a fan-out by a Distributed Map.
 */
export interface DistributedMapFanOutOptions {
  /**
   * How the child executions run, one for each batch.
   *
   * @default ChildType.STANDARD
   */
  readonly childType?: ChildType;

  /**
   * How many child executions may run at the same time; a whole number from 1 to 10,000, the most that Step Functions runs. The
   * smallest of this, the construct's `maxConcurrency`, that of the request and the account's concurrency holds.
   *
   * @default 10,000
   */
  readonly maxConcurrency?: number;
}

/**
 * How the batches of a job reach the worker. Requests, states, results, combiner and client are the same for all.
 */
export class FanOut {
  /**
   * A tree of dispatchers, Lambda functions that call the worker for up to 64 batches at a time each and commit 64 results at a
   * time.
   */
  public static tree(): FanOut {
    return new FanOut();
  }

  /**
   * A Distributed Map of Step Functions, with a child execution for each batch that calls the worker and commits its result.
   *
   * It pays where batches run for minutes, since nothing is held meanwhile; it starts more slowly and costs more for each batch. The event
   * of a batch, `parameters` included, may have 240 KiB, event and result together about 250 KB, since both pass through states. A job
   * has at most 1,000,000 batches. Does not go with `CombineMode.TREE`, `speculativeExecution` and `branching`.
   *
   * @param options what differs from the defaults
   */
  public static distributedMap(options: DistributedMapFanOutOptions = {}): FanOut {
    return new FanOut(options);
  }

  /** @internal */
  public readonly _map?: DistributedMapFanOutOptions;

  private constructor(map?: DistributedMapFanOutOptions) {
    this._map = map;
  }
}
