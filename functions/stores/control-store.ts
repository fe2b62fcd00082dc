import type { Bucket } from '../../aws/bucket.ts';
import { OPEN_PREFIX, runKeys } from '../../experiment/layout/bucket-keys.ts';
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

/** `control/<run-id>.json` of one run, changed only by compare and swap. */
export class ControlStore {
  readonly #bucket: Bucket;
  readonly #nonce: MakeNonce;
  readonly #key: string;
  readonly #mark: string;

  constructor(bucket: Bucket, nonce: MakeNonce, runId: string) {
    this.#bucket = bucket;
    this.#nonce = nonce;
    this.#key = runKeys(runId).control;
    this.#mark = `${OPEN_PREFIX}${runId}`;
  }

  /** @returns undefined where there is no such run @throws UnknownRecord */
  async read(): Promise<StoredControl | undefined> {
    const found = await this.#bucket.read(this.#key);
    return found && { control: parseControl(found.text), etag: found.etag };
  }

  /**
   * Takes the run for this source, unless it is taken. The mark that it is open comes first: a run that is claimed and
   * marked nowhere would be forgotten by a crash in between.
   * @returns the record that stands, of whoever claimed it
   */
  async claim(control: Control): Promise<Control> {
    await this.#bucket.write(this.#mark, '', 'text/plain');
    if (await this.#bucket.writeIf(this.#key, renderControl(control), { ifAbsent: true })) return control;
    const standing = await this.read();
    if (standing === undefined)
      throw new ControlConflict(`${this.#key} was there and is not: another copy is at work`);
    return standing.control;
  }

  /**
   * Changes the record by a pure function of what it is now; when another copy was faster, of what it has become.
   * The function answers undefined when there is nothing (more) to change.
   * @returns the record as it stands, or undefined where there is none
   * @throws ControlConflict when the record keeps changing
   */
  async change(decide: (control: Control) => Control | undefined): Promise<Control | undefined> {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      const stored = await this.read();
      if (stored === undefined) return undefined;
      const wanted = decide(stored.control);
      if (wanted === undefined) return stored.control;
      const written: Control = { ...wanted, nonce: this.#nonce() };
      if (await this.#bucket.writeIf(this.#key, renderControl(written), { ifMatch: stored.etag }))
        return written;
    }
    throw new ControlConflict(`${this.#key} changed ${TRIES} times meanwhile`);
  }

  async forgetOpen(): Promise<void> {
    await this.#bucket.delete(this.#mark);
  }
}

/** Runs that are not closed, and perhaps some that were closed by a function killed just after. */
export async function openRuns(bucket: Bucket): Promise<{ runId: string; markedAt: number }[]> {
  const runs: { runId: string; markedAt: number }[] = [];
  for await (const { key, modified } of bucket.list(OPEN_PREFIX))
    runs.push({ runId: key.slice(OPEN_PREFIX.length), markedAt: modified });
  return runs;
}
