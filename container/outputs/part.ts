import { buffer } from 'node:stream/consumers';
import { TarGzip } from './tar-gzip.ts';

/** An archive in memory, which many add to at once. */
export class Part {
  readonly #tar = new TarGzip();
  readonly #packed = buffer(this.#tar.stream);
  #adding: Promise<void> = Promise.resolve();
  /** Before packing. */
  bytes = 0;

  async add(file: { path: string; mode: number; mtime: Date }, body: Uint8Array): Promise<void> {
    this.bytes += body.length + 512;
    this.#adding = this.#adding.then(() => this.#tar.add({ ...file, size: body.length }, [body]));
    await this.#adding;
  }

  /** The archive. Nothing may be added any more. */
  async end(): Promise<Buffer> {
    await this.#adding;
    this.#tar.end();
    return this.#packed;
  }
}
