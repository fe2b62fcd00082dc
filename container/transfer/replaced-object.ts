import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Port } from '../../aws/ports.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { within } from '../../experiment/util/timers.ts';
import { isConflict, isMissing, isPreconditionFailed } from './objects.ts';

/** What a request gets even when time is up. */
const LEAST_MS = 1000;

/**
 * An object that one writer replaces again and again, in order: each write holds only for the state that it was made for.
 * A write that was given up because S3 was silent may arrive minutes later, and must not take the place of a newer one.
 */
export class ReplacedObject {
  readonly #s3: S3Port;
  readonly #object: { Bucket: string; Key: string };
  readonly #contentType: string;
  readonly #clock: Clock;
  /** undefined where it is not known what lies there. */
  #condition: { IfMatch: string } | { IfNoneMatch: '*' } | undefined;

  constructor(s3: S3Port, object: { bucket: string; key: string; contentType: string }, clock: Clock) {
    this.#s3 = s3;
    this.#object = { Bucket: object.bucket, Key: object.key };
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
    const put = this.#s3.send(
      new PutObjectCommand({
        ...this.#object,
        ...condition,
        Body: body,
        ContentType: this.#contentType,
      }),
    );
    const { ETag } = await this.#inTime(put, until);
    if (ETag !== undefined) this.#condition = { IfMatch: ETag };
  }

  async #look(): Promise<{ IfMatch: string } | { IfNoneMatch: '*' }> {
    try {
      const { ETag } = await this.#s3.send(new HeadObjectCommand(this.#object));
      return ETag === undefined ? { IfNoneMatch: '*' } : { IfMatch: ETag };
    } catch (error) {
      if (isMissing(error)) return { IfNoneMatch: '*' };
      throw error;
    }
  }

  async #inTime<Answer>(asked: Promise<Answer>, until: number): Promise<Answer> {
    const leftMs = Math.max(LEAST_MS, until - this.#clock.now());
    return within(this.#clock, leftMs, asked, () => {
      throw new Error(`${this.#object.Key}: no answer from S3 for ${leftMs / 1000} s`);
    });
  }
}
