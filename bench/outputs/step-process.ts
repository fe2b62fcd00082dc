// One step at the end of a run with many outputs, in a process of its own, whose memory is what is measured:
//
//   node bench/outputs/step-process.ts send|collect REQUEST
//
// Prints a StepUsed as JSON.
import { S3Client } from '@aws-sdk/client-s3';
import { largeObjects } from '../../aws/clients/large-objects.ts';
import { s3Port } from '../../aws/clients/s3.ts';
import { Before } from '../../container/outputs/before.ts';
import { sendOutputs } from '../../container/outputs/send-outputs.ts';
import { runFolders } from '../../container/storage/run-folders.ts';
import { collectRun } from '../../functions/collect/records.ts';
import { realClock } from '../../local/clock/real.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { DEPLOYMENT } from '../../test/experiment/manifest/planned.ts';
import { RUN_ID } from '../../test/fixtures/records.ts';
import { noBatch, noStates } from '../../test/support/no-services.ts';

export type Step = 'send' | 'collect';

export interface StepUsed {
  cpuSeconds: number;
  /** The most memory that it held. */
  peakMiB: number;
}

export interface ManyOutputs {
  endpoint: string;
  bucket: string;
  /** What stands for shared storage. */
  shared: string;
  files: number;
}

const [step, given = ''] = process.argv.slice(2);
const request: ManyOutputs = JSON.parse(given);
const { endpoint, bucket, shared, files } = request;
const client = new S3Client({
  endpoint,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  forcePathStyle: true,
});
const s3 = { ...s3Port(client), ...largeObjects(client) };
await (step === 'send' ? send() : collect());
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const used: StepUsed = { peakMiB: maxRSS / 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 };
console.log(JSON.stringify(used));

/** As node 0 does once the last task has ended. */
async function send(): Promise<void> {
  const folders = runFolders(shared, { folder: RUN_ID });
  const {
    files: plain,
    listed = 0,
    missing,
    unsent,
  } = await sendOutputs({
    s3,
    bucket,
    plan: { runId: RUN_ID, outputs: ['out/'] },
    folders,
    before: await Before.read(folders),
    prefix: '1-0-',
    tasks: files,
    scratch: shared,
    signal: new AbortController().signal,
    clock: realClock,
    log: () => undefined,
  });
  if (plain.length + listed !== files || missing.length > 0 || unsent !== undefined)
    throw new Error(`${plain.length + listed} of ${files} files were sent`);
}

async function collect(): Promise<void> {
  const nothing = () => undefined;
  const { outcome } = await collectRun(
    {
      s3,
      batch: noBatch,
      states: noStates,
      events: { putEvents: () => Promise.reject(new Error('there is no EventBridge here')) },
      mail: { publish: () => Promise.reject(new Error('there is no mail here')) },
      clock: realClock,
      nonce: new SeededRandom(1).nonce,
      deployment: { ...DEPLOYMENT, bucket },
      logger: { info: nothing, warn: nothing, error: console.error },
      metrics: { count: nothing, measure: nothing },
    },
    RUN_ID,
  );
  if (outcome !== 'succeeded') throw new Error(`the run ${outcome}`);
}
