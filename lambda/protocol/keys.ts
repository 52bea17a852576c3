/** Names of rows and objects. Everything below a job carries its epoch, so that no two epochs share a row. */

export const jobKey = (jobId: string) => `j#${jobId}`;
export const leafKey = (jobId: string, epoch: number, leaf: number) => `j#${jobId}#e${epoch}#l${leaf}`;
export const nodeKey = (jobId: string, epoch: number, level: number, index: number) => `j#${jobId}#e${epoch}#n${level}#${index}`;
export const groupKey = (jobId: string, epoch: number, group: number) => `j#${jobId}#e${epoch}#g${group}`;

const folder = (jobId: string, epoch: number) => `jobs/${jobId}/e${epoch}`;

export const itemsObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/items.jsonl`;
export const parametersObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/parameters.json`;
export const manifestObject = (jobId: string, epoch: number) => `${folder(jobId, epoch)}/manifest.json`;
/** Manifest pieces carry their writer: only those that the manifest names are real. */
export const manifestPiece = (jobId: string, epoch: number, writer: string, piece: number) => `${folder(jobId, epoch)}/manifest/${writer}-${piece}.jsonl`;
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
export const partObject = (w: Writer) => `${folder(w.jobId, w.epoch)}/parts/${writerTag(w)}.json`;
