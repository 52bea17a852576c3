import { work } from './work';

export const handler = ({ batchId }: { batchId: number }) => work(batchId);
