import type { Ending } from '../../experiment/records/ending.ts';
import { endingWords } from '../../experiment/records/ending.ts';

/** The ways to end that a timeline has, in words, each once. */
export class Endings {
  readonly #places = new Map<string, number>();

  place(ending: Ending): number {
    const words = endingWords(ending);
    const place = this.#places.get(words) ?? this.#places.size;
    this.#places.set(words, place);
    return place;
  }

  words(): string[] {
    return [...this.#places.keys()];
  }
}
