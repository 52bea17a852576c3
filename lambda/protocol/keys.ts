/** Names of rows and objects. Everything below a job carries its epoch, so that no two epochs share a row. */

export const jobKey = (jobId: string) => `j#${jobId}`;
export const leafKey = (jobId: string, epoch: number, leaf: number) => `j#${jobId}#e${epoch}#l${leaf}`;
export const nodeKey = (jobId: string, epoch: number, level: number, index: number) => `j#${jobId}#e${epoch}#n${level}#${index}`;
/** Of a unit of the combine mode TREE. */
export const partialKey = (jobId: string, epoch: number, level: number, index: number) => `j#${jobId}#e${epoch}#p${level}#${index}`;
export const groupKey = (jobId: string, epoch: number, unit: number) => `j#${jobId}#e${epoch}#g${unit}`;

/** How redrives of a job are named. A finished name cannot be used again for 90 days (Step Functions quotas). */
const EPOCH_SUFFIX = /\.e\d+$/;
/** A name of Step Functions has 80 characters, and the point is kept for redrives. */
const JOB_ID = /^[A-Za-z0-9_-]{1,75}$/;

/** A name that an execution may have and that is no redrive's. */
export const isJobId = (name: string) => JOB_ID.test(name);
export const executionName = (jobId: string, epoch: number) => (epoch === 1 ? jobId : `${jobId}.e${epoch}`);
/** 1 unless the name is a redrive's. */
export const epochOf = (name: string) => Number(EPOCH_SUFFIX.exec(name)?.[0].slice(2) ?? 1);
export const jobIdOf = (name: string) => name.replace(EPOCH_SUFFIX, '');

const folder = (jobId: string, epoch: number) => `jobs/${jobId}/e${epoch}`;

export const itemsObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/items.jsonl`;
export const parametersObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/parameters.json`;
export const redoObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/redo.jsonl`;
export const manifestObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/manifest.json`;
/** Manifest pieces carry their writer: only those that the manifest names are real. */
export const manifestPiece = (jobId: string, epoch: number, writer: string, piece: number) => `${folder(jobId, epoch)}/manifest/${writer}-${piece}.jsonl`;
/** What a Distributed Map reads, and the prefix of what it writes. */
export const mapObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/map.jsonl`;
export const mapOutput = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/map`;
export const resultObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/result.json`;

/** Who writes result objects: no two attempts of a leaf share a key, so no attempt can overwrite what another committed. */
export interface Writer {
  readonly jobId: string;
  readonly epoch: number;
  readonly leaf: number;
  readonly attempt: number;
  readonly owner: string;
}
const writerTag = (w: Writer) => `l${w.leaf}-a${w.attempt}-${w.owner}`;
export const groupObject = (w: Writer, group: number) => `${folder(w.jobId, w.epoch)}/groups/${group}/${writerTag(w)}.json`;
export const batchObject = (w: Writer, batch: number, invocationAttempt: number) =>
  `${folder(w.jobId, w.epoch)}/batches/${batch}/${writerTag(w)}-i${invocationAttempt}.json`;
export const partialObject = (w: Writer, level: number, index: number) => `${folder(w.jobId, w.epoch)}/tree/${level}-${index}/${writerTag(w)}.json`;
/** What is too large for a combiner's event; `owner`: who calls. */
export const entriesObject = (jobId: string, epoch: number, level: number, index: number, owner: string) =>
  `${folder(jobId, epoch)}/tree/${level}-${index}/${owner}-entries.jsonl`;
/** `number`: of the parts of one writer; none is ever overwritten. */
export const partObject = (w: Writer, number: number) => `${folder(w.jobId, w.epoch)}/parts/${writerTag(w)}-${number}.json`;
/** `writer`: who listed the results of a job that ended early; a retry of it writes elsewhere. */
export const runObject = (jobId: string, epoch: number, first: number, writer: string) => `${folder(jobId, epoch)}/runs/${first}-${writer}.json`;

/** What Prepare makes of items in S3. A second try of it writes elsewhere. */
export const indexObject = (jobId: string, nonce: string) => `${folder(jobId, 1)}/items-${nonce}.index`;
export const listingObject = (jobId: string, nonce: string) => `${folder(jobId, 1)}/items-${nonce}.jsonl`;
