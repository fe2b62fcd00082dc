import { createHash } from 'node:crypto';

/** These say the place in the list: such a command is another one at another place. */
const NAMES_ITS_NUMBER = /SIERRA_BATCH_TASK|PARALLEL_SEQ/;

/** In {@link TaskIndex}: the command is known together with its number only. */
const BY_NUMBER = -1;

/**
 * The tasks of a list, found by what they run: a task is known by its command, and by its number as well where the command
 * occurs more than once (here or in the list before) or names its number. Keeps 96 bits of a hash a command.
 */
export class TaskIndex {
  readonly total: number;
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #prints: readonly Float64Array[];

  private constructor(total: number, numbers: ReadonlyMap<number, number>, prints: readonly Float64Array[]) {
    this.total = total;
    this.#numbers = numbers;
    this.#prints = prints;
  }

  /** @param lines the list @param earlier the list that rows were written for; empty where there was none */
  static async of(
    lines: Iterable<string> | AsyncIterable<string>,
    earlier: Iterable<string> | AsyncIterable<string>,
  ): Promise<TaskIndex> {
    const numbers = new Map<number, number>();
    let prints: [Float64Array, Float64Array] = [new Float64Array(1024), new Float64Array(1024)];
    let total = 0;
    for await (const line of lines) {
      total += 1;
      if (prints[0].length <= total) prints = [doubled(prints[0]), doubled(prints[1])];
      const [print, check] = printsOf(line);
      prints[0][total] = print;
      prints[1][total] = check;
      numbers.set(print, numbers.has(print) || NAMES_ITS_NUMBER.test(line) ? BY_NUMBER : total);
    }
    const seen = new Uint8Array(total + 1);
    for await (const line of earlier) {
      const [print] = printsOf(line);
      const number = numbers.get(print) ?? BY_NUMBER;
      if (number === BY_NUMBER) continue;
      if (seen[number] === 1) numbers.set(print, BY_NUMBER);
      seen[number] = 1;
    }
    return new TaskIndex(total, numbers, prints);
  }

  /** The number that the task of a row has in this list; undefined where the list has no such task. */
  seqOf({ seq, command }: { seq: number; command: string }): number | undefined {
    const [print, check] = printsOf(command);
    const known = this.#numbers.get(print);
    if (known === undefined) return undefined;
    const number = known === BY_NUMBER ? seq : known;
    const [first, second] = this.#prints;
    return number <= this.total && first?.[number] === print && second?.[number] === check
      ? number
      : undefined;
  }
}

/** Two halves of a hash, each as exact as a double is. */
function printsOf(command: string): [number, number] {
  const hash = createHash('sha256').update(command).digest();
  return [hash.readUIntBE(0, 6), hash.readUIntBE(6, 6)];
}

function doubled(column: Float64Array): Float64Array {
  const wider = new Float64Array(2 * column.length);
  wider.set(column);
  return wider;
}
