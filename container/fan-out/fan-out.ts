import type { JoblogRow } from '../../experiment/results/joblog.ts';

/** A node that takes part, node 0 included (by its own address, never `:`). */
export interface FanoutNode {
  index: number;
  address: string;
  /** Tasks at once. */
  slots: number;
  /** Of a clock that is wrong: rows tell node 0's time, as stock's do. */
  clockAheadSeconds?: number;
}

/** What a fan-out needs to run a frozen list of commands. Every path is absolute and the same on all nodes. */
export interface FanoutRequest {
  /** The frozen list on shared storage, one command a line; complete and synced before the first node reads it. */
  commandsFile: string;
  /** Number of lines in it. */
  total: number;
  /** Sequence numbers that need not run: they succeeded in an earlier attempt. */
  done: ReadonlySet<number>;
  nodes: readonly FanoutNode[];
  /** The folder that tasks start in. */
  workdir: string;
  /** GNU parallel's `--results` tree. */
  results: string;
  /** The joblog; rows of earlier attempts are kept, new ones appended: a row each try, as they end. */
  joblog: string;
  /** A folder of this attempt on shared storage, 0700, for what the fan-out itself has to leave there. */
  scratch: string;
  /** The ssh_config written for this attempt: keys, known hosts, port, control master. `ssh -F <this> <address>`. */
  sshConfig: string;
  /**
   * Variables that every task gets on every node besides what its own node's sshd sets: the manifest's `environment`
   * and the names that PARALLEL's `--env` lists. Any bytes but NUL. What is not named stays undefined.
   */
  environment: Readonly<Record<string, string>>;
  taskSeconds?: number;
  /** What a task may write to stdout and stderr together; more ends it with 153. The pool alone keeps it. */
  outputMiB?: number;
  /** Failed tasks, or a share of all such as `5%`, after which GNU parallel alone ends. */
  haltAfter?: number | string;
  /** Where the programs of the runner itself are found; this process's own PATH, not the tasks'. */
  path: string;
  /** Milliseconds between TERM and KILL for a task that has reached its limit; five seconds when left out. */
  graceMs?: number;
  /** Devices of each node, shared out among its slots. */
  gpus?: number;
  /** The nodes that were lost in earlier attempts while a task was under way on them, for people. */
  losses?: ReadonlyMap<number, readonly string[]>;
  /** How many more times a task that failed is started. */
  taskRetries: number;
}

/** What is known of the end of a try beside its row. */
export interface TryEnd {
  /** The end of what it wrote to stderr. */
  stderr?: string;
  /** Processes that it started and that run on. */
  left?: number;
  /**
   * What its row does not say: it was killed while the node had no memory left; or its nodes were lost and it was not
   * started again: what stands for its stderr says so.
   */
  end?: 'memory' | 'lost';
}

/** What the fan-out tells and asks while it runs. */
export interface FanoutHooks {
  /** A task was started, as far as the scheme can know it. */
  onStart?(seq: number, node: number): void;
  /** The final row of a sequence number: exactly one for each that was not done before, unless it is lost. */
  onRow(row: JoblogRow, node: number, about?: TryEnd): void;
  /** A row that will be followed by another try. */
  onRetry?(row: JoblogRow, node: number, about?: TryEnd): void;
  /** What is under way on that node, which is lost, is given to others. */
  onNodeLost?(node: number): void;
  /** The node never was fit to take tasks, and is given none. @param why in the words of ssh or of its agent */
  onUnusable?(node: number, why: string): void;
  /** The node took tasks and takes no more: it cannot start a process, or has no room on its own disk. */
  onUnfit?(node: number, why: string): void;
  /**
   * The ssh channel to a node broke although nobody asked for it. Answers once nothing of the node's tasks runs any
   * more: `reconnect` when its sshd is up again, `evict` when the node is to be left alone.
   */
  onChannelLost(node: number, why: string): Promise<'reconnect' | 'evict'>;
  log(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface FanoutResult {
  succeeded: number;
  failed: number;
  /** Sequence numbers that have no final row: nobody was left to run them, or the fan-out was stopped. */
  unfinished: number;
  retried: number;
  /** Set when the scheme itself failed (GNU parallel could not start, its log could not be written): a sentence. */
  broken?: string;
  /** It failed because shared storage did: results, rows or the list of commands cannot be written or read. */
  storageFailed?: boolean;
  /** The folder that tasks start in was gone after that task; 0 where it is not known after which. */
  removedBy?: number;
  /** No node takes tasks any more, and why: none can start a process, or has room on its own disk. */
  stranded?: string;
}

export interface RunningFanout {
  /** Ends when every sequence number has a final row, when no node is left, or after {@link stop}. Never rejects. */
  readonly result: Promise<FanoutResult>;
  /** A node that came late or came back. */
  addNode(node: FanoutNode): void;
  /** The node is gone for good and nothing of it runs any more: its unfinished tasks go to others. */
  removeNode(node: number, why: string): void;
  /** Ends all tasks (TERM, then KILL after `graceMs`) and records what is done. */
  stop(why: string, graceMs: number): Promise<void>;
  /** Tasks started and not finished. */
  running(): number;
  /** Takes next so many of those that wait, spread evenly over the list. Answers which. */
  sample?(count: number): number[];
}

/** One of the two schemes. */
export type StartFanout = (request: FanoutRequest, hooks: FanoutHooks) => RunningFanout;
