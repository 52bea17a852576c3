/** The arithmetic of an estimate, as data: `burst estimate --explain` prints it, the tests hold text and function against each other. */

export type Values = { [name: string]: number };

export interface Formula {
  readonly name: string;
  readonly unit: string;
  /** In the names of the values above it; `ceil`, `floor`, `min`, `max`, `c ? a : b`. */
  readonly formula: string;
  readonly of: (v: Values) => number;
}

const { ceil, floor, min, max } = Math;

const formula = (name: string, unit: string, text: string, of: (v: Values) => number): Formula => ({ name, unit, formula: text, of });

export const FORMULAS: readonly Formula[] = [
  // time
  formula('leafBatches', 'batches', 'min(batches, 64 * ceil(groups / max(leaves, 1)))', (v) => min(v.batches, 64 * ceil(v.groups / max(v.leaves, 1)))),
  formula('concurrency', 'workers', 'min(batches, map ? mapConcurrency : leaves * window)', (v) => min(v.batches, v.map ? v.mapConcurrency : v.leaves * v.window)),
  formula('rampSeconds', 's', 'max(0, concurrency / (1000 * workerFunctions) - 1) * 10',
    (v) => max(0, v.concurrency / (1000 * v.workerFunctions) - 1) * 10),
  // starts of a map's children, 100 a second or 1,000 of Express ones (Step Functions quotas)
  formula('waveSeconds', 's', 'map ? max(ceil(batches / max(concurrency, 1)) * batchSeconds, batches / max(childStarts, 1) + batchSeconds) : ceil(leafBatches / max(window, 1)) * batchSeconds',
    (v) => (v.map ? max(ceil(v.batches / max(v.concurrency, 1)) * v.batchSeconds, v.batches / max(v.childStarts, 1) + v.batchSeconds)
      : ceil(v.leafBatches / max(v.window, 1)) * v.batchSeconds)),
  formula('workSeconds', 's', 'batches == 0 ? 0 : max(waveSeconds, rampSeconds + batchSeconds)',
    (v) => (v.batches === 0 ? 0 : max(v.waveSeconds, v.rampSeconds + v.batchSeconds))),
  formula('treeSeconds', 's', 'tree * treeLevels * combinerSeconds', (v) => v.tree * v.treeLevels * v.combinerSeconds),
  formula('seconds', 's', 'startSeconds + workSeconds + treeSeconds + collect * combinerSeconds',
    (v) => v.startSeconds + v.workSeconds + v.treeSeconds + v.collect * v.combinerSeconds),
  // functions
  formula('workerInvocations', 'requests', 'batches', (v) => v.batches),
  formula('workerMs', 'ms', '1000 * batches * batchSeconds', (v) => 1000 * v.batches * v.batchSeconds),
  formula('combinerInvocations', 'requests', 'collect + tree * (groups + treeCalls)', (v) => v.collect + v.tree * (v.groups + v.treeCalls)),
  formula('combinerMs', 'ms', '1000 * combinerInvocations * combinerSeconds', (v) => 1000 * v.combinerInvocations * v.combinerSeconds),
  formula('leafLife', 's', 'workSeconds + treeSeconds + leafSeconds', (v) => v.workSeconds + v.treeSeconds + v.leafSeconds),
  formula('leafRuns', 'requests', 'leaves * max(1, ceil(leafTurns / max(leaves, 1) / (1 + floor((870 - workerTimeoutSeconds) / max(batchSeconds, 0.001)))))',
    (v) => v.leaves * max(1, ceil(v.leafTurns / max(v.leaves, 1) / (1 + floor((870 - v.workerTimeoutSeconds) / max(v.batchSeconds, 0.001)))))),
  formula('dispatcherInvocations', 'requests', 'innerDispatchers + leafRuns', (v) => v.innerDispatchers + v.leafRuns),
  formula('dispatcherMs', 'ms', '150 * innerDispatchers + 1000 * (max(leafTurns * batchSeconds, leaves * (rampSeconds + batchSeconds)) + leaves * (treeSeconds + leafSeconds))',
    (v) => 150 * v.innerDispatchers
      + 1000 * (max(v.leafTurns * v.batchSeconds, v.leaves * (v.rampSeconds + v.batchSeconds)) + v.leaves * (v.treeSeconds + v.leafSeconds))),
  formula('stateTransitions', 'transitions', '3 + (map ? (isExpress ? 1 : 4) * batches : 2 * rounds)', (v) => 3 + (v.map ? (v.isExpress ? 1 : 4) * v.batches : 2 * v.rounds)),
  formula('expressRequests', 'requests', 'isExpress * batches', (v) => v.isExpress * v.batches),
  formula('expressMs', 'ms', 'isExpress * batches * 100 * ceil((1000 * batchSeconds + 50) / 100)', (v) => v.isExpress * v.batches * 100 * ceil((1000 * v.batchSeconds + 50) / 100)),
  formula('monitorInvocations', 'requests', 'map ? 2 : stateTransitions', (v) => (v.map ? 2 : v.stateTransitions)),
  formula('monitorMs', 'ms', '1000 * monitorInvocations * monitorSeconds + 1000 * collect * combinerSeconds',
    (v) => 1000 * v.monitorInvocations * v.monitorSeconds + 1000 * v.collect * v.combinerSeconds),
  // tables
  formula('jobWriteUnits', 'units', 'unitsOfPrepare + (map ? 0 : unitsOfAwait * (1 + rounds)) + (groups > 0 ? unitsOfDone : 0) + unitsOfSeal + unitsOfEnd',
    (v) => v.unitsOfPrepare + (v.map ? 0 : v.unitsOfAwait * (1 + v.rounds)) + (v.groups > 0 ? v.unitsOfDone : 0) + v.unitsOfSeal + v.unitsOfEnd),
  formula('groupWriteUnits', 'units', 'groups == 0 ? 0 : (groups - 1) * ceil(groupRowBytes / 1024) + ceil(lastGroupRowBytes / 1024)',
    (v) => (v.groups === 0 ? 0 : (v.groups - 1) * ceil(v.groupRowBytes / 1024) + ceil(v.lastGroupRowBytes / 1024))),
  formula('joinWriteUnits', 'units', 'tree ? groups + treeNodes - 1 : leafNodes + joinNodes - min(joinNodes, 1)',
    (v) => (v.tree ? v.groups + v.treeNodes - 1 : v.leafNodes + v.joinNodes - min(v.joinNodes, 1))),
  formula('partialWriteUnits', 'units', 'tree * (groups + treeNodes) * ceil(partialRowBytes / 1024)', (v) => v.tree * (v.groups + v.treeNodes) * ceil(v.partialRowBytes / 1024)),
  formula('beats', 'per leaf', 'leafLife < 0.8 ? 0 : 1 + floor((leafLife - 0.8) / 2)', (v) => (v.leafLife < 0.8 ? 0 : 1 + floor((v.leafLife - 0.8) / 2))),
  formula('leafWriteUnits', 'units', '2 * leafRuns + leaves * min(beats, leafBatches + ceil(3 * leafLife / leaseSeconds))',
    (v) => 2 * v.leafRuns + v.leaves * min(v.beats, v.leafBatches + ceil(3 * v.leafLife / v.leaseSeconds))),
  formula('tableWriteUnits', 'units', 'jobWriteUnits + groupWriteUnits + joinWriteUnits + partialWriteUnits + leafWriteUnits',
    (v) => v.jobWriteUnits + v.groupWriteUnits + v.joinWriteUnits + v.partialWriteUnits + v.leafWriteUnits),
  formula('leafReadUnits', 'units', '(leafRuns + leaves * beats / 2) * ceil(jobRowBytes / 4096)', (v) => (v.leafRuns + v.leaves * v.beats / 2) * ceil(v.jobRowBytes / 4096)),
  formula('groupReadUnits', 'units', 'groups == 0 ? 0 : (groups - 1) * ceil(groupRowBytes / 4096) + ceil(lastGroupRowBytes / 4096)',
    (v) => (v.groups === 0 ? 0 : (v.groups - 1) * ceil(v.groupRowBytes / 4096) + ceil(v.lastGroupRowBytes / 4096))),
  formula('treeReadUnits', 'units', 'tree * (groups + treeNodes + groupReadUnits + (groups + treeNodes) * ceil(partialRowBytes / 4096))',
    (v) => v.tree * (v.groups + v.treeNodes + v.groupReadUnits + (v.groups + v.treeNodes) * ceil(v.partialRowBytes / 4096))),
  formula('monitorReadUnits', 'units', 'map ? ceil(jobRowBytes / 4096) + 2 * groupReadUnits : (1 + rounds) * (ceil(jobRowBytes / 4096) + leaves) + groupReadUnits',
    (v) => (v.map ? ceil(v.jobRowBytes / 4096) + 2 * v.groupReadUnits : (1 + v.rounds) * (ceil(v.jobRowBytes / 4096) + v.leaves) + v.groupReadUnits)),
  formula('tableReadUnits', 'units', 'leafReadUnits + treeReadUnits + monitorReadUnits', (v) => v.leafReadUnits + v.treeReadUnits + v.monitorReadUnits),
  // bucket
  formula('largeGroups', 'objects', 'map ? 0 : (documentBytes > 8192 ? groups - 1 : 0) + (lastDocumentBytes > 8192 ? 1 : 0)',
    (v) => (v.map ? 0 : (v.documentBytes > 8192 ? v.groups - 1 : 0) + (v.lastDocumentBytes > 8192 ? 1 : 0))),
  formula('largeResults', 'objects', 'map ? 0 : resultBytes > 262144 ? batches : 0', (v) => (v.map ? 0 : v.resultBytes > 262144 ? v.batches : 0)),
  formula('manifestPieces', 'objects', 'groups * lineBytes > 1048576 ? ceil(groups * lineBytes / 4194304) : 0',
    (v) => (v.groups * v.lineBytes > 1048576 ? ceil(v.groups * v.lineBytes / 4194304) : 0)),
  formula('inputPuts', 'requests', 'isListing ? 2 + ceil(items / 1000) + ceil(items * 100 / 16777216) : isRange ? 0 : 1',
    (v) => (v.isListing ? 2 + ceil(v.items / 1000) + ceil(v.items * 100 / 16777216) : v.isRange ? 0 : 1)),
  formula('objectPuts', 'requests',
    'inputPuts + hasParameters + largeGroups + largeResults + 1 + manifestPieces + hasResult + (partialBytes > 8192 ? tree * (groups + treeCalls) : 0) + leafRuns - leaves + 3 * map',
    (v) => v.inputPuts + v.hasParameters + v.largeGroups + v.largeResults + 1 + v.manifestPieces + v.hasResult
      + (v.partialBytes > 8192 ? v.tree * (v.groups + v.treeCalls) : 0) + v.leafRuns - v.leaves + 3 * v.map),
  formula('isInline', '1 or 0', 'groups * documentBytes + largeResults * resultBytes <= 4194304 ? 1 : 0',
    (v) => (v.groups * v.documentBytes + v.largeResults * v.resultBytes <= 4194304 ? 1 : 0)),
  formula('combinerGets', 'requests', 'collect ? hasParameters + isInline * (largeGroups + largeResults + 2 * manifestPieces) : tasks * (largeGroups + manifestPieces) + tree * (largeGroups + (partialBytes > 8192 ? groups + treeNodes : 0))',
    (v) => (v.collect ? v.hasParameters + v.isInline * (v.largeGroups + v.largeResults + 2 * v.manifestPieces)
      : v.tasks * (v.largeGroups + v.manifestPieces) + v.tree * (v.largeGroups + (v.partialBytes > 8192 ? v.groups + v.treeNodes : 0)))),
  formula('inputGets', 'requests', 'isRange ? 0 : ceil(batches / 64) + (leafRuns + map) * (1 + isCsv) + ceil(inputBytes / 8388608)',
    (v) => (v.isRange ? 0 : ceil(v.batches / 64) + (v.leafRuns + v.map) * (1 + v.isCsv) + ceil(v.inputBytes / 8388608))),
  formula('objectGets', 'requests', 'inputGets + hasParameters * (leafRuns + map) + combinerGets + leafRuns - leaves + map',
    (v) => v.inputGets + v.hasParameters * (v.leafRuns + v.map) + v.combinerGets + v.leafRuns - v.leaves + v.map),
  // logs: what Lambda writes for each invocation, and our own lines
  formula('logBytes', 'bytes', '450 * (workerInvocations + combinerInvocations + dispatcherInvocations + monitorInvocations) + (map ? 0 : 420 * (2 * leafRuns + innerDispatchers + 2))',
    (v) => 450 * (v.workerInvocations + v.combinerInvocations + v.dispatcherInvocations + v.monitorInvocations)
      + (v.map ? 0 : 420 * (2 * v.leafRuns + v.innerDispatchers + 2))),
];
