/** Most bytes of one part. What is larger is left for a reload: a page that follows a run is never told more at once. */
const MOST_OF_ONE = 32 * 1024;
/** Most bytes of all parts of one answer, as JSON. */
const MOST_AT_ONCE = 48 * 1024;

const TOO_LARGE =
  '<p class="note">This part has grown too large to be followed. Reload the page to see it.</p>';

type Part = readonly [id: string, text: string];

export interface Changes {
  /** What the reader knows once it has taken these: the next question begins there. */
  version: number;
  parts: Readonly<Record<string, string>>;
  /** There are more. */
  isCut: boolean;
}

/** Most bytes of rows that are noted at once: a reader that asks as often as they are noted is not behind. */
const MOST_ROWS = 24 * 1024;

/**
 * The parts of a page, each with the version at which it last changed. A reader that knows one version is given what
 * changed since, the oldest change first, up to a bound.
 */
export class ChangedParts {
  readonly #parts = new Map<string, { text: string; bytes: number; version: number }>();
  #version = 0;
  /** Where the next turn of rows begins. */
  #turn = 0;

  get version(): number {
    return this.#version;
  }

  /** Notes the parts as they are now. Those that are not among them stay. */
  note(parts: Iterable<Part>): void {
    for (const part of parts) this.#noteOne(part);
  }

  /** Notes some of many: of a thousand rows that change all the time each gets its turn. */
  noteInTurn(rows: readonly Part[]): void {
    let bytes = 0;
    let passed = 0;
    for (; passed < rows.length && bytes < MOST_ROWS; passed += 1) {
      const row = rows[(this.#turn + passed) % rows.length];
      if (row !== undefined) bytes += this.#noteOne(row);
    }
    this.#turn = rows.length === 0 ? 0 : (this.#turn + passed) % rows.length;
  }

  /** @returns its bytes; 0 where nothing has changed */
  #noteOne([id, text]: Part): number {
    if (this.#parts.get(id)?.text === text) return 0;
    this.#version += 1;
    const bytes = bytesOf(id, text);
    this.#parts.delete(id);
    this.#parts.set(id, { text, bytes, version: this.#version });
    return bytes;
  }

  since(known: number): Changes {
    const parts: Record<string, string> = {};
    let version = known;
    let bytes = 0;
    // A Map keeps the order in which parts were set, which is that of their versions.
    for (const [id, part] of this.#parts) {
      if (part.version <= known) continue;
      const isLarge = part.bytes > MOST_OF_ONE;
      bytes += isLarge ? bytesOf(id, TOO_LARGE) : part.bytes;
      if (bytes > MOST_AT_ONCE) return { version, parts, isCut: true };
      parts[id] = isLarge ? TOO_LARGE : part.text;
      version = part.version;
    }
    return { version: this.#version, parts, isCut: false };
  }
}

function bytesOf(id: string, text: string): number {
  return Buffer.byteLength(JSON.stringify(id)) + Buffer.byteLength(JSON.stringify(text)) + 2;
}
