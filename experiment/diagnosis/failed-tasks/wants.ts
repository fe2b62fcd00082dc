import type { FailureKind } from './kind.ts';
import { FEWER_TASKS, mentions, says } from './kind.ts';

/** What a node, its network or its storage did not give them. */
export const WANTS: readonly FailureKind[] = [
  {
    name: 'disk-full',
    matches: mentions(/No space left on device|ENOSPC|Disk quota exceeded/),
    why: 'the disk that they wrote to was full',
    next: 'Write results to shared storage (relative paths are there) and not to `/tmp`, or ask the operators of the deployment for larger disks.',
  },
  {
    name: 'storage-stale',
    matches: says(/Stale (?:NFS )?file handle|ESTALE|Remote I\/O error|EREMOTEIO/),
    why: 'shared storage lost sight of a file that was replaced or removed under them',
    next: 'Let no other run or task remove or replace files that these read; then try again.',
  },
  {
    name: 'gpu-memory',
    matches: mentions(/CUDA(?: error:)? out of memory|CUDA_ERROR_OUT_OF_MEMORY|HIP out of memory/i),
    why: 'the memory of a graphics processor was used up',
    next: 'Lower `run.jobsPerNode` so that fewer tasks share a graphics processor, or make each need less.',
  },
  {
    name: 'gpu',
    matches: says(
      /no CUDA-capable device|CUDA driver version is insufficient|Found no NVIDIA driver|CUDA_ERROR_NO_DEVICE|hipErrorNoDevice|NVIDIA-SMI has failed|No CUDA GPUs are available/i,
    ),
    why: 'there was no graphics processor that they could use',
    next: 'Ask for `cluster.gpus`, on an instance type that has some.',
  },
  {
    name: 'java-heap',
    matches: mentions(
      /OutOfMemoryError: (?:Java heap space|GC overhead limit)|JavaScript heap out of memory/,
    ),
    why: 'they reached the limit that their own runtime sets to its heap',
    next: 'Raise that limit (`java -Xmx4g`, `node --max-old-space-size=4096`), and `cluster.memory` with it.',
  },
  {
    name: 'too-many-processes',
    matches: says(
      /fork: (?:retry: )?Resource temporarily unavailable|can't start new thread|pthread_create failed|unable to create (?:new )?native thread|Thread creation failed/i,
    ),
    why: 'there were more processes or threads than a node may have',
    next: 'Lower `run.jobsPerNode`, or the threads of each task (`run.threadsPerTask`).',
  },
  {
    name: 'task-memory',
    matches: says(
      /MemoryError|std::bad_alloc|Cannot allocate memory|cannot allocate vector of size|out of memory|Insufficient virtual memory|OutOfMemoryError/i,
    ),
    why: 'there was no memory left for them',
    next: FEWER_TASKS,
  },
  {
    name: 'no-network',
    matches: says(
      /Temporary failure in name resolution|Name or service not known|Could not resolve host|unable to resolve host|EAI_AGAIN|ENOTFOUND|UnknownHostException|Network is unreachable|ENETUNREACH|No route to host|Connection timed out|ETIMEDOUT|ConnectTimeout|\((?:28|7)\) (?:Failed to connect|Connection timed out|Couldn't connect)(?! to (?:localhost|127\.))/,
    ),
    why: 'they could not reach another machine; nodes reach the Internet only where the deployment allows it',
    next: 'Bring what they download in by `inputs` or in the image, or ask the operators of the deployment to deploy with `Internet=true`.',
  },
  {
    name: 'address-in-use',
    matches: says(/Address already in use|EADDRINUSE/),
    why: 'the network port that they wanted was taken, most often by another task on the same node',
    next: 'Give each task a port of its own, for instance `$((20000 + SIERRA_BATCH_SLOT))`.',
  },
  {
    name: 'no-display',
    matches: says(
      /(?:cannot|can't|could not|unable to) (?:open|connect to) (?:X )?display|no display name|Missing X server|could not load the Qt platform plugin|Failed to open display/i,
    ),
    why: 'they wanted a screen, and nodes have none',
    next: 'Run the program without its window (`QT_QPA_PLATFORM=offscreen`, `MPLBACKEND=Agg` under `environment`), or with `xvfb-run`.',
  },
  {
    name: 'shared-memory',
    matches: mentions(/\/dev\/shm|shm_open|insufficient shared memory/),
    why: 'shared memory (`/dev/shm`) was used up or out of reach',
    next: 'Raise `cluster.sharedMemory`.',
  },
  {
    name: 'file-locked',
    matches: says(/unable to lock file|database is locked|Unable to acquire lock/i),
    why: 'a file was open in another task',
    next: 'Give each task a file of its own; where tasks only read one HDF5 file, set `HDF5_USE_FILE_LOCKING: "FALSE"` under `environment`.',
  },
  {
    name: 'too-many-files',
    matches: says(/Too many open files|EMFILE/),
    why: 'they had more files open than one process may',
    next: 'Close files earlier, or raise the limit in the command itself (`ulimit -n 65536 && …`).',
  },
];
