import type { Bucket } from '../../aws/bucket.ts';
import { onlyOver } from '../../aws/bucket.ts';
import type { UntrustedText } from '../../aws/stored-object.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { MAX_PLAN_BYTES, parsePlan, planSha256 } from '../../experiment/plan/plan.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import { MAX_NODES_BYTES, parseNodes } from '../../experiment/records/nodes.ts';
import type { ObservedEvent } from '../../experiment/records/observed-event.ts';
import { MAX_EVENT_BYTES, parseObservedEvent } from '../../experiment/records/observed-event.ts';
import type { OutputIndex } from '../../experiment/records/outputs.ts';
import { MAX_OUTPUT_INDEX_BYTES, parseOutputIndex } from '../../experiment/records/outputs.ts';
import type { Owner } from '../../experiment/records/owner.ts';
import { MAX_OWNER_BYTES, parseOwner } from '../../experiment/records/owner.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import { MAX_PROGRESS_BYTES, parseProgress } from '../../experiment/records/progress.ts';
import type { Status } from '../../experiment/records/status.ts';
import { MAX_STATUS_BYTES, parseStatus } from '../../experiment/records/status.ts';
import type { Version } from '../../experiment/results/versions.ts';
import { MAX_VERSIONS_BYTES, parseVersions } from '../../experiment/results/versions.ts';
import { eventId, reduceStatus } from '../../experiment/status/reduce.ts';
import { ControlConflict } from '../../experiment/util/errors.ts';

const TRIES = 10;
/** Ten attempts of a run that changes its state all the time come to a few hundred. */
const MAX_EVENTS = 2000;
/** What tasks laid beside them is passed over, up to so many. */
const MAX_LISTED = 10 * MAX_EVENTS;
/**
 * How an event is called. A wildcard of the bucket's policy also stands for slashes: tasks may write `events/owner.json`,
 * but nothing of this name.
 */
const EVENT_NAME = /^[a-z-]{1,20}-[0-9a-f]{16}\.json$/;

/** What lies in one run's folder, where tasks write: each record is read up to its bound, and is undefined where it is none. */
export class RunRecords {
  readonly #bucket: Bucket;
  readonly #runId: string;
  readonly keys: ReturnType<typeof runKeys>;

  constructor(bucket: Bucket, runId: string) {
    this.#bucket = bucket;
    this.#runId = runId;
    this.keys = runKeys(runId);
  }

  /** What the run's job does; undefined as well where it is another plan than ingest wrote. @param sha256 as the run's claim has it */
  async plan(sha256: string | undefined): Promise<Plan | undefined> {
    const text = (await this.#read(this.keys.plan, MAX_PLAN_BYTES))?.text;
    const isOurs = sha256 === undefined || (text !== undefined && planSha256(text) === sha256);
    return isOurs ? parsePlan(text) : undefined;
  }

  /** The job that may run the experiment; none has taken it where there is no object. */
  async owner(): Promise<Owner | undefined> {
    return parseOwner((await this.#read(this.keys.owner, MAX_OWNER_BYTES))?.text);
  }

  /** Node 0's last words, and when they were written as S3 tells it. */
  async progress(): Promise<{ progress: Progress | undefined; heardAt: number | undefined }> {
    const found = await this.#read(this.keys.progress, MAX_PROGRESS_BYTES);
    return { progress: parseProgress(found?.text), heardAt: found?.modified };
  }

  /** Node 0's table of nodes; empty where there is none. */
  async nodes(): Promise<NodeRecord[]> {
    return parseNodes((await this.#read(this.keys.nodes, MAX_NODES_BYTES))?.text) ?? [];
  }

  /** What node 0 sent of the outputs; none where the manifest names none. */
  async outputs(): Promise<OutputIndex | undefined> {
    return parseOutputIndex((await this.#read(this.keys.outputIndex, MAX_OUTPUT_INDEX_BYTES))?.text);
  }

  /** What results were made by, oldest first. */
  async versions(): Promise<readonly Version[]> {
    return parseVersions((await this.#read(this.keys.versions, MAX_VERSIONS_BYTES))?.text) ?? [];
  }

  async status(): Promise<Status | undefined> {
    return parseStatus((await this.#read(this.keys.status, MAX_STATUS_BYTES))?.text);
  }

  /** Gives the run to this job, unless a record that can be read gives it to one already. */
  async giveTo(owner: Owner): Promise<void> {
    const standing = await this.#read(this.keys.owner, MAX_OWNER_BYTES);
    // A record that cannot be read keeps every node 0 out and names nobody: it is replaced.
    if (parseOwner(standing?.text) !== undefined) return;
    await this.#bucket.writeIf(this.keys.owner, JSON.stringify(owner), onlyOver(standing));
  }

  /**
   * Writes down what was observed and makes the status anew from everything that ever was. A status that holds all of it
   * already costs one read. The status is read before the events: whoever adds one meanwhile makes this write fail.
   * @returns the status as it stands
   * @throws ControlConflict when the status keeps changing
   */
  async observe(seen: readonly ObservedEvent[]): Promise<Status> {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      const stored = await this.#read(this.keys.status, MAX_STATUS_BYTES);
      const standing = parseStatus(stored?.text);
      const held = new Set(standing?.events);
      const ids = new Map(seen.map((event) => [eventId(event), event]));
      const fresh = [...ids].filter(([id]) => !held.has(id));
      if (fresh.length === 0 && standing !== undefined) return standing;
      for (const [id, event] of fresh)
        await this.#bucket.writeIf(this.keys.event(id), JSON.stringify(event), { ifAbsent: true });
      const status = reduceStatus(this.#runId, [...(await this.#events()), ...seen]);
      const text = JSON.stringify(status, undefined, 1);
      if (await this.#bucket.writeIf(this.keys.status, text, onlyOver(stored))) return status;
    }
    throw new ControlConflict(`the status of ${this.#runId} changed ${TRIES} times meanwhile`);
  }

  async #events(): Promise<ObservedEvent[]> {
    const events: ObservedEvent[] = [];
    let read = 0;
    let listed = 0;
    for await (const { key } of this.#bucket.list(this.keys.events)) {
      listed += 1;
      if (read >= MAX_EVENTS || listed > MAX_LISTED) break;
      if (!EVENT_NAME.test(key.slice(this.keys.events.length))) continue;
      read += 1;
      const event = parseObservedEvent((await this.#read(key, MAX_EVENT_BYTES))?.text);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #read(key: string, maxBytes?: number): Promise<UntrustedText | undefined> {
    return this.#bucket.readUntrusted(key, maxBytes === undefined ? {} : { maxBytes });
  }
}
