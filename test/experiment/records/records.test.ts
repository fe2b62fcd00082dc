import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLoad } from '../../../experiment/records/load.ts';
import { parseNodes } from '../../../experiment/records/nodes.ts';
import type { ObservedEvent } from '../../../experiment/records/observed-event.ts';
import { parseObservedEvent } from '../../../experiment/records/observed-event.ts';
import { parseOutputIndex } from '../../../experiment/records/outputs.ts';
import { parseOwner } from '../../../experiment/records/owner.ts';
import type { RunnerReason } from '../../../experiment/records/progress.ts';
import { parseProgress } from '../../../experiment/records/progress.ts';
import { parseStatus } from '../../../experiment/records/status.ts';
import { parseSummary } from '../../../experiment/records/summary.ts';
import { reduceStatus } from '../../../experiment/status/reduce.ts';
import { aNode, aProgress, aSummary, iso, RUN_ID, START } from '../../fixtures/records.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { mutated } from './any-mutation.ts';

const SIERRA_FAILED: RunnerReason = {
  kind: 'sierra-failed',
  stage: 2,
  exitCode: -9,
  tail: 'Traceback',
  experiment: 'c1-exp0',
  run: 3,
};

const A_LOST_NODE = {
  state: 'lost',
  cpus: 2,
  lostAt: iso(9),
  lostBecause: 'Its lease ended.',
  clockAheadSeconds: -4.5,
  peakMemoryMiB: 100,
  cpuSeconds: 1.5,
  versions: { parallel: '20260122' },
} as const;

const OUTPUTS = { files: [{ path: 'a/b', size: 0, sha256: 'f00d' }], missing: ['c'], unsent: 1 };

const EVENT = {
  kind: 'job',
  at: START,
  jobId: 'j',
  attempt: 1,
  status: 'FAILED',
  reason: 'Host EC2 terminated.',
  exitCode: 137,
} as const satisfies ObservedEvent;

const STATUS = reduceStatus(RUN_ID, [
  { kind: 'accepted', at: START },
  EVENT,
  { kind: 'stuck', at: START, attempt: 1, what: 'silent', headline: 'h', why: 'w', next: 'n' },
]);

const INCOMPLETE = [{ experiment: 'c1-exp0', whole: 1, runs: 2 }];

const A_FAILURE = {
  signature: 'exit 1',
  count: 1,
  nodes: 1,
  example: {
    seq: 1,
    command: './sim',
    node: '10.0.1.10',
    exitval: 1,
    end: 'exit' as const,
    stderrTail: 'no',
  },
};

type Parse = (stored: string | undefined) => unknown;

const LOAD = {
  version: 1,
  seconds: 5,
  from: iso(0),
  nodes: [{ node: 0, cpu: [null, 0.5], memory: [0.25], disk: [1] }],
};

const RECORDS: [name: string, parse: Parse, valid: unknown][] = [
  ['owner', parseOwner, { jobId: 'j', attempt: 1, nonce: 'n' }],
  ['progress', parseProgress, aProgress({ incomplete: INCOMPLETE })],
  ['progress of a failed run', parseProgress, aProgress({ exitCode: 5, reason: SIERRA_FAILED })],
  ['load', parseLoad, LOAD],
  ['nodes', parseNodes, [aNode(0, A_LOST_NODE)]],
  ['status', parseStatus, STATUS],
  ['event', parseObservedEvent, EVENT],
  ['summary', parseSummary, aSummary({ failures: [A_FAILURE], incomplete: INCOMPLETE })],
  ['output index', parseOutputIndex, OUTPUTS],
];

describe.each(RECORDS)('the %s record', (_, parse, valid) => {
  test('is read as it was written, without keys that this version does not know', () => {
    const later = typeof valid === 'object' && !Array.isArray(valid) ? { ...valid, later: 1 } : valid;

    expect(parse(JSON.stringify(valid))).toEqual(valid);
    expect(parse(JSON.stringify(later))).toEqual(valid);
  });

  test('is none where there is no text, or another one', () => {
    for (const text of [undefined, '', '{', 'null', '7', '"x"', '[7]', '{}']) {
      const read = parse(text);

      expect(read).toBeUndefined();
    }
  });

  test('with any field changed is none, or one of its type', () => {
    fc.assert(
      fc.property(mutated(valid), (text) => {
        const read = parse(text);

        // What was read is a record by the same rules, so nothing of another type has come through.
        if (read !== undefined) expect(parse(JSON.stringify(read))).toEqual(read);
      }),
      fuzzRuns(400),
    );
  });

  test('never has a text, a depth or a number out of range', () => {
    fc.assert(
      fc.property(mutated(valid), (text) => {
        const read = JSON.stringify(parse(text) ?? null);

        expect(read).not.toContain('x'.repeat(257 * 1024));
        expect(read).not.toContain('[[[[[[');
        expect(read.replace(/"(clockAheadSeconds|exitCode|exitval)":-1/, '')).not.toContain(':-1');
      }),
      fuzzRuns(400),
    );
  });
});
