import { basename } from 'node:path';
import type { Bucket } from '../aws/bucket.ts';
import { MANIFEST_PREFIX, rejectionKeys, runKeys } from '../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../experiment/layout/run-id.ts';
import type { Manifest } from '../experiment/manifest/parse.ts';
import { parseManifest, resumedRun } from '../experiment/manifest/parse.ts';
import type { Source } from '../experiment/manifest/source/read.ts';
import { manifestFormat } from '../experiment/manifest/source/read.ts';
import type { Clock, MakeNonce } from '../experiment/util/clock.ts';
import { countResumed, countSpoken, nothingSpoken } from './count-resumed.ts';
import type { Edit } from './edit-manifest.ts';
import { editedText } from './edit-manifest.ts';
import { packInputs } from './pack.ts';

/** A bucket that takes manifests, and how often it is looked at. */
export interface Destination {
  bucket: Bucket;
  clock: Clock;
  nonce: MakeNonce;
  /** Milliseconds between two looks. */
  lookMs: number;
  /** How long a dropped manifest may take to become a run or a rejection, in milliseconds. */
  acceptedWithinMs: number;
  /** vCPUs of a node where the manifest says nothing. */
  defaultVcpus?: number;
  /** Aborted when packing is to end. */
  signal?: AbortSignal;
  /** Takes a sentence about what is sent. */
  say?: (sentence: string) => void;
}

/** What became of a manifest: `rejection` is the text of its faults. */
export type Dropped =
  | { kind: 'accepted'; runId: string }
  /** It goes on with a run that has left nothing to run and nothing to send: `runId` is that one. */
  | { kind: 'nothing-to-do'; runId: string; said: string }
  | { kind: 'rejected'; runId: string; rejection: string }
  | { kind: 'no-answer'; runId: string; seconds: number };

/**
 * Packs and sends what lies beside the manifest, puts its text under a new key (so that submitting again is a new run) and
 * waits until it is accepted or rejected. @param edits more values to be written into it @throws NothingToPack, or the signal's reason
 */
export async function dropManifest(
  destination: Destination,
  file: string,
  { manifest, source }: { manifest: Manifest; source: Pick<Source, 'text' | 'root'> },
  edits: readonly Edit[] = [],
): Promise<Dropped> {
  const packed = await packInputs(destination.bucket, file, manifest, {
    ...destination,
    now: () => destination.clock.now(),
  });
  return dropText(destination, basename(file), manifest.name, editedText(source, [...packed, ...edits]));
}

/** The same for a text that needs nothing beside it. @param fileName tells YAML from JSON */
export async function dropText(
  destination: Destination,
  fileName: string,
  name: string,
  text: string,
): Promise<Dropped> {
  const { bucket, nonce } = destination;
  const key = `${MANIFEST_PREFIX}${nonce().slice(0, 8)}/${fileName}`;
  const resumed = await resumeWith(destination, key, text);
  if (typeof resumed !== 'string') return resumed;
  const { versionId, etag = '' } = await bucket.write(key, resumed);
  const version = versionId ?? etag.replaceAll('"', '');
  const runId = makeRunId(name, { bucket: bucket.name, key, version });
  return answerTo(destination, runId, rejectionKeys(key, version).text);
}

/** Says what going on with a run comes to. The text to drop, which asks for one node where only sending is left. */
async function resumeWith(
  { bucket, say, defaultVcpus = 1 }: Destination,
  key: string,
  text: string,
): Promise<string | Dropped> {
  const parsed = parseManifest(Buffer.from(text), manifestFormat(key));
  if (!parsed.ok) return text;
  const { manifest, source } = parsed;
  const { cluster, run, timeouts, minNodes } = manifest;
  const resumed = resumedRun(manifest);
  const count = resumed && (await countResumed(bucket, manifest));
  if (resumed === undefined || count === undefined) return text;
  const isSending = count.toRun === 0 && count.isCertain;
  if (isSending && count.isSent)
    return { kind: 'nothing-to-do', runId: resumed.run, said: nothingSpoken(resumed.run, count) };
  const nodes = isSending ? 1 : cluster.nodes;
  const slots =
    nodes *
    (run.jobsPerNode ?? Math.max(1, Math.floor((cluster.vcpus ?? defaultVcpus) / (run.threadsPerTask ?? 1))));
  say?.(countSpoken(count, { nodes, slots, runSeconds: timeouts?.run ?? RUN_SECONDS }));
  if (!isSending || cluster.nodes === 1) return text;
  say?.('Only sending is left: one node is asked for.');
  return editedText(source, [
    { path: ['cluster', 'nodes'], value: 1 },
    ...(minNodes === undefined ? [] : [{ path: ['minNodes'], value: 1 }]),
  ]);
}

/** `timeouts.run` when left out. */
const RUN_SECONDS = 24 * 3600;

async function answerTo(
  { bucket, clock, lookMs, acceptedWithinMs }: Destination,
  runId: string,
  rejectionKey: string,
): Promise<Dropped> {
  const until = clock.now() + acceptedWithinMs;
  while (clock.now() < until) {
    const rejection = await bucket.read(rejectionKey);
    if (rejection !== undefined) return { kind: 'rejected', runId, rejection: rejection.text };
    const status = await bucket.read(runKeys(runId).status);
    if (status !== undefined) return { kind: 'accepted', runId };
    await clock.sleep(lookMs);
  }
  return { kind: 'no-answer', runId, seconds: acceptedWithinMs / 1000 };
}
