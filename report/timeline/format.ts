/** How a bar of the timeline ended. `retried` is a try that another one followed, `open` one without a row. */
export const BAR = { succeeded: 0, failed: 1, retried: 2, open: 3 } as const;
export type BarKind = (typeof BAR)[keyof typeof BAR];

/** One try of one task on the timeline. Times in whole milliseconds from the timeline's origin. */
export interface Bar {
  seq: number;
  start: number;
  duration: number;
  kind: BarKind;
  /** Place among the timeline's endings. */
  ending: number;
}

/**
 * The timeline's bytes: for each lane the number of its bars, then for each bar the gap since the last one ended, its
 * duration, its sequence number's distance from the last one and its kind; how it ended only where it did not
 * succeed. All are variable-length numbers (7 bits a byte, the lowest first): about six bytes a task before deflate.
 */
export function encodeLanes(lanes: Iterable<readonly Bar[]>): Uint8Array {
  const out = new ByteWriter();
  for (const lane of lanes) {
    out.number(lane.length);
    let end = 0;
    let seq = 0;
    for (const bar of lane) {
      out.number(zigzag(bar.start - end));
      out.number(bar.duration);
      out.number(zigzag(bar.seq - seq) * 4 + bar.kind);
      if (bar.kind !== BAR.succeeded) out.number(bar.ending);
      end = bar.start + bar.duration;
      seq = bar.seq;
    }
  }
  return out.bytes();
}

/** Bars in columns, those of lane `i` from `first[i]` to before `first[i + 1]`. Times in milliseconds. */
export interface DecodedLanes {
  first: Uint32Array;
  seq: Uint32Array;
  start: Float64Array;
  duration: Float64Array;
  kind: Uint8Array;
  /** Place in the timeline's `endings`. */
  ending: Uint16Array;
}

/** The inverse of {@link encodeLanes}, given the numbers of lanes and of bars in all. */
export function decodeLanes(bytes: Uint8Array, lanes: number, bars: number): DecodedLanes {
  const columns: DecodedLanes = {
    first: new Uint32Array(lanes + 1),
    seq: new Uint32Array(bars),
    start: new Float64Array(bars),
    duration: new Float64Array(bars),
    kind: new Uint8Array(bars),
    ending: new Uint16Array(bars),
  };
  let at = 0;
  const number = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  let bar = 0;
  for (let lane = 0; lane < lanes; lane += 1) {
    const last = bar + number();
    let end = 0;
    let seq = 0;
    for (; bar < last; bar += 1) {
      const start = end + unzigzag(number());
      const duration = number();
      const seqAndKind = number();
      const kind = seqAndKind % 4;
      seq += unzigzag((seqAndKind - kind) / 4);
      columns.start[bar] = start;
      columns.duration[bar] = duration;
      columns.seq[bar] = seq;
      columns.kind[bar] = kind;
      if (kind !== BAR.succeeded) columns.ending[bar] = number();
      end = start + duration;
    }
    columns.first[lane + 1] = bar;
  }
  return columns;
}

/** What the page's script is given besides the bytes. Times in milliseconds from `origin` (since the epoch). */
export interface TimelineData {
  origin: number;
  span: number;
  bars: number;
  nodes: readonly TimelineNode[];
  /** How bars ended, in words. */
  endings: readonly string[];
  /** Of some tasks, by sequence number. */
  commands: Readonly<Record<string, string>>;
  /** {@link encodeLanes}, deflated without header, in base64. */
  lanes: string;
}

export interface TimelineNode {
  name: string;
  address: string;
  lanes: number;
  slots: number;
  state: string;
  /** When it joined and was lost. */
  joined?: number;
  lost?: number;
}

/** Tries that a page does not know yet: for its timeline and its table. */
export interface NewBars {
  /** So many tries it knows then. */
  tries: number;
  /** There are more. */
  isCut: boolean;
  /** Addresses of nodes, in the order of the lists of bars. */
  hosts: readonly string[];
  endings: readonly string[];
  bars: number;
  /** {@link encodeLanes} of a list of bars for each of the hosts, in base64. */
  lists: string;
}

class ByteWriter {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;

  number(value: number): void {
    if (this.#length + 10 > this.#bytes.length) {
      const wider = new Uint8Array(2 * this.#bytes.length);
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 128) + 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
