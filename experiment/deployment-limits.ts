import type { Deployment } from './deployment.ts';
import type { Fault } from './faults.ts';
import { parseS3Url } from './make-plan.ts';
import type { Manifest } from './manifest.ts';
import type { Source } from './manifest-source.ts';
import { nearestKey } from './nearest-key.ts';
import { faultAt } from './schema-faults.ts';
import { renderSize } from './size.ts';

/** What only a deployment can judge of a manifest: its queues, their vCPUs, its buckets. */
export function deploymentFaults(manifest: Manifest, source: Source, deployment: Deployment): Fault[] {
  return [...queueFaults(manifest, source, deployment), ...bucketFaults(manifest, source, deployment)];
}

function queueFaults({ cluster, run }: Manifest, source: Source, deployment: Deployment): Fault[] {
  const name = cluster.queue ?? deployment.defaultQueue;
  const queue = Object.hasOwn(deployment.queues, name) ? deployment.queues[name] : undefined;
  const vcpus = cluster.vcpus ?? deployment.defaults.vcpus;
  const faults: Fault[] = [];
  if (queue === undefined) {
    const known = Object.keys(deployment.queues);
    const suggestion = nearestKey(name, known);
    const fault = {
      code: 'unknown-queue',
      message: `this deployment has no queue ${JSON.stringify(name)}`,
      allowed: known.join(', '),
    };
    faults.push(
      faultAt(source, ['cluster', 'queue'], suggestion === undefined ? fault : { ...fault, suggestion }),
    );
  } else if (cluster.nodes * vcpus > queue.maxvCpus) {
    const needed = cluster.nodes * vcpus;
    const message = `${cluster.nodes} nodes with ${vcpus} vCPUs need ${needed.toLocaleString('en')} vCPUs, and the queue ${name} may have ${queue.maxvCpus.toLocaleString('en')}: the job would wait for ever`;
    faults.push(faultAt(source, ['cluster', 'nodes'], { code: 'over-queue', message }));
  }
  if (cluster.vcpus === undefined && (run.threadsPerTask ?? 1) > vcpus) {
    faults.push(
      faultAt(source, ['run', 'threadsPerTask'], {
        code: 'out-of-range',
        message: `${run.threadsPerTask} threads do not fit the ${vcpus} vCPUs that a node has here when cluster.vcpus is left out`,
      }),
    );
  }
  const memory = cluster.memory ?? deployment.defaults.memoryMiB;
  if (cluster.memory === undefined && (cluster.sharedMemory ?? 0) > memory) {
    faults.push(
      faultAt(source, ['cluster', 'sharedMemory'], {
        code: 'out-of-range',
        message: `shared memory is part of the memory, and a node has ${renderSize(memory)} here when cluster.memory is left out`,
      }),
    );
  }
  return faults;
}

function bucketFaults({ inputs = [], run }: Manifest, source: Source, deployment: Deployment): Fault[] {
  const allowed = [deployment.bucket, ...deployment.inputBuckets];
  const named: { path: (string | number)[]; url: string }[] = inputs.map(({ from }, index) => ({
    path: ['inputs', index, 'from'],
    url: from,
  }));
  if (run.commands?.file !== undefined)
    named.push({ path: ['run', 'commands', 'file'], url: run.commands.file });
  return named.flatMap(({ path, url }) => {
    const bucket = parseS3Url(url)?.bucket;
    if (bucket === undefined || allowed.includes(bucket)) return [];
    return [
      faultAt(source, path, {
        code: 'unknown-bucket',
        message: `the bucket ${bucket} is not among those that this deployment reads`,
        allowed: allowed.join(', '),
      }),
    ];
  });
}
