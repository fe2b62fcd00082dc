import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { Header, Pax } from 'tar';

const BLOCK = 512;

/**
 * An archive that many small files go into, in memory: one PUT in place of thousands. `tar` itself takes files of a disk
 * only, which may change while they are packed; these are bytes that were hashed.
 */
export class Part {
  readonly #gzip = createGzip();
  readonly #packed = buffer(this.#gzip);
  /** Before packing. */
  bytes = 0;

  async add(file: { path: string; mode: number; mtime: Date }, body: Uint8Array): Promise<void> {
    const about = { ...file, size: body.length, type: 'File' as const };
    const header = new Header(about);
    const isPlain = !header.encode();
    const blocks = [
      ...(isPlain ? [] : [new Pax({ path: file.path, size: body.length }).encode()]),
      header.block ?? Buffer.alloc(0),
      body,
      Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK),
    ];
    const whole = Buffer.concat(blocks);
    this.bytes += whole.length;
    if (!this.#gzip.write(whole)) await once(this.#gzip, 'drain');
  }

  /** The archive. Nothing may be added any more. */
  async end(): Promise<Buffer> {
    this.#gzip.end(Buffer.alloc(2 * BLOCK));
    return this.#packed;
  }
}
