import type { Bucket } from '../../aws/bucket.ts';
import { CONTROL_PREFIX, runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Control } from '../../experiment/records/control.ts';
import { parseControl, renderControl } from '../../experiment/records/control.ts';
import type { MakeNonce } from '../../experiment/util/clock.ts';
import { ControlConflict } from '../../experiment/util/errors.ts';

export interface StoredControl {
  control: Control;
  etag: string;
}

/** A record that another copy keeps changing is left to it: that copy does the same work. */
const TRIES = 10;
/** Empty objects that say which runs are not closed, so that nobody lists a year's runs every minute. */
const OPEN_PREFIX = `${CONTROL_PREFIX}open/`;

/** `control/<run-id>.json`, changed only by compare and swap. */
export class ControlStore {
  readonly #bucket: Bucket;
  readonly #nonce: MakeNonce;

  constructor(bucket: Bucket, nonce: MakeNonce) {
    this.#bucket = bucket;
    this.#nonce = nonce;
  }

  /** @returns undefined where there is no such run @throws UnknownRecord */
  async read(runId: string): Promise<StoredControl | undefined> {
    const found = await this.#bucket.read(runKeys(runId).control);
    return found && { control: parseControl(found.text), etag: found.etag };
  }

  /**
   * Takes the run for this source, unless it is taken. The mark that it is open comes first: a run that is claimed and
   * marked nowhere would be forgotten by a crash in between.
   * @returns the record that stands, of whoever claimed it
   */
  async claim(control: Control): Promise<Control> {
    await this.#bucket.write(`${OPEN_PREFIX}${control.runId}`, '', 'text/plain');
    const { control: key } = runKeys(control.runId);
    if (await this.#bucket.writeIf(key, renderControl(control), { ifAbsent: true })) return control;
    const standing = await this.read(control.runId);
    if (standing === undefined)
      throw new ControlConflict(`${key} was there and is not: another copy is at work`);
    return standing.control;
  }

  /**
   * Changes the record by a pure function of what it is now; when another copy was faster, of what it has become.
   * The function answers undefined when there is nothing (more) to change.
   * @returns the record as it stands, or undefined where there is none
   * @throws ControlConflict when the record keeps changing
   */
  async change(
    runId: string,
    decide: (control: Control) => Control | undefined,
  ): Promise<Control | undefined> {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      const stored = await this.read(runId);
      if (stored === undefined) return undefined;
      const wanted = decide(stored.control);
      if (wanted === undefined) return stored.control;
      const written: Control = { ...wanted, nonce: this.#nonce() };
      const { control: key } = runKeys(runId);
      if (await this.#bucket.writeIf(key, renderControl(written), { ifMatch: stored.etag })) return written;
    }
    throw new ControlConflict(`the control record of ${runId} changed ${TRIES} times meanwhile`);
  }

  /** Runs that are not closed, and perhaps some that were closed by a function killed just after. */
  async openRuns(): Promise<{ runId: string; markedAt: number }[]> {
    const runs: { runId: string; markedAt: number }[] = [];
    for await (const { key, modified } of this.#bucket.list(OPEN_PREFIX))
      runs.push({ runId: key.slice(OPEN_PREFIX.length), markedAt: modified });
    return runs;
  }

  async forgetOpen(runId: string): Promise<void> {
    await this.#bucket.delete(`${OPEN_PREFIX}${runId}`);
  }
}
