import type { Bucket } from '../../aws/bucket.ts';

/** Most bytes that one look asks for. */
const MOST = 256 * 1024;

/** The lines of an object that grows at its end: each look reads what came since the last one, by Range, and no more. */
export class GrowingObject {
  readonly #bucket: Bucket;
  readonly #key: string;
  #from = 0;
  /** In the midst of a line that is longer than a look. */
  #isSkipping = false;

  constructor(bucket: Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  /** @returns whole lines; `isBehind`: there may be more. Undefined where another object is there than before, a shorter one */
  async lines(most = MOST): Promise<{ lines: string[]; isBehind: boolean } | undefined> {
    const bytes = await this.#bucket.readFrom(this.#key, this.#from, most);
    if (bytes === undefined) return this.#from === 0 ? { lines: [], isBehind: false } : undefined;
    const isBehind = bytes.length >= most;
    const end = bytes.lastIndexOf(0x0a);
    if (end === -1) {
      // Cut off in the midst: it is read again once it is whole, or passed over where it never fits.
      this.#isSkipping = isBehind;
      if (isBehind) this.#from += bytes.length;
      return { lines: [], isBehind };
    }
    this.#from += end + 1;
    const lines = bytes.toString('utf8', 0, end).split('\n');
    if (this.#isSkipping) lines.shift();
    this.#isSkipping = false;
    return { lines, isBehind };
  }
}
