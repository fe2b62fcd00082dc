import { basename, relative } from 'node:path/posix';
import { Bucket } from '../../aws/bucket.ts';
import { commandsIn } from '../../experiment/commands/lines.ts';
import { MAX_LIST_BYTES } from '../../experiment/commands/list.ts';
import { CONTROL_PREFIX } from '../../experiment/layout/bucket-keys.ts';
import type { CommandFile } from '../../experiment/manifest/parse.ts';
import { ListMisses } from '../../experiment/manifest/rules/list-misses.ts';
import type { Fault } from '../../experiment/manifest/source/fault.ts';
import type { PlanInput } from '../../experiment/plan/plan.ts';
import type { FunctionDeps } from '../deps.ts';

/**
 * What a list that an input brings from S3 may have by mistake. Node 0 freezes it, and says what is wrong with it; so what
 * cannot be read here is left to it. Of archives the command line has looked at the list before it packed them.
 */
export async function missesAmongInputs(
  deps: FunctionDeps,
  inputs: readonly PlanInput[],
  { path, source }: CommandFile,
): Promise<readonly Fault[]> {
  const found = inputs.flatMap((input) => placeIn(input, path) ?? []).at(-1);
  if (found === undefined || found.key.startsWith(CONTROL_PREFIX)) return [];
  const bucket = new Bucket(deps.s3, found.bucket, deps.clock);
  const { warnings, take } = new ListMisses(`s3://${found.bucket}/${found.key}`);
  try {
    const head = await bucket.head(found.key);
    if (head === undefined || head.size > MAX_LIST_BYTES) return [];
    const stream = await bucket.stream(found.key);
    if (stream !== undefined) for await (const _ of commandsIn(stream, source(take)));
  } catch {
    // Up to there.
  }
  return warnings;
}

/** Where a path of the tasks' folder comes from; a later input is brought over an earlier one. */
function placeIn(input: PlanInput, path: string): { bucket: string; key: string } | undefined {
  if (input.kind === 'archive') return undefined;
  const { bucket, to } = input;
  if (input.kind === 'object')
    return relative(to.endsWith('/') ? `${to}${basename(input.key)}` : to, path) === ''
      ? { bucket, key: input.key }
      : undefined;
  const below = relative(to, path);
  return below.startsWith('..') ? undefined : { bucket, key: `${input.prefix}${below}` };
}
