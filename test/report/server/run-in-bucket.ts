import { Bucket } from '../../../aws/bucket.ts';
import type { S3Port } from '../../../aws/ports.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { NodeRecord } from '../../../experiment/records/nodes.ts';
import type { Progress } from '../../../experiment/records/progress.ts';
import type { Status } from '../../../experiment/records/status.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { JOBLOG_HEADER, renderJoblogRow } from '../../../experiment/results/joblog.ts';
import type { Clock } from '../../../experiment/util/clock.ts';
import { aNode, aPlan, aProgress, aRow, aStatus, iso, RUN_ID } from '../../fixtures/records.ts';
import type { CallOf } from '../../support/hostile-ports.ts';
import { hooked } from '../../support/hostile-ports.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

/** A run that goes on, in a bucket in memory; what is asked of the bucket is kept. */
export class RunInBucket {
  readonly keys = runKeys(RUN_ID);
  readonly asked: { key: string; range: string | undefined }[] = [];
  readonly bucket: Bucket;
  readonly #s3: S3Port;
  #joblog = `${JOBLOG_HEADER}\n`;

  constructor(clock: Clock) {
    this.#s3 = memoryS3('b');
    const counting = hooked(this.#s3, (call: CallOf<S3Port>, go) => {
      if (call.name === 'getObject') this.asked.push({ key: call.input.Key ?? '', range: call.input.Range });
      return go();
    });
    this.bucket = new Bucket(counting, 'b', clock);
  }

  async begin(nodes: number, slots: number, tasks: number): Promise<void> {
    const key = this.keys.commands;
    const plan = aPlan({
      cluster: { nodes, vcpus: slots, memoryMiB: 1024 },
      slots,
      work: { kind: 'commands', file: { kind: 'frozen', key, total: tasks } },
    });
    await this.put(this.keys.plan, JSON.stringify(plan));
    await this.put(this.keys.manifest, 'name: sweep\n');
    await this.status({ state: 'running', headline: 'Running.' });
    await this.nodes(Array.from({ length: nodes }, (_, index) => aNode(index, { slots, state: 'joined' })));
  }

  put(key: string, text: string): Promise<unknown> {
    return this.#s3.putObject({ Bucket: 'b', Key: key, Body: text });
  }

  status(more: Partial<Status>): Promise<unknown> {
    const history = [
      { state: 'submitted', at: iso(-60) } as const,
      { state: 'running', at: iso(0) } as const,
    ];
    return this.put(this.keys.status, JSON.stringify(aStatus({ history, ...more })));
  }

  nodes(nodes: readonly NodeRecord[]): Promise<unknown> {
    return this.put(this.keys.nodes, JSON.stringify(nodes));
  }

  progress(more: Partial<Progress>): Promise<unknown> {
    const { reason: _, exitCode: __, ...before } = aProgress({ phase: 'running' });
    return this.put(this.keys.progress, JSON.stringify({ ...before, ...more }));
  }

  async rows(rows: readonly Partial<JoblogRow>[]): Promise<void> {
    this.#joblog += rows.map((row) => `${renderJoblogRow(aRow(row.seq ?? 1, row))}\n`).join('');
    await this.put(this.keys.joblog, this.#joblog);
  }

  /** A joblog that begins anew. */
  async rowsAnew(rows: readonly Partial<JoblogRow>[]): Promise<void> {
    this.#joblog = `${JOBLOG_HEADER}\n`;
    await this.rows(rows);
  }
}
