/** A mean that follows what was seen of late; undefined until there is something. */
export class MovingMean {
  readonly #weight: number;
  #value: number | undefined;

  /** @param weight of each new figure, from 0 to 1 */
  constructor(weight: number) {
    this.#weight = weight;
  }

  observe(figure: number): void {
    this.#value = this.#value === undefined ? figure : this.#value + this.#weight * (figure - this.#value);
  }

  get value(): number | undefined {
    return this.#value;
  }
}
