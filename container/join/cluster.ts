import { dirname } from 'node:path';
import type { CheckFault } from '../../experiment/records/progress.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import { every } from '../../experiment/util/timers.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { isInUse } from '../attempt/folder-lock.ts';
import type { FanoutNode } from '../fan-out/fan-out.ts';
import { OpenedChannels } from '../fan-out/pool/early-channels.ts';
import { LogTail } from '../process/log.ts';
import type { NodeUsage } from '../process/usage.ts';
import { UsageMeter } from '../process/usage.ts';
import type { KnownHost, SshClient } from '../ssh/client-config.ts';
import { writeKnownHosts, writeSshConfig } from '../ssh/client-config.ts';
import { SshMasters } from '../ssh/control-masters.ts';
import { writeDurably } from '../storage/durable-file.ts';
import { taskEnvironment } from '../tasks/variables.ts';
import type { AttemptKeys } from './attempt-keys.ts';
import { makeAttemptKeys, removeJoinSecrets } from './attempt-keys.ts';
import { LEASE } from './lease.ts';
import type { JoinFacts } from './messages.ts';
import { Quorum } from './quorum.ts';
import type { JoinListener, JoinServer } from './server.ts';
import { startJoinServer } from './server.ts';

/** Who hears of nodes once tasks run. */
export interface ClusterListener {
  came(node: FanoutNode): void;
  lost(index: number, why: string): void;
}

/** A node that proved itself, or node 0. */
interface Arrival {
  index: number;
  facts: Pick<JoinFacts, 'address' | 'hostKey' | 'cpus' | 'startedAt' | 'versions'>;
  clockAheadMs: number;
}

/** Less than that is not told from the time that a join takes; chrony keeps instances within milliseconds. */
const CLOCK_DIFFERS_MS = 10_000;

/** With the stock fan-out each has an ssh connection opened first, which takes 20 s to a node that does not answer. */
const ENTERED_AT_ONCE = 64;

/** How long slow storage may take to remove what an attempt proved itself with. */
const KEYS_REMOVED_MS = 60_000;

/** All nodes of an attempt as node 0 sees them: keys, sshd, the join, ssh to everyone. */
export class Cluster implements JoinListener {
  readonly sshConfig: string;
  /** A folder of this attempt on shared storage, 0700. */
  readonly scratch: string;
  /** For a list of commands in the pool: what its tasks start with is known before the nodes are. */
  readonly opened: OpenedChannels | undefined;
  readonly logs = new Map<number, LogTail>();
  readonly #attempt: Attempt;
  readonly #ssh: SshClient;
  readonly #quorum: Quorum;
  readonly #hosts: KnownHost[] = [];
  readonly #masters: SshMasters | undefined;
  readonly #unusable: CheckFault[] = [];
  #server: JoinServer | undefined;
  #listener: ClusterListener | undefined;
  /** Who came and waits to be known to ssh: many come at once, and the file is written once for all of them. */
  #arrivals: Arrival[] = [];
  /** The last of each node, which may be lost and come again. */
  readonly #latest = new Map<number, Arrival>();
  #known: Promise<void> = Promise.resolve();

  /** Opens everything on node 0, which joins itself. @throws KeysFailed, SshdFailed, the system's errors */
  static async open(attempt: Attempt): Promise<Cluster> {
    const { config, context, plan, node } = attempt;
    const keys = await makeAttemptKeys(config, plan.folder, context.makeNonce(), node.folder);
    // Nothing secret may stay on shared storage. It may be slow; told to end, there is no time to be patient.
    node.closers.add(
      'keys on shared storage',
      () => removeJoinSecrets(dirname(keys.path), isInUse(attempt.ending.reason) ? config.jobId : undefined),
      () => (attempt.termination.signal.aborted ? undefined : KEYS_REMOVED_MS),
    );
    const ssh: SshClient = {
      folder: node.folder,
      user: context.user.name ?? '',
      port: config.sshPort,
      clientKeyFile: keys.clientKeyFile,
      ownAddress: node.address,
    };
    const [sshConfig] = await Promise.all([
      writeSshConfig(ssh),
      node.openSshd(keys.clientKey, node.address, plan.fanout),
    ]);
    const cluster = new Cluster(attempt, keys, ssh, sshConfig);
    await cluster.#joinItself();
    await cluster.#listen(keys);
    cluster.#lookAtItself();
    return cluster;
  }

