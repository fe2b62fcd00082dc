import { Bucket } from '../../aws/bucket.ts';
import { isConflict, isPreconditionFailed } from '../../aws/errors.ts';
import type { S3Port } from '../../aws/ports.ts';
import type { WriteCondition } from '../../aws/stored-object.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { within } from '../../experiment/util/timers.ts';

/** What a request gets even when time is up. */
const LEAST_MS = 1000;

/**
 * An object that one writer replaces again and again, in order: each write holds only for the state that it was made for.
 * A write that was given up because S3 was silent may arrive minutes later, and must not take the place of a newer one.
 */
export class ReplacedObject {
  readonly #bucket: Bucket;
  readonly #key: string;
  readonly #contentType: string;
  readonly #clock: Clock;
  /** undefined where it is not known what lies there. */
  #condition: WriteCondition | undefined;

  constructor(s3: S3Port, object: { bucket: string; key: string; contentType: string }, clock: Clock) {
    this.#bucket = new Bucket(s3, object.bucket, clock);
    this.#key = object.key;
    this.#contentType = object.contentType;
    this.#clock = clock;
  }

  /**
   * @param until when it is given up, in milliseconds since the epoch
   * @throws the SDK's error, or one that says that S3 was silent
   */
  async put(body: string | Uint8Array, until: number): Promise<void> {
    try {
      await this.#write(body, until);
    } catch (error) {
      if (!isPreconditionFailed(error) && !isConflict(error)) throw error;
      // Our own write before this one arrived after all, or this one did and its answer was lost.
      await this.#write(body, until);
    }
  }

  async #write(body: string | Uint8Array, until: number): Promise<void> {
    const condition = this.#condition ?? (await this.#inTime(this.#look(), until));
    this.#condition = undefined;
    const put = this.#bucket.write(this.#key, body, this.#contentType, condition);
    const { etag } = await this.#inTime(put, until);
    if (etag !== undefined) this.#condition = { ifMatch: etag };
  }

  async #look(): Promise<WriteCondition> {
    const found = await this.#bucket.head(this.#key);
    return found === undefined ? { ifAbsent: true } : { ifMatch: found.etag };
  }

  async #inTime<Answer>(asked: Promise<Answer>, until: number): Promise<Answer> {
    const leftMs = Math.max(LEAST_MS, until - this.#clock.now());
    return within(this.#clock, leftMs, asked, () => {
      throw new Error(`${this.#key}: no answer from S3 for ${leftMs / 1000} s`);
    });
  }
}
