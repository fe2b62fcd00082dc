import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Course } from './course-of-a-run.ts';
import { play } from './course-of-a-run.ts';
import { ourInterpreter } from './interpreter.ts';
import { startMotoInterpreter } from './moto-interpreter.ts';

/** As it is deployed: nothing of it is shortened for either interpreter. */
const DEFINITION = readFileSync(new URL('../../statemachine/experiment.asl.json', import.meta.url), 'utf8');

let moto: Awaited<ReturnType<typeof startMotoInterpreter>>;
beforeAll(async () => {
  moto = await startMotoInterpreter(DEFINITION);
});
afterAll(() => moto.close());

const COURSES: [string, Course, { status: string; error: string; entered: string[] }][] = [
  [
    'all tasks succeed',
    { exitCode: 0 },
    { status: 'SUCCEEDED', error: '', entered: ['Run', 'Collect', 'Outcome', 'Succeeded'] },
  ],
];

it.each(COURSES)(
  '%s: the two interpreters end in the same state by the same way',
  async (_what, course, expected) => {
    const name = `sweep-${COURSES.findIndex(([, one]) => one === course)}`;
    const ours = await play(course, name, ourInterpreter(DEFINITION));
    expect(ours).toMatchObject(expected);
    expect(await play(course, name, moto.open)).toEqual(ours);
  },
);
