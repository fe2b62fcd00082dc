/**
 * How long tasks take on so many slots when each slot takes the next task as it comes free, which is how GNU parallel
 * does it. Durations in the order of the tasks, any unit; the answer is in the same. n tasks on s slots cost n · log s.
 */
export function makespan(durations: Iterable<number>, slots: number): number {
  const ends = new Float64Array(Math.max(1, slots)); // A heap: the slot that comes free first is at the root.
  let last = 0;
  for (const duration of durations) {
    const end = (ends[0] ?? 0) + duration;
    last = Math.max(last, end);
    sink(ends, end);
  }
  return last;
}

/** Puts a value in the place of the root, and the heap in order. */
function sink(heap: Float64Array, value: number): void {
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if ((heap[child + 1] ?? Number.POSITIVE_INFINITY) < (heap[child] ?? 0)) child += 1;
    const least = heap[child] ?? 0;
    if (least >= value) break;
    heap[place] = least;
    place = child;
  }
  heap[place] = value;
}
