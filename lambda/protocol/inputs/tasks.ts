import * as z from 'zod'; // not { z }: that would bundle all of it
import { InvalidInput, InvalidRequest } from '../errors';
import { writeLines } from '../items';
import { itemsObject } from '../keys';
import { ItemSource } from '../model';
import { GROUP_SIZE } from '../plan';
import { ObjectUri, Ports } from '../ports';
import { indexItems, Stored } from './object';
import { showUri } from './uri';

/** Prepare holds the ids of all tasks in memory, to find those that come twice. */
const MAX_TASKS = 1_000_000;
const MAX_ID_CHARS = 256;
const ID = `a string of 1 to ${MAX_ID_CHARS} characters`;

export const taskSchema = z.strictObject({
  id: z.string({ error: ID }).min(1, { error: ID }).max(MAX_ID_CHARS, { error: ID }).optional(),
  function: z.string({ error: "the name of one of the construct's taskFunctions" }),
  params: z.unknown().optional(),
}, { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'an object such as {"id":"a","function":"name","params":{}}') });

/** As sent; without an id, its number from 0 is that. */
export type GivenTask = z.infer<typeof taskSchema>;

/** Unlike tasks: in the request itself, or in an object with one per line. */
export type RequestTasks = { readonly list: GivenTask[] } | { readonly object: ObjectUri };

/** Checks all tasks, and sees to it that leaves find those of their groups. `functions`: names of those that they use. */
export async function storeTasks(
  ports: Ports, jobId: string, tasks: RequestTasks, registered: string[],
): Promise<Stored<ItemSource> & { readonly functions: string[] }> {
  const checker = new TaskChecker(registered);
  if ('object' in tasks) {
    const stored = await indexItems(ports, jobId, { object: tasks.object, format: 'jsonl' }, 1, {
      field: 'tasks.s3.uri',
      check: (line, number) => checker.line(line, `tasks.s3.uri: line ${number} of ${showUri(tasks.object)}`, number),
    });
    return { ...stored, functions: checker.functions };
  }
  tasks.list.forEach((task, i) => checker.check(task, (field) => `tasks.${i}.${field}`, `tasks.${i}`, InvalidRequest));
  const key = itemsObject(jobId, 1);
  const { body, indexAt } = writeLines(tasks.list, 1, GROUP_SIZE);
  await ports.payloads.put(key, body);
  return { source: { kind: 'lines', key, indexAt }, items: tasks.list.length, functions: checker.functions };
}

class TaskChecker {
  private readonly ids = new Map<string, string>();
  private readonly used = new Set<string>();

  constructor(private readonly registered: string[]) {}

  get functions(): string[] {
    return [...this.used].sort();
  }

  /** A line of an object: what the request's schema says of a task in the request holds here, too. */
  line(text: string, place: string, number: number): void {
    const parsed = taskSchema.safeParse(JSON.parse(text));
    if (!parsed.success) {
      const [{ path, message }] = parsed.error.issues;
      throw new InvalidInput(`${place}: ${path.length > 0 ? `${path.join('.')}: ` : ''}got ${excerpt(text)}, allowed: ${path.length > 0 ? message : 'an object such as {"id":"a","function":"name","params":{}}'}`);
    }
    this.check(parsed.data, (field) => `${place}: ${field}`, `line ${number}`, InvalidInput);
  }

  check(task: GivenTask, where: (field: string) => string, name: string, Problem: new (message: string) => Error): void {
    if (!this.registered.includes(task.function)) {
      const allowed = this.registered.length > 0 ? this.registered.join(', ') : 'none, since the construct has no taskFunctions';
      throw new Problem(`${where('function')}: got ${JSON.stringify(task.function).slice(0, 100)}, allowed: ${allowed}; register it with the construct's prop taskFunctions`);
    }
    if (this.ids.size >= MAX_TASKS) throw new Problem(`tasks: got over ${MAX_TASKS}, allowed: at most that: split them into several jobs`);
    const id = task.id ?? String(this.ids.size);
    const other = this.ids.get(id);
    if (other !== undefined) throw new Problem(`${where('id')}: got ${JSON.stringify(id)}, which ${other} has, too; allowed: an id that no other task has (without one, a task has its number, from 0)`);
    this.ids.set(id, name);
    this.used.add(task.function);
  }
}

function excerpt(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
