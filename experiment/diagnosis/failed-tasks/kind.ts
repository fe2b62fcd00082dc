import type { FailureGroup } from '../../records/summary.ts';
import { tellingLine } from './telling-line.ts';

/** What is known of a run's failed tasks. */
export interface FailedTasks {
  /** Largest group first. */
  failures?: readonly FailureGroup[] | undefined;
  /** Rows of the joblog by the address of their node. */
  tasksOn?: ReadonlyMap<string, number> | undefined;
}

/** What a group of failed tasks has in common, as a clause, and what to do about it. */
export interface FailureKind {
  name: string;
  matches(group: FailureGroup, observed: FailedTasks): boolean;
  why: string;
  next: string;
}

type Matches = (group: FailureGroup) => boolean;

/** In the line that says what went wrong: what stands elsewhere may be a warning of something else. */
export const says =
  (pattern: RegExp): Matches =>
  (group) =>
    pattern.test(tellingLine(group.example.stderrTail));

/** Anywhere in the end of stderr: words that mean one thing wherever they stand. */
export const mentions =
  (pattern: RegExp): Matches =>
  (group) =>
    pattern.test(group.example.stderrTail);

export const ended =
  (...codes: readonly number[]): Matches =>
  (group) =>
    codes.includes(group.example.exitval);

export const both =
  (...all: readonly Matches[]): Matches =>
  (group) =>
    all.every((matches) => matches(group));

export const FEWER_TASKS =
  'Raise `cluster.memory`, or lower `run.jobsPerNode` so that fewer tasks share a node.';

/**
 * True when it is no chance that one node ran them all: with its share of all tasks, that happens to fewer than one in 16
 * groups of that size. A node that ran nearly everything (the others came late, the tasks were short) tells nothing.
 */
export function onOneNodeAlone({ nodes, count, example }: FailureGroup, { tasksOn }: FailedTasks): boolean {
  if (nodes !== 1 || tasksOn === undefined) return false;
  let all = 0;
  for (const tasks of tasksOn.values()) all += tasks;
  const share = (tasksOn.get(example.node) ?? all) / all;
  return share ** (count - 1) <= 1 / 16;
}
