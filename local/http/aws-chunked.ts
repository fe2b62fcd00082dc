import type { Readable } from 'node:stream';

/** A body that is not what `Content-Encoding: aws-chunked` promises. */
class BadChunkedBody extends Error {
  override readonly name = 'BadChunkedBody';
}

/**
 * Takes `aws-chunked` apart, which the SDK uses for streams: `<hex size>[;extension]\r\n<bytes>\r\n` … `0\r\n` and
 * trailers (a checksum, not verified on loopback). Yields the bytes; memory stays at one chunk of the socket.
 * @throws BadChunkedBody
 */
export async function* decodeAwsChunked(source: Readable): AsyncGenerator<Buffer> {
  const decoder = new ChunkDecoder();
  for await (const data of source) yield* decoder.push(data);
  if (decoder.state !== 'trailers') throw new BadChunkedBody('the body ended before its last chunk');
}

class ChunkDecoder {
  state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  #rest: Buffer = Buffer.alloc(0);
  #left = 0;

  *push(data: Buffer): Generator<Buffer> {
    if (this.state === 'trailers') return;
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    while (this.#rest.length > 0) {
      if (this.state === 'data') yield this.#takeData();
      else if (!this.#takeLine()) return;
    }
  }

  #takeData(): Buffer {
    const bytes = this.#rest.subarray(0, this.#left);
    this.#rest = this.#rest.subarray(bytes.length);
    this.#left -= bytes.length;
    if (this.#left === 0) this.state = 'data-end';
    return bytes;
  }

  /** @returns false when the line is not there yet, or there are no more */
  #takeLine(): boolean {
    const end = this.#rest.indexOf('\r\n');
    if (end === -1) {
      if (this.#rest.length > 1024) throw new BadChunkedBody('a chunk has no size line');
      return false;
    }
    const line = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    if (this.state === 'data-end') {
      if (line !== '') throw new BadChunkedBody('a chunk is longer than its size says');
      this.state = 'size';
      return true;
    }
    this.#left = chunkSize(line);
    this.state = this.#left === 0 ? 'trailers' : 'data';
    return this.state === 'data';
  }
}

function chunkSize(line: string): number {
  const match = /^([0-9a-fA-F]{1,12})(;.*)?$/.exec(line);
  if (match?.[1] === undefined)
    throw new BadChunkedBody(`not a chunk size: ${JSON.stringify(line.slice(0, 40))}`);
  return Number.parseInt(match[1], 16);
}
