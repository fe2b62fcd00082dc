import type { Deployment } from '../deployment/deployment.ts';
import { hasGpus } from '../deployment/instance-gpus.ts';
import { vcpusOf } from '../deployment/instance-vcpus.ts';
import { priceOfNode } from '../deployment/price.ts';
import { CONTROL_PREFIX } from '../layout/bucket-keys.ts';
import { parseS3Url } from '../layout/s3-url.ts';
import { renderSize } from '../text/size.ts';
import type { Manifest } from './parse.ts';
import { nearestKey } from './rules/did-you-mean.ts';
import { faultAt } from './rules/schema-faults.ts';
import type { Fault } from './source/fault.ts';
import type { Source } from './source/read.ts';

/** What only a deployment can judge of a manifest: its queues, their vCPUs and machines, its buckets. */
export function deploymentFaults(manifest: Manifest, source: Source, deployment: Deployment): Fault[] {
  return [queueFaults, machineFaults, gpuFaults, priceFaults, bucketFaults].flatMap((judge) =>
    judge(manifest, source, deployment),
  );
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
  } else {
    const tooMany = overQueue(cluster.nodes, vcpus, instanceOf(cluster, deployment));
    if (tooMany.vcpus > queue.maxvCpus) {
      const message = `${tooMany.said}, and the queue ${name} may have ${queue.maxvCpus.toLocaleString('en')}: the job would wait for ever`;
      faults.push(faultAt(source, ['cluster', 'nodes'], { code: 'over-queue', message }));
    }
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

/** What a run takes of its queue: a node has an instance to itself, and all of it counts. */
function overQueue(
  nodes: number,
  vcpus: number,
  instance: ReturnType<typeof instanceOf>,
): { vcpus: number; said: string } {
  if (instance === undefined || instance.vcpus <= vcpus) {
    const said = `${nodes} nodes with ${vcpus} vCPUs need ${(nodes * vcpus).toLocaleString('en')} vCPUs`;
    return { vcpus: nodes * vcpus, said };
  }
  const whole = nodes * instance.vcpus;
  const said = `${nodes} nodes take ${whole.toLocaleString('en')} vCPUs, since each has a whole ${instance.type} (${instance.vcpus}) to itself`;
  return { vcpus: whole, said };
}

function machineFaults({ cluster }: Manifest, source: Source, deployment: Deployment): Fault[] {
  const faults = typeFaults(cluster, source, deployment);
  const instance = instanceOf(cluster, deployment);
  const vcpus = cluster.vcpus ?? deployment.defaults.vcpus;
  if (instance === undefined || vcpus <= instance.vcpus) return faults;
  const key = (['vcpus', 'instanceType'] as const).find((each) => cluster[each] !== undefined);
  const unsaid = cluster.vcpus === undefined ? ', which it has here when cluster.vcpus is left out,' : '';
  const message = `a node of ${vcpus} vCPUs${unsaid} does not fit ${instance.type} with its ${instance.vcpus}: the job would wait for ever`;
  const path = key === undefined ? ['cluster'] : ['cluster', key];
  return [...faults, faultAt(source, path, { code: 'over-instance', message })];
}

/** The instance that a node of this run gets, where its name tells its size. */
function instanceOf({ instanceType }: Manifest['cluster'], { instanceTypes }: Deployment) {
  if (instanceTypes === undefined) return undefined;
  const type = instanceType ?? instanceTypes[0] ?? '';
  const vcpus = vcpusOf(type);
  return vcpus === undefined ? undefined : { type, vcpus };
}

/** Of other queues nobody knows here what their machines are. */
function typeFaults(
  { queue, instanceType }: Manifest['cluster'],
  source: Source,
  deployment: Deployment,
): Fault[] {
  const { instanceTypes = [], defaultQueue } = deployment;
  const isOfDefault = (queue ?? defaultQueue) === defaultQueue;
  if (instanceType === undefined || instanceTypes.length === 0 || !isOfDefault) return [];
  if (instanceTypes.some((known) => isOrHas(known, instanceType))) return [];
  const suggestion = nearestKey(instanceType, instanceTypes);
  const fault = {
    code: 'unknown-instance-type',
    message: `the queue ${defaultQueue} has no machines of the type ${instanceType}: the job would wait for ever`,
    allowed: instanceTypes.join(', '),
  };
  return [
    faultAt(source, ['cluster', 'instanceType'], suggestion === undefined ? fault : { ...fault, suggestion }),
  ];
}

/** The image of nodes has a driver of GPUs for the types that have some. */
function gpuFaults({ cluster }: Manifest, source: Source, deployment: Deployment): Fault[] {
  const { gpus, queue, instanceType } = cluster;
  const { instanceTypes = [], defaultQueue } = deployment;
  const type = instanceType ?? instanceTypes[0];
  const isForeign = (queue ?? defaultQueue) !== defaultQueue && instanceType !== undefined;
  if (gpus === undefined || instanceTypes.length === 0 || type === undefined || isForeign || hasGpus(type))
    return [];
  const unsaid =
    instanceType === undefined ? ', which a node is here when cluster.instanceType is left out,' : '';
  const fault = {
    code: 'no-gpus',
    message: `${type}${unsaid} has no GPU that a node could use: the job would wait for ever`,
  };
  const known = instanceTypes.filter(hasGpus);
  return [
    faultAt(
      source,
      ['cluster', 'gpus'],
      known.length === 0 ? fault : { ...fault, allowed: `cluster.instanceType ${known.join(', ')}` },
    ),
  ];
}

/** A budget in dollars that nobody can count would never end a run. */
function priceFaults({ cluster, budget }: Manifest, source: Source, deployment: Deployment): Fault[] {
  if (budget?.usd === undefined) return [];
  const price = priceOfNode(cluster, deployment);
  if (price.kind !== 'unknown') return [];
  const message = `what ${price.of} costs is not known here, so dollars cannot be counted: write budget.maxNodeHours, or deploy with NodePrice`;
  return [faultAt(source, ['budget', 'usd'], { code: 'no-price', message })];
}

/** `c6i.large` is one of `c6i.large`, of its family `c6i`, and of what Batch itself chooses from. */
function isOrHas(known: string, type: string): boolean {
  return known === type || type.startsWith(`${known}.`) || /^(optimal|default_)/.test(known);
}

function bucketFaults({ inputs = [], run }: Manifest, source: Source, deployment: Deployment): Fault[] {
  const allowed = [deployment.bucket, ...deployment.inputBuckets];
  const named: { path: (string | number)[]; url: string }[] = inputs.map(({ from }, index) => ({
    path: ['inputs', index, 'from'],
    url: from,
  }));
  for (const key of ['file', 'table'] as const) {
    const url = run.commands?.[key];
    if (url !== undefined) named.push({ path: ['run', 'commands', key], url });
  }
  return named.flatMap(({ path, url }) => {
    const { bucket, key = '' } = parseS3Url(url) ?? {};
    if (bucket === deployment.bucket && (key === '' || key.startsWith(CONTROL_PREFIX)))
      return [
        faultAt(source, path, {
          code: 'not-readable',
          message: `${url} holds \`${CONTROL_PREFIX}\`, which only the functions read`,
          allowed: 'an object or a folder elsewhere in the bucket',
        }),
      ];
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
