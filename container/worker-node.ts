import type { Plan } from '../experiment/plan/plan.ts';
import type { ExitCode } from '../experiment/records/exit-code.ts';
import { EXIT } from '../experiment/records/exit-code.ts';
import { every } from '../experiment/util/timers.ts';
import type { JoinClientOptions, JoinSession } from './join/client.ts';
import { joinMain } from './join/client.ts';
import { HeldLease, LEASE } from './join/lease.ts';
import type { JoinFacts, MainMessage, WorkerMessage } from './join/messages.ts';
import type { NodeStart } from './node/node.ts';
import { ThisNode } from './node/node.ts';
import { EarlySender } from './outputs/early-sender.ts';
import { UsageMeter } from './process/usage.ts';
import { loadPlan } from './run/load-plan.ts';
import { runFolders } from './storage/run-folders.ts';

/** A worker: checks itself, joins node 0, keeps its sshd up, and ends when it is released or its lease is over. */
export async function runWorkerNode(start: NodeStart): Promise<ExitCode> {
  const { config, context, nodeLog, termination } = start;
  const node = await ThisNode.open(start);
  try {
    const loading = loadPlan(context.s3, config, context.clock, termination.signal);
    const [loaded] = await Promise.all([loading, node.lookAround()]);
    if (termination.signal.aborted) return EXIT.terminated;
    if (!loaded.ok) {
      nodeLog.log('Plan:Bad', { what: loaded.what });
      return EXIT.badEnvironment;
    }
    return await new Worker(node, loaded.plan).work();
  } finally {
    await node.closers.closeAll();
  }
}

const LOOK_MS = 500;
/** What has arrived is noted by then; node 0 waits for a released node four seconds. */
const EARLY_STOP_MS = 1000;
/** An sshd is started anew once; one that dies again so soon will not do better: its node is given up. */
const RESTART_AGAIN_MS = 10 * 60_000;

class Worker {
  readonly #node: ThisNode;
  readonly #plan: Plan;
  readonly #instance: string;
  readonly #early: EarlySender;
  readonly #meter: UsageMeter;
  readonly #ended = Promise.withResolvers<ExitCode>();
  #lease: HeldLease | undefined;
  #session: JoinSession | undefined;
  /** What came of its sshd: said again on each new connection, since it may have been lost with the last one. */
  #aboutSshd: WorkerMessage | undefined;
  #frozen = false;
  #over = false;
  #restartedAt = Number.NEGATIVE_INFINITY;

