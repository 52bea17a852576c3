/** What a job is billed for, the workers' own running time and logs aside, which are the same whoever calls them. */
export interface Bill {
  /** Lambda requests of our functions; of workers: only those beyond one per batch. */
  lambdaRequests: number;
  /** GB-seconds of our functions. */
  gbSeconds: number;
  writeUnits: number;
  readUnits: number;
  s3Puts: number;
  s3Gets: number;
  /** Of Standard executions. */
  transitions: number;
  expressRequests: number;
  expressGbSeconds: number;
  /** Bytes of log lines, those of Lambda itself included. */
  logBytes: number;
}

export const emptyBill = (): Bill => ({
  lambdaRequests: 0,
  gbSeconds: 0,
  writeUnits: 0,
  readUnits: 0,
  s3Puts: 0,
  s3Gets: 0,
  transitions: 0,
  expressRequests: 0,
  expressGbSeconds: 0,
  logBytes: 0,
});

/** What CloudWatch Logs adds to each event when it bills (PutLogEvents documentation). */
export const LOG_EVENT_BYTES = 26;

/** START, END and REPORT lines that Lambda writes for one call of a function: the text format, UUIDs and figures in. */
export const PLATFORM_LOG_BYTES = 96 + 52 + 210 + 3 * LOG_EVENT_BYTES;
