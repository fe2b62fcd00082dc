import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AttemptPart } from '../attempt/attempt.ts';
import { TaskProcesses } from '../node/task-processes.ts';
import { NODE_MARKER, nodeMarker } from '../process/environment.ts';

/** What became of a command on node 0. */
export interface MainResult {
  /** 128 for one that was ended by a signal. */
  code: number;
  /** The end of what it wrote. */
  tail: string;
  /** It was ended because its time was over. */
  isLate: boolean;
}

export interface MainCommand {
  /** Whose words the log has: `Sierra:Says`. */
  says: 'Sierra' | 'Finally';
  program: string;
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Undefined: as long as it takes. */
  limitMs?: number | undefined;
}

const TAIL_CHARS = 4000;
/** What a command left in the background may hold its output for so long after it has ended. */
const LEFT_MS = 3000;

/** Runs one command on node 0 in a process group of its own; ends it and all it started with the attempt or in time. */
export async function runOnMain(
  attempt: AttemptPart<'folders' | 'config' | 'ending' | 'log' | 'context' | 'plan' | 'termination'>,
  { says, program, args, environment, limitMs }: MainCommand,
): Promise<MainResult> {
  const { folders, config, ending, log, context, plan, termination } = attempt;
  // A marker of its own: when this node's sshd is started again its tasks are ended, and this command must outlive that.
  const marker = `${nodeMarker(config)}-main`;
  const child = spawn(program, args, {
    cwd: folders.tasks,
    env: { ...environment, [NODE_MARKER]: marker },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let tail = '';
  const hear = (chunk: Buffer) => {
    const text = chunk.toString('utf8');
    tail = (tail + text).slice(-TAIL_CHARS);
    for (const line of text.split('\n'))
      if (line.trim() !== '') log(`${says}:Says`, { line: line.slice(0, 500) });
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const closed = once(child, 'close').then(
    () => child.exitCode ?? 128,
    (error: unknown) => {
      tail += String(error);
      return 127;
    },
  );
  const processes = new TaskProcesses(marker, () => undefined, context.clock);
  const code = () => child.exitCode ?? 128;
  const exited = once(child, 'exit').then(
    async () => {
      const isClosed = await Promise.race([closed, context.clock.sleep(LEFT_MS)]);
      if (isClosed !== undefined) return code();
      log(`${says}:LeftBehind`, { left: processes.tasks().length });
      await processes.end(1000);
      return code();
    },
    () => closed,
  );
  let isLate = false;
  const over = new AbortController();
  const late = new Promise<void>((resolve) => {
    if (limitMs === undefined) return;
    context.clock.sleep(limitMs, over.signal).then(
      () => {
        isLate = true;
        log(`${says}:TimeIsOver`, { seconds: limitMs / 1000 });
        resolve();
      },
      () => undefined, // it ended in time
    );
  });
  // What would not die is left to the end of the node.
  const stopped = Promise.race([ending.promise, late]).then(async () => {
    await processes.end(termination.graceMs(plan.timeouts.graceSeconds));
    return code();
  });
  const ended = await Promise.race([closed, exited, stopped]);
  over.abort();
  return { code: ended, tail, isLate };
}