  private constructor(attempt: Attempt, keys: AttemptKeys, ssh: SshClient, sshConfig: string) {
    const { plan, context, log, node } = attempt;
    this.#attempt = attempt;
    this.#ssh = ssh;
    this.sshConfig = sshConfig;
    this.scratch = keys.path;
    this.#quorum = new Quorum(attempt);
    if (plan.fanout === 'pool' && plan.work.kind === 'commands') {
      const environment = taskEnvironment(plan, attempt.config.variables);
      const opened = new OpenedChannels({ sshConfig, scratch: this.scratch, environment });
      this.opened = opened;
      node.closers.add('connections of the pool', () => opened.close());
    }
    if (plan.fanout === 'stock') {
      const masters = new SshMasters(sshConfig, context.clock, log);
      this.#masters = masters;
      node.closers.add('ssh connections', () => masters.closeAll());
    }
  }

  /** Resolves when everybody is here, or enough at the deadline; or when the attempt ends for another reason. */
  gathered(): Promise<void> {
    return this.#quorum.done();
  }

  /** From now on losses and late arrivals are told. */
  listen(listener: ClusterListener): void {
    this.#listener = listener;
  }

  /** Ends what is left of a node's tasks and brings its sshd up again; or gives the node up for good. */
  async recover(index: number, why: string): Promise<'reconnect' | 'evict'> {
    const { config, node, log } = this.#attempt;
    log('Node:ChannelLost', { index, why });
    const restarted = await (index === config.mainIndex
      ? node.restartSshd()
      : this.#server?.restartSshd(index));
    if (restarted === true) return 'reconnect';
    if (index === config.mainIndex) this.lost(index, `its own sshd does not come up again: ${why}`);
    else await this.#server?.expel(index, `no ssh to it any more: ${why}`);
    return 'evict';
  }

  /** A node that is here and was never fit to take tasks counts as not come; no other attempt would do better. */
  unusable(index: number, what: string): void {
    const { roster, log, plan, ending } = this.#attempt;
    log('Node:Unusable', { index, what });
    roster.unusable(index, what);
    const todo = 'correct the image or the machine: the node itself said so, and would say so again';
    this.#unusable.push({ node: index, check: 'node-unusable', what, todo });
    if (roster.live().length < plan.minNodes)
      ending.because({ kind: 'bad-environment', faults: this.#unusable });
  }

  async release(graceMs: number): Promise<void> {
    // First the shared connections, which would complain of a daemon that goes away under them.
    await this.#masters?.closeAll();
    await this.#server?.release(graceMs);
    const { roster, context } = this.#attempt;
    roster.released(context.clock.now());
  }

  joined(index: number, facts: JoinFacts, clockAheadMs: number): void {
    const arrival = { index, facts, clockAheadMs };
    this.#arrivals.push(arrival);
    this.#latest.set(index, arrival);
    this.#known = this.#known.then(() => this.#enterAll());
  }

  faulty(_index: number, faults: readonly CheckFault[]): void {
    for (const fault of faults) this.#attempt.log('Check:Failed', { ...fault });
    this.#quorum.faulty(faults);
  }

  unreadable(index: number, what: string): void {
    this.#quorum.unreadable(index, what);
  }

  lost(index: number, why: string): void {
    const { roster, log, plan, ending, context } = this.#attempt;
    log('Node:Lost', { index, why });
    const address = roster.records()[index]?.address;
    roster.lost(index, why, context.clock.now());
    if (address !== undefined) void this.#masters?.close(address);
    const lost = roster.withState('lost');
    const left = plan.cluster.nodes - lost.length;
    if (left < plan.minNodes || (this.#quorum.isDone && roster.live().length < plan.minNodes))
      ending.because({ kind: 'too-many-lost', left: roster.live().length, needed: plan.minNodes, lost });
    this.#listener?.lost(index, why);
    this.#quorum.look();
  }

  said(index: number, line: string): void {
    const tail = this.logs.get(index) ?? new LogTail();
    this.logs.set(index, tail);
    tail.add(line.endsWith('\n') ? line : `${line}\n`);
  }

  used(index: number, usage: NodeUsage): void {
    const { roster, context } = this.#attempt;
    roster.used(index, usage, context.clock.now());
  }

  async #joinItself(): Promise<void> {
    const { config, node, startedAt } = this.#attempt;
    const { versions, cpus } = node.checks;
    const own = {
      index: config.mainIndex,
      facts: { ...node, versions, cpus, startedAt },
      clockAheadMs: 0,
    };
    this.#latest.set(own.index, own);
    await this.#makeKnown([own]);
    await this.#enter(own);
  }

  /** As workers do with each pulse. */
  #lookAtItself(): void {
    const { config, context, plan, node } = this.#attempt;
    const meter = new UsageMeter(config, plan.cluster, context.clock);
    const look = () => this.used(config.mainIndex, meter.read());
    look();
    const stop = every(context.clock, LEASE.pulseMs, look);
    node.closers.add('looks at its load', async () => stop());
  }

  async #listen(keys: AttemptKeys): Promise<void> {
    const { config, context, log, node } = this.#attempt;
    const server = await startJoinServer({
      identity: { run: config.runId, job: config.jobId, attempt: config.attempt },
      nodes: config.nodes,
      mainIndex: config.mainIndex,
      folder: keys.folder,
      secret: keys.secret,
      address: node.address,
      port: config.joinPort,
      clientKey: keys.clientKey,
      clock: context.clock,
      makeNonce: context.makeNonce,
      log,
      listener: this,
    });
    this.#server = server;
    node.closers.add('join port', () => server.close());
    this.#quorum.look();
  }

  /** Over when ssh knows those who have arrived: those who arrive next do not wait until these have a connection. */
  async #enterAll(): Promise<void> {
    const arrivals = this.#arrivals;
    if (arrivals.length === 0) return;
    this.#arrivals = [];
    const known = this.#makeKnown(arrivals);
    void forEachBounded(arrivals, ENTERED_AT_ONCE, async (arrival) => {
      try {
        await known;
        await this.#enter(arrival);
      } catch (error) {
        this.#attempt.log('Node:NotEntered', { index: arrival.index, why: String(error) });
      }
    });
    await known.catch(() => undefined); // told above
  }

  async #makeKnown(arrivals: readonly Arrival[]): Promise<void> {
    this.#hosts.push(...arrivals.map(({ facts: { address, hostKey } }) => ({ address, hostKey })));
    await writeKnownHosts(this.#ssh, this.#hosts);
  }

  /** Makes a node usable whose host key is known: its connection open, its line in the nodefile. */
  async #enter(arrival: Arrival): Promise<void> {
    const { roster, context, log, plan } = this.#attempt;
    const { index, facts, clockAheadMs } = arrival;
    const { address, cpus, versions } = facts;
    await this.opened?.open({ index, address, slots: plan.slots });
    if ((await this.#masters?.open(address)) === false) log('SshMaster:NotOpen', { index, address });
    if (this.#latest.get(index) !== arrival) return; // it was lost and has come again, which is entered by itself
    if (roster.records()[index]?.state === 'lost') {
      await this.#masters?.close(address); // it went while all that was made ready for it
      return;
    }
    const now = context.clock.now();
    const late = this.#quorum.isDone;
    const clock = this.#judgeClock(index, clockAheadMs);
    const startedAt = facts.startedAt - clockAheadMs;
    roster.joined(index, { address, cpus, versions, startedAt, ...clock }, now, late);
    log('Node:Joined', { index, address, late });
    const entered = roster.live().find((one) => one.index === index);
    if (late && entered !== undefined) this.#listener?.came(entered);
    this.#quorum.look();
  }

  /** A clock that is wrong ends nothing: durations are right, and when its tasks began is told in node 0's time. */
  #judgeClock(index: number, aheadMs: number): { clockAheadSeconds?: number } {
    if (Math.abs(aheadMs) < CLOCK_DIFFERS_MS) return {};
    const clockAheadSeconds = Math.round(aheadMs) / 1000;
    this.#attempt.log('Node:ClockDiffers', {
      index,
      clockAheadSeconds,
      todo: 'let the instances keep time with chrony (Amazon Time Sync)',
    });
    return { clockAheadSeconds };
  }

  /** Written by whoever renders the nodefile, once everybody is here. */
  async writeNodefile(text: string): Promise<void> {
    await writeDurably(this.#attempt.folders.nodefile, text, 0o644);
  }
}
