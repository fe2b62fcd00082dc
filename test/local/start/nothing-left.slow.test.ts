import { describe, expect } from 'vitest';
import { SeededRandom } from '../../../local/clock/seeded-random.ts';
import type { Started } from './npm-start.ts';
import { isRoot, manifest, test } from './npm-start.ts';

/** Where in a run it is stopped; the seed stands in the name of every test, so that a failure can be seen again. */
const SEED = Number(process.env.SIERRA_BATCH_STOP_SEED ?? Date.now() % 1_000_000);
const RANDOM = new SeededRandom(SEED);
const USERS = ['self', 'ordinary'] as const;
const LONG = manifest(
  { cluster: { nodes: 3, vcpus: 2 }, inputs: [{ from: './project', to: '.' }], outputs: ['here'] },
  { template: 'sleep 0.3; touch here; sleep 5 & wait # {i}', matrix: { i: { from: 1, to: 200 } } },
);

describe.concurrent(`of a run nothing is left: no process, no listening socket, no key (SIERRA_BATCH_STOP_SEED=${SEED})`, {
  timeout: 120_000,
}, () => {
  for (const user of USERS) {
    const tried = test.skipIf(user === 'ordinary' && !isRoot);
    tried(`that ended by itself (${user})`, async ({ here }) => {
      here.write('m.json', manifest());
      const ended = await here.run(['m.json'], { user, ownNetwork: isRoot });
      expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [], ...noListeners });
      expect(here.filesLeft()).toEqual([]);
    });

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const after = Math.round(RANDOM.next() * 4000);
      tried(`that ${signal} stopped ${after} ms after its start (${user})`, async ({ here }) => {
        here.write('project/here', '');
        here.write('m.json', LONG);
        const started = here.start(['m.json'], { user, ownNetwork: isRoot });
        const [, runId = ''] = await started.prints(/^run (\S+)$/m);
        await signalAfter(started, signal, after);
        const ended = await started.ended;

        expect(ended, ended.out + ended.err).toMatchObject({ code: 143, left: [], ...noListeners });
        expect(here.filesLeft()).toEqual([]);
        expect(here.json(`runs/${runId}/status.json`)).toMatchObject({ state: 'cancelled' });
        expect(here.json(`runs/${runId}/summary.json`)).toMatchObject({ outcome: 'cancelled' });
      });
    }

    tried(`whose npm start was killed (${user})`, async ({ here }) => {
      here.write('project/here', '');
      here.write('m.json', LONG);
      const started = here.start(['m.json'], { user, ownNetwork: isRoot, patienceSeconds: 60 });
      const [, runId = ''] = await started.prints(/^run (\S+)$/m);
      await started.prints(/running$/m);
      started.signal('SIGUSR1');
      const ended = await started.ended;

      expect(ended, ended.out + ended.err).toMatchObject({ code: 137, left: [], ...noListeners });
      expect(here.filesLeft()).toEqual([]);

      // Its folder is free again at once, and the next start ends the run that nobody ended.
      here.write('short.json', manifest({}, { list: ['sleep 4'] }));
      const next = await here.run(['short.json'], { user });
      expect(next, next.out + next.err).toMatchObject({ code: 0, left: [] });
      const status = here.json(`runs/${runId}/status.json`);
      expect(status).toMatchObject({ headline: 'Cancelled by the end of the local system.' });
      const { history } = status as { history: { state: string }[] };
      expect(history.map(({ state }) => state).slice(-2)).toEqual(['collecting', 'cancelled']);
      expect(here.has(`runs/${runId}/report.html`)).toBe(true);
    });
  }

  test('that was told to stop twice', async ({ here }) => {
    here.write('m.json', manifest({}, { list: ["trap '' TERM INT HUP; sleep 60 & wait; sleep 60"] }));
    const started = here.start(['m.json']);
    await started.prints(/running$/m);
    await signalAfter(started, 'SIGINT', 0);
    await signalAfter(started, 'SIGINT', 800);
    const ended = await started.ended;

    expect(ended, ended.out + ended.err).toMatchObject({ code: 143, left: [] });
    expect(here.filesLeft()).toEqual([]);
  });
});

const noListeners = isRoot ? { listeners: [] } : {};

async function signalAfter(started: Started, name: 'SIGINT' | 'SIGTERM', ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  started.signal(name);
}
