import type { Judged } from './rule-context.ts';

/** Nodes, memory and vCPUs beside each other. */
export function judgeCluster(judged: Judged): void {
  const nodes = judged.number(['cluster', 'nodes']);
  const minNodes = judged.number(['minNodes']);
  if (nodes !== undefined && minNodes !== undefined && minNodes > nodes)
    judged.fault(['minNodes'], 'out-of-range', `${minNodes} is more than the ${nodes} nodes of the cluster`);
  const memory = judged.size(['cluster', 'memory']);
  const shared = judged.size(['cluster', 'sharedMemory']);
  if (memory !== undefined && shared !== undefined && shared > memory)
    judged.fault(
      ['cluster', 'sharedMemory'],
      'out-of-range',
      'shared memory is part of the memory and cannot be more',
    );
  const vcpus = judged.number(['cluster', 'vcpus']);
  const threads = judged.number(['run', 'threadsPerTask']);
  const jobs = judged.number(['run', 'jobsPerNode']);
  if (vcpus !== undefined && threads !== undefined && threads > vcpus)
    judged.fault(
      ['run', 'threadsPerTask'],
      'out-of-range',
      `${threads} threads do not fit the ${vcpus} vCPUs of a node`,
    );
  if (vcpus !== undefined && jobs !== undefined && jobs * (threads ?? 1) > vcpus) {
    judged.warn(
      ['run', 'jobsPerNode'],
      'crowded',
      `${jobs} tasks at once with ${threads ?? 1} thread(s) each are more than the ${vcpus} vCPUs of a node: they will slow each other down`,
    );
  }
}