  constructor(node: ThisNode, plan: Plan) {
    const { context, config, nodeLog } = node.start;
    this.#node = node;
    this.#plan = plan;
    this.#meter = new UsageMeter(config, plan.cluster, context.clock);
    this.#early = new EarlySender({
      context,
      config,
      plan,
      folders: runFolders(config.shared, plan),
      log: nodeLog.log,
      mayGoOn: () => !this.#frozen && !this.#over,
    });
    this.#instance = node.start.context.makeNonce();
  }

  async work(): Promise<ExitCode> {
    const { context, termination, nodeLog } = this.#node.start;
    const { clock } = context;
    termination.signal.addEventListener('abort', () => this.#end(EXIT.terminated));
    const joined = await joinMain(
      this.#joinOptions(),
      clock.now() + this.#plan.timeouts.joinSeconds * 1000,
      termination.signal,
    );
    if (termination.signal.aborted) return EXIT.terminated;
    if (joined.kind !== 'in') {
      nodeLog.log('Join:Failed', { kind: joined.kind, why: joined.why });
      return joined.kind === 'refused' ? EXIT.badEnvironment : EXIT.tooFewJoined;
    }
    const { session } = joined;
    this.#lease = new HeldLease(session.welcome.lease, session.joinSentAt);
    this.#attach(session);
    nodeLog.onLine((line) => this.#session?.connection.send({ t: 'log', line: line.slice(0, 4000) }));
    const stopPulses = every(clock, LEASE.pulseMs, () => this.#pulse());
    const stopLooking = every(clock, LOOK_MS, () => this.#look());
    this.#pulse();
    if (this.#node.checks.faults.length === 0) await this.#openSshd(session);
    this.#early.start();
    const code = await this.#ended.promise;
    stopLooking();
    await this.#early.stop(EARLY_STOP_MS);
    const left = await this.#node.tasks.end(termination.graceMs(this.#plan.timeouts.graceSeconds));
    stopPulses();
    nodeLog.log('Node:Ends', { code, left });
    if (left === 0) this.#session?.connection.finish({ t: 'bye', why: `ended with ${code}` }, 'ended');
    await clock.sleep(50);
    return code;
  }

  #joinOptions(): JoinClientOptions {
    const { config, context, nodeLog } = this.#node.start;
    return {
      config,
      mainAddress: config.mainAddress ?? '',
      ownAddress: this.#node.address,
      facts: () => this.#facts(),
      clock: context.clock,
      makeNonce: context.makeNonce,
      log: nodeLog.log,
    };
  }

  #facts(): JoinFacts {
    const { start, address, hostKey, checks } = this.#node;
    return {
      instance: this.#instance,
      ...(this.#lease === undefined ? {} : { lease: this.#lease.id }),
      address,
      sshPort: start.config.sshPort,
      hostKey,
      cpus: checks.cpus,
      startedAt: start.startedAt,
      now: start.context.clock.now(),
      versions: checks.versions,
      faults: checks.faults,
    };
  }

  async #openSshd(session: JoinSession): Promise<void> {
    const { config } = this.#node.start;
    try {
      await this.#node.openSshd(session.welcome.clientKey, session.welcome.mainAddress, this.#plan.fanout);
      this.#aboutSshd = { t: 'ready' };
    } catch (error) {
      const what = String(error).slice(0, 2000);
      const todo = `free port ${config.sshPort}, or set SIERRA_BATCH_SSH_PORT to one that this user may open`;
      this.#aboutSshd = {
        t: 'fault',
        faults: [{ node: config.index, check: 'sshd-failed', what, todo }],
      };
    }
    this.#session?.connection.send(this.#aboutSshd);
  }

  /** Takes a connection into use; when it breaks, another is tried as long as the lease has not run out. */
  #attach(session: JoinSession): void {
    this.#session = session;
    if (this.#aboutSshd !== undefined) session.connection.send(this.#aboutSshd);
    session.listen((message) => this.#hear(message));
    void session.connection.closed.then((why) => (this.#over ? undefined : this.#comeBack(why)));
  }

  async #comeBack(why: string): Promise<void> {
    const { context, nodeLog, termination } = this.#node.start;
    nodeLog.log('Join:Broken', { why });
    const { clock } = context;
    const again = await joinMain(this.#joinOptions(), clock.now() + LEASE.endMs, termination.signal);
    if (this.#over) return;
    if (again.kind === 'in') this.#attach(again.session);
    else if (again.kind === 'refused') this.#giveUp(again.why);
  }

  #hear(message: MainMessage): void {
    if (message.t === 'beat') this.#lease?.renew(message.lease, message.echo);
    else if (message.t === 'release') this.#end(EXIT.succeeded);
    else if (message.t === 'refused') this.#giveUp(message.why);
    else if (message.t === 'restart') void this.#restart(message.id);
    this.#look();
  }

  async #restart(id: number): Promise<void> {
    const now = this.#node.start.context.clock.now();
    const isAgain = now - this.#restartedAt < RESTART_AGAIN_MS;
    this.#restartedAt = now;
    const ok = !isAgain && (await this.#node.restartSshd());
    this.#session?.connection.send({ t: 'restarted', id, ok });
  }

  #pulse(): void {
    this.#session?.connection.send({
      t: 'pulse',
      at: this.#node.start.context.clock.now(),
      ...this.#meter.read(),
    });
  }

  /** Acts on the lease. While it is in doubt, tasks that start meanwhile are stopped as well. */
  #look(): void {
    const { context, nodeLog } = this.#node.start;
    if (this.#over || this.#lease === undefined) return;
    const verdict = this.#lease.judge(context.clock.now());
    if (verdict === 'end') {
      this.#giveUp(`node 0 was silent for ${LEASE.endMs / 1000} s`);
    } else if (verdict === 'freeze') {
      const stopped = this.#node.tasks.signalTasks('SIGSTOP');
      if (!this.#frozen) nodeLog.log('Lease:InDoubt', { stopped });
      this.#frozen = true;
    } else if (this.#frozen) {
      this.#frozen = false;
      nodeLog.log('Lease:Renewed', { continued: this.#node.tasks.signalTasks('SIGCONT') });
    }
  }

  #giveUp(why: string): void {
    this.#node.start.nodeLog.log('Node:GivesUp', { why });
    // Others may run its tasks by now.
    this.#node.tasks.kill();
    this.#end(EXIT.tooManyLost);
  }

  #end(code: ExitCode): void {
    this.#over = true;
    this.#ended.resolve(code);
  }
}
