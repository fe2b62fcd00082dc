import { expect, it } from 'vitest';
import { TaskIndex } from '../../../experiment/commands/task-index.ts';

const seqOf = async (list: string[], earlier: string[], seq: number, command: string) =>
  (await TaskIndex.of(list, earlier)).seqOf({ seq, command });

it('a task is known by its command, wherever that stands now', async () => {
  expect(await seqOf(['a', 'b', 'c'], ['c', 'a'], 1, 'c')).toBe(3);
  expect(await seqOf(['a', 'b'], ['c'], 1, 'c')).toBeUndefined();
});

it.each([
  ['in the list', ['a', 'b', 'a'], ['a', 'b']],
  ['in the list before', ['b', 'c', 'a'], ['a', 'b', 'a']],
])('by its number as well where the command stands more than once %s', async (_, list, earlier) => {
  expect(await seqOf(list, earlier, 3, 'a')).toBe(3);
  expect(await seqOf(list, earlier, 2, 'a')).toBeUndefined();
});

it('and where the command names its number', async () => {
  const named = 'echo $SIERRA_BATCH_TASK';
  expect(await seqOf(['a', named], [named], 2, named)).toBe(2);
  expect(await seqOf(['a', named], [named], 1, named)).toBeUndefined();
});
