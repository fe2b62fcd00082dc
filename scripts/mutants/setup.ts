import { configureGlobal } from 'fast-check';
import { afterAll, inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    mutant: number;
  }
  interface TaskMeta {
    reached?: number[];
  }
}
declare global {
  var isMutant: ((id: number) => boolean) | undefined;
}

const awake = inject('mutant');
const reached = new Set<number>();
globalThis.isMutant = (id) => {
  reached.add(id);
  return id === awake;
};
// The same verdict at each run.
configureGlobal({ seed: 1 });
// biome-ignore lint/correctness/noEmptyPattern: Vitest takes no other form of a first argument that is not used.
afterAll(({}, file) => {
  file.meta.reached = [...reached];
});
