import { countedCloud } from '../../test/worlds/counting/counted-cloud.ts';
import type { Counts } from '../../test/worlds/counting/counts.ts';
import { MEMORY, PRICES } from './prices.ts';

interface CostLine {
  what: string;
  count: number;
  usd: number;
}

export interface Cost {
  counts: Counts;
  transitions: number;
  lines: CostLine[];
}

const LIMIT_MS = 30 * 24 * 3_600_000;
/** What Lambda writes of an invocation by itself, and of a line of ours. */
const LOG_BYTES = { invocation: 400, line: 300 };

/** One run from its drop to its end, as counted in the local system. Instances are not in it. */
export async function costOfRun({ nodes, hours }: { nodes: number; hours: number }): Promise<Cost> {
  const cloud = await countedCloud({ runSeconds: hours * 3600, outputs: 100 });
  await cloud.drop(
    'run',
    `apiVersion: sierra-batch/v1\nname: run\ncluster: {nodes: ${nodes}}\nrun: {commands: {list: [a]}}\noutputs: [o]\ntimeouts: {run: ${hours + 1}h}\n`,
  );
  const isOver = () => cloud.executions().some(({ status }) => status !== 'RUNNING');
  if (!(await cloud.clock.runUntil(isOver, LIMIT_MS))) throw new Error('the run does not end');
  const [execution] = cloud.executions();
  if (execution?.status !== 'SUCCEEDED') throw new Error(`the run ended as ${execution?.status}`);
  return {
    counts: cloud.counts,
    transitions: execution.transitions,
    lines: priced(cloud.counts, execution.transitions),
  };
}

/** So many hours in which nobody drops anything. */
export async function costOfIdling(hours: number): Promise<Cost> {
  const cloud = await countedCloud({ runSeconds: 0, outputs: 0 });
  await cloud.clock.advance(hours * 3_600_000 + 1000);
  return { counts: cloud.counts, transitions: 0, lines: priced(cloud.counts, 0) };
}

function priced(counts: Counts, transitions: number): CostLine[] {
  const line = (what: string, count: number, price: number): CostLine => ({
    what,
    count,
    usd: count * price,
  });
  const invocations = counts.sum(/^invocation of /);
  const gigabyteSeconds = Object.entries(MEMORY).reduce(
    (sum, [name, memory]) => sum + (memory * counts.sum(new RegExp(`^milliseconds of ${name}\\b`))) / 1000,
    0,
  );
  const logGigabytes = (invocations * LOG_BYTES.invocation + counts.of('log line') * LOG_BYTES.line) / 1e9;
  return [
    line('Step Functions transitions', transitions, PRICES.transition),
    line('Lambda requests', invocations, PRICES.lambdaRequest),
    line('Lambda GB-seconds', gigabyteSeconds, PRICES.lambdaGigabyteSecond),
    line('S3 PUT and LIST', counts.sum(/ (PutObject|ListObjectsV2)$/), PRICES.s3Write),
    line('S3 GET and HEAD', counts.sum(/ (GetObject|HeadObject)$/), PRICES.s3Read),
    line('S3 events to EventBridge', counts.of('s3 event'), PRICES.s3Event),
    line('our own events', counts.of('function PutEvents'), PRICES.customEvent),
    line('mails', counts.of('function Publish'), PRICES.mail),
    line('X-Ray traces', invocations, PRICES.trace),
    line('log GB', logGigabytes, PRICES.logGigabyte),
    line('Batch calls (free)', counts.sum(/^function (SubmitJob|DescribeJobs|ListJobs|TerminateJob)$/), 0),
  ];
}
