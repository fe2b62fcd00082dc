import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import { hasGpus } from '../../../experiment/deployment/instance-gpus.ts';
import { deploymentFaults } from '../../../experiment/manifest/deployment-faults.ts';
import { parseManifest } from '../../../experiment/manifest/parse.ts';
import { faultLine } from './corpus-cases.ts';
import { DEPLOYMENT } from './planned.ts';

// The deployment has the queues standard (64 vCPUs) and gpu (16), nodes of 4 vCPUs and 8 GiB, and reads shared-data.
function faultsOf(
  cluster: string,
  more = '',
  run = '{commands: {list: [./sim]}}',
  deployment: Deployment = DEPLOYMENT,
): string[] {
  const text = `apiVersion: sierra-batch/v1\nname: sweep\ncluster: ${cluster}\nrun: ${run}\n${more}`;
  const result = parseManifest(Buffer.from(text), 'yaml');
  if (!result.ok) throw new Error(result.faults.map(faultLine).join('\n'));
  return deploymentFaults(result.manifest, result.source, deployment).map(faultLine);
}

describe('where a deployment is known', () => {
  it.each([
    ['{nodes: 16}'],
    ['{nodes: 2, vcpus: 8, queue: gpu}'],
    ['{nodes: 64, vcpus: 1, queue: standard}'],
  ])('%s fits its queue', (cluster) => {
    expect(faultsOf(cluster)).toEqual([]);
  });

  it.each([
    [
      '{nodes: 17}',
      '3:18 over-queue «17» cluster.nodes: 17 nodes with 4 vCPUs need 68 vCPUs, and the queue standard may have 64: the job would wait for ever',
    ],
    [
      '{nodes: 3, vcpus: 8, queue: gpu}',
      '3:18 over-queue «3» cluster.nodes: 3 nodes with 8 vCPUs need 24 vCPUs, and the queue gpu may have 16: the job would wait for ever',
    ],
    [
      '{nodes: 1, queue: standart}',
      '3:28 unknown-queue «standart» cluster.queue: this deployment has no queue "standart"; allowed: standard, gpu; did you mean `standard`?',
    ],
    [
      '{nodes: 1, queue: constructor}',
      '3:28 unknown-queue «constructor» cluster.queue: this deployment has no queue "constructor"; allowed: standard, gpu',
    ],
    [
      '{nodes: 1, sharedMemory: 9GiB}',
      '3:35 out-of-range «9GiB» cluster.sharedMemory: shared memory is part of the memory, and a node has 8GiB here when cluster.memory is left out',
    ],
  ])('%s is refused', (cluster, fault) => {
    expect(faultsOf(cluster)).toEqual([fault]);
  });

  it.each([
    ['{nodes: 4}', []],
    ['{nodes: 4, vcpus: 10}', []],
    ['{nodes: 4, instanceType: c6i.4xlarge}', []],
    ['{nodes: 8, instanceType: c7g.2xlarge}', []],
    ['{nodes: 1, vcpus: 90, instanceType: hpc7a.24xlarge, queue: big}', []],
    [
      '{nodes: 5, vcpus: 10}',
      [
        '3:18 over-queue «5» cluster.nodes: 5 nodes take 80 vCPUs, since each has a whole c6i.4xlarge (16) to itself, and the queue standard may have 64: the job would wait for ever',
      ],
    ],
    [
      '{nodes: 2, vcpus: 17}',
      [
        '3:28 over-instance «17» cluster.vcpus: a node of 17 vCPUs does not fit c6i.4xlarge with its 16: the job would wait for ever',
      ],
    ],
    [
      '{nodes: 2, instanceType: c7g.large}',
      [
        '3:35 over-instance «c7g.large» cluster.instanceType: a node of 4 vCPUs, which it has here when cluster.vcpus is left out, does not fit c7g.large with its 2: the job would wait for ever',
      ],
    ],
    [
      '{nodes: 1, instanceType: c6i.4xlargs}',
      [
        '3:35 unknown-instance-type «c6i.4xlargs» cluster.instanceType: the queue standard has no machines of the type c6i.4xlargs: the job would wait for ever; allowed: c6i.4xlarge, c7g; did you mean `c6i.4xlarge`?',
      ],
    ],
    ['{nodes: 1, instanceType: g5.xlarge, queue: gpu}', []],
  ])('%s on instances of known types', (cluster, faults) => {
    const queues = { ...DEPLOYMENT.queues, big: { arn: 'big', maxvCpus: 1000 } };
    const deployment = { ...DEPLOYMENT, queues, instanceTypes: ['c6i.4xlarge', 'c7g'] };
    expect(faultsOf(cluster, '', undefined, deployment)).toEqual(faults);
  });

  it.each([
    ['{nodes: 1, gpus: 1, instanceType: g5.xlarge}', []],
    ['{nodes: 1, gpus: 1, queue: gpu, instanceType: own.thing}', []],
    [
      '{nodes: 1, gpus: 1}',
      [
        '3:27 no-gpus «1» cluster.gpus: c6i.4xlarge, which a node is here when cluster.instanceType is left out, has no GPU that a node could use: the job would wait for ever; allowed: cluster.instanceType g5',
      ],
    ],
    [
      '{nodes: 1, gpus: 1, queue: gpu}',
      [
        '3:27 no-gpus «1» cluster.gpus: c6i.4xlarge, which a node is here when cluster.instanceType is left out, has no GPU that a node could use: the job would wait for ever; allowed: cluster.instanceType g5',
      ],
    ],
    [
      '{nodes: 1, gpus: 1, instanceType: c6i.4xlarge}',
      [
        '3:27 no-gpus «1» cluster.gpus: c6i.4xlarge has no GPU that a node could use: the job would wait for ever; allowed: cluster.instanceType g5',
      ],
    ],
  ])('%s where one family has GPUs', (cluster, faults) => {
    const deployment = { ...DEPLOYMENT, instanceTypes: ['c6i.4xlarge', 'g5'] };
    expect(faultsOf(cluster, '', undefined, deployment)).toEqual(faults);
  });

  it('refuses GPUs where no machine has any, and judges nothing where none is known', () => {
    const none = { ...DEPLOYMENT, instanceTypes: ['g4ad.xlarge'] };
    expect(faultsOf('{nodes: 1, gpus: 1}', '', undefined, none)).toEqual([
      '3:27 no-gpus «1» cluster.gpus: g4ad.xlarge, which a node is here when cluster.instanceType is left out, has no GPU that a node could use: the job would wait for ever',
    ]);
    expect(faultsOf('{nodes: 1, gpus: 1}')).toEqual([]);
  });

  it('knows families with GPUs by their names', () => {
    const types =
      'g4dn.xlarge g5.xlarge g6e.48xlarge gr6.4xlarge p4d.24xlarge p5 p5en.48xlarge p6-b200.48xlarge';
    const others = 'c6i.4xlarge g5g.xlarge g4ad.xlarge p3.2xlarge g3.4xlarge inf2.xlarge m7g.large optimal';
    expect(types.split(' ').filter((type) => !hasGpus(type))).toEqual([]);
    expect(others.split(' ').filter(hasGpus)).toEqual([]);
  });

  it('names an instance that is too small for what a node has when nothing is said', () => {
    const deployment = { ...DEPLOYMENT, instanceTypes: ['c6i.large'] };
    expect(faultsOf('{nodes: 1}', '', undefined, deployment)).toEqual([
      '3:10 over-instance «{nodes: 1}» cluster: a node of 4 vCPUs, which it has here when cluster.vcpus is left out, does not fit c6i.large with its 2: the job would wait for ever',
    ]);
  });

  it('judges threads by the vCPUs that a node has there', () => {
    expect(faultsOf('{nodes: 1}', '', '{commands: {list: [a]}, threadsPerTask: 4}')).toEqual([]);
    expect(faultsOf('{nodes: 1}', '', '{commands: {list: [a]}, threadsPerTask: 5}')).toEqual([
      '4:46 out-of-range «5» run.threadsPerTask: 5 threads do not fit the 4 vCPUs that a node has here when cluster.vcpus is left out',
    ]);
  });

  it('reads only buckets that it was given', () => {
    const from = (bucket: string) => `inputs: [{from: s3://${bucket}/data/, to: data}]\n`;
    expect(faultsOf('{nodes: 1}', from('own-bucket'))).toEqual([]);
    expect(faultsOf('{nodes: 1}', from('shared-data'))).toEqual([]);
    expect(faultsOf('{nodes: 1}', from('elsewhere'))).toEqual([
      '5:17 unknown-bucket «s3://elsewhere/data/» inputs[0].from: the bucket elsewhere is not among those that this deployment reads; allowed: own-bucket, shared-data',
    ]);
    expect(faultsOf('{nodes: 1}', '', '{commands: {file: s3://elsewhere/list.txt}}')).toEqual([
      '4:24 unknown-bucket «s3://elsewhere/list.txt» run.commands.file: the bucket elsewhere is not among those that this deployment reads; allowed: own-bucket, shared-data',
    ]);
  });

  it('tells all of it at once', () => {
    expect(
      faultsOf('{nodes: 17, sharedMemory: 9GiB}', 'inputs: [{from: s3://elsewhere/a, to: a}]\n'),
    ).toHaveLength(3);
  });
});
