import { Patch } from './bundle';

/** Defects of the core that the simulation must find. */
export interface Mutant {
  /** Within so many seeds, from 1 on. */
  readonly seeds: number;
  readonly patches: readonly Patch[];
}

const patch = (file: string, find: string | RegExp, replace: string): Patch => ({ file, find, replace });

export const MUTANTS: { readonly [name: string]: Mutant } = {
  'counter instead of set-add': {
    seeds: 5_000,
    patches: [
      patch('join.ts', 'addToSet: { children }', 'increment: { count: children.length }'),
      patch('join.ts', '(written.row.children as Set<number>).size', '(written.row.count as number)'),
    ],
  },
  'unconditional commit of a group': {
    seeds: 5_000,
    patches: [patch('group.ts', "put(row as unknown as Row, { absent: 'pk' })", 'put(row as unknown as Row)')],
  },
  'result objects shared by attempts': {
    seeds: 5_000,
    patches: [patch('keys.ts', '`l${w.leaf}-a${w.attempt}-${w.owner}`', '`l${w.leaf}`')],
  },
  'token and rootDone on two rows': {
    seeds: 20_000,
    patches: [
      patch('join.ts', /const written = await ports\.store\.tasks\.update\(\s*jobKey\(job\.jobId\), \{ set: \{ rootDone/,
        'const token = (await ports.store.tasks.get(jobKey(job.jobId), { consistent: true }))?.taskToken as string | undefined;\n'
        + '  const written = await ports.store.tasks.update(\n    jobKey(job.jobId), { set: { rootDone'),
      patch('join.ts', 'if (written.ok) await wakeJob(ports, written.row as unknown as JobRow);', 'if (written.ok && token !== undefined) await ports.workflow.wake(token);'),
    ],
  },
  'join keys without the epoch': {
    seeds: 5_000,
    patches: [patch('keys.ts', '`j#${jobId}#e${epoch}#n${level}#${index}`', '`j#${jobId}#n${level}#${index}`')],
  },
  'no repair': {
    seeds: 5_000,
    patches: [patch('repair.ts', 'mended = await mendLeaves(ports, row)', 'mended = false')],
  },
  'seal without its condition': {
    seeds: 5_000,
    patches: [patch('seal.ts', "{ all: [{ equals: ['epoch', job.epoch] }, { absent: 'sealed' }] }", "{ equals: ['epoch', job.epoch] }")],
  },
  'signal after a put of unknown outcome': {
    seeds: 5_000,
    patches: [patch('group.ts', "put(row as unknown as Row, { absent: 'pk' })", "put(row as unknown as Row, { absent: 'pk' }).catch(() => ({ ok: true as const, row: row as unknown as Row }))")],
  },
  'redrive manifest of the new rows only': {
    seeds: 5_000,
    patches: [patch('manifest.ts', 'row.plan.redo ? lastLines(ports, row, row.plan.redo.lastEpoch) : nothing()', 'nothing()')],
  },
  'success sealed without the failure sum': {
    seeds: 5_000,
    patches: [patch('combine.ts', 'survey.failedCount <= row.plan.toleratedFailures', 'survey.failedCount >= 0')],
  },
  'heartbeat that does not ask for the owner': {
    seeds: 5_000,
    patches: [patch('leaf.ts', "{ equals: ['owner', this.writer.owner] }", 'undefined')],
  },
  'terminal status that the last one writes': {
    seeds: 5_000,
    patches: [patch('finish.ts', "{ all: [{ equals: ['epoch', job.epoch] }, { absent: 'terminal' }] }", "{ equals: ['epoch', job.epoch] }")],
  },
  'manifest that the last one writes': {
    seeds: 5_000,
    patches: [patch('manifest.ts', 'put(key, text, { ifAbsent: true })', 'put(key, text)')],
  },
  'one claim more for every event': {
    seeds: 5_000,
    patches: [patch('claim.ts', "{ equals: ['attempt', event.expect] }", "{ equals: ['attempt', event.expect] }, { equals: ['attempt', event.expect + 1] }")],
  },
  'committed groups that a successor runs again': {
    seeds: 5_000,
    patches: [patch('progress.ts', 'unit < this.at || ', '')],
  },
  'calls in vain that a hand-over forgets': {
    seeds: 20_000,
    patches: [patch('leaf.ts', 'batch, ...tries,', 'batch, calls: 0, failures: 0, unknowns: 0,')],
  },
  'redrive that begins after it was stopped': {
    seeds: 20_000,
    patches: [patch('redrive.ts', "{ any: [{ absent: 'refusedEpoch' }, { lessThan: ['refusedEpoch', epoch] }] },", '')],
  },
  'parent told before its child is committed': {
    seeds: 5_000,
    patches: [patch('combine-units.ts', 'if (!there) {', 'if (!there && unit.level === 0) await addToNode(this.ports, this.tree, 0, [unit.index]);\n    if (!there) {')],
  },
  'unconditional commit of a partial result': {
    seeds: 5_000,
    patches: [patch('partial.ts', "} as unknown as Row, { absent: 'pk' });", '} as unknown as Row);')],
  },
  'objects of partial results shared by attempts': {
    seeds: 20_000,
    patches: [patch('keys.ts', '/tree/${level}-${index}/${writerTag(w)}.json`', '/tree/${level}-${index}/partial.json`')],
  },
  'committed groups that a successor takes for combined': {
    seeds: 5_000,
    patches: [patch('leaf.ts', 'this.combineGroup(row);', 'if (this.combining) this.progress.through([row.unit]);')],
  },
  'redrive that adopts what is out of date': {
    seeds: 20_000,
    patches: [patch('adopt-partials.ts', 'places.filter((place) => !isAbove(place, this.lacking))', 'places')],
  },
  'redrive that counts what it did not adopt': {
    seeds: 5_000,
    patches: [patch('adopt-partials.ts', 'children.filter(({ index }) => !adopted.has(index))', 'children.filter((child) => this.isLacking(child))')],
  },
  'redrive of a full node that nobody signals': {
    seeds: 10_000,
    patches: [patch('adopt-partials.ts', 'if (open.length === 0) open.push(last);', '')],
  },
  'last call with what is below, too': {
    seeds: 20_000,
    patches: [patch('tree-end.ts', '[there.get(child.index)!] : await below(child)', '[there.get(child.index)!, ...await below(child)] : await below(child)')],
  },
  'unfinished groups in the place of committed ones': {
    seeds: 20_000,
    patches: [patch('manifest.ts', 'if (!b.done && isAt(at, b)) yield { group: b.value, isNew: true };\n    else if (!c.done', 'if (!b.done && isAt(at, b) && !isAt(at, c)) yield { group: b.value, isNew: true };\n    else if (!c.done')],
  },
  'unfinished groups run again as a whole': {
    seeds: 5_000,
    patches: [patch('redo.ts', 'of lines) {\n      const settled', 'of lines.filter(({ unfinished }) => !unfinished)) {\n      const settled')],
  },
  'an unfinished group forgets what an earlier epoch had': {
    seeds: 5_000,
    patches: [patch('unfinished.ts', 'of before) {', 'of before.slice(1)) {')],
  },
  'second calls beyond the window': {
    seeds: 20_000,
    patches: [patch('leaf.ts', 'if (this.running >= this.window.current) return;', '')],
  },
};
