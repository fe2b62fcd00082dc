/** Numbers and choices that depend on a seed and on nothing else, for simulations that can be replayed. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A source for one purpose: what is drawn from it changes nothing of what other purposes draw from the same seed. */
  static of(seed: number, purpose: string): SeededRandom {
    // FNV-1a: neighbouring seeds and purposes share nothing.
    let mixed = 0x811c9dc5;
    for (const byte of Buffer.from(`${seed}/${purpose}`)) mixed = Math.imul(mixed ^ byte, 0x01000193) >>> 0;
    return new SeededRandom(mixed);
  }

  /** 0 ≤ x < 1 (mulberry32: 32 bits of state, passes gjrand; no security wanted). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of the items. @throws RangeError when there is none */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** A nonce of 32 hexadecimal digits. */
  readonly nonce = (): string => {
    let text = '';
    for (let part = 0; part < 4; part += 1)
      text += Math.floor(this.next() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, '0');
    return text;
  };
}
