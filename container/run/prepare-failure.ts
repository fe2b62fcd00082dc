import { ObjectFailed } from '../../aws/download.ts';
import type { RunnerReason } from '../../experiment/records/progress.ts';
import { FolderInTheWay } from '../storage/copy-tree.ts';
import { BadCommands } from '../tasks/freeze-commands.ts';
import { BadInput } from '../transfer/inputs.ts';

/** Why what tasks need could not be made ready: the manifest's fault, S3's, or shared storage's. @param folder what is written there */
export function cannotPrepare(error: unknown, folder: string): RunnerReason {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (error instanceof BadInput || error instanceof BadCommands || error instanceof FolderInTheWay)
    return { kind: 'bad-plan', what };
  const path = error instanceof ObjectFailed ? error.place : folder;
  return { kind: 'storage-failed', what, path };
}
