import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { Header, Pax } from 'tar';

const BLOCK = 512;
const AT_ONCE_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(BLOCK);

/**
 * An archive that is written as it comes, many small files in one object. `tar` itself takes files of a disk only, which
 * may change while they are packed; these are bytes that are known.
 */
export class TarGzip {
  /** The archive: to be read from the beginning on. */
  readonly stream = createGzip();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  /** @param body exactly `size` bytes. One after another. */
  async add(
    file: { path: string; size: number; mode?: number; mtime?: Date },
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const header = new Header({ mode: 0o644, mtime: new Date(0), ...file, type: 'File' });
    // Of Node's pool of small buffers, not memory of its own for each of a million files.
    const block = Buffer.allocUnsafe(BLOCK).fill(0);
    const isPlain = !header.encode(block);
    if (!isPlain) await this.#write(new Pax({ path: file.path, size: file.size }).encode());
    await this.#write(block);
    for await (const chunk of body) await this.#write(chunk);
    await this.#write(ZEROS.subarray(0, (BLOCK - (file.size % BLOCK)) % BLOCK));
  }

  /** Nothing may be added any more. */
  end(): void {
    this.stream.end(Buffer.concat([...this.#waiting.splice(0), Buffer.alloc(2 * BLOCK)]));
  }

  /** Many at once: each call of the packer costs more than a small file. */
  async #write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes < AT_ONCE_BYTES) return;
    this.#waitingBytes = 0;
    if (!this.stream.write(Buffer.concat(this.#waiting.splice(0)))) await once(this.stream, 'drain');
  }
}
