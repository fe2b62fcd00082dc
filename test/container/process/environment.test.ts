import { describe, expect, it } from 'vitest';
import { addressIn, fromInterfaces } from '../../../container/node/address.ts';
import { readEnvironment } from '../../../container/process/environment.ts';
import { renderSshConfig } from '../../../container/ssh/client-config.ts';
import { renderSshdConfig, sessionEnvironment } from '../../../container/ssh/daemon-config.ts';
import { namesInParallel, taskEnvironment } from '../../../container/tasks/variables.ts';

const WORKER = {
  SIERRA_BATCH_RUN: 's3://my-bucket/runs/sweep-0123456789a',
  SIERRA_BATCH_SHARED: '/mnt/efs',
  AWS_REGION: 'eu-west-1',
  AWS_BATCH_JOB_ID: 'b1f7#2',
  AWS_BATCH_JOB_ATTEMPT: '3',
  AWS_BATCH_JOB_NUM_NODES: '4',
  AWS_BATCH_JOB_NODE_INDEX: '2',
  AWS_BATCH_JOB_MAIN_NODE_INDEX: '0',
  AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: '10.0.1.10',
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/worker',
  PATH: '/usr/bin',
};

function configOf(env: Record<string, string>) {
  const result = readEnvironment(env);
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result.config;
}

describe('the environment', () => {
  it('tells a node who it is; the job id comes without its node index', () => {
    expect(configOf(WORKER)).toMatchObject({
      bucket: 'my-bucket',
      runId: 'sweep-0123456789a',
      jobId: 'b1f7',
      attempt: 3,
      index: 2,
      nodes: 4,
      mainAddress: '10.0.1.10',
      joinPort: 7741,
      sshPort: 22,
      progressSeconds: 10,
      stopSeconds: 30,
      inContainer: true,
    });
  });

  it('tells a node how long it has to end, never less than Batch gives', () => {
    expect(configOf({ ...WORKER, SIERRA_BATCH_STOP_SECONDS: '120' }).stopSeconds).toBe(120);
    expect(readEnvironment({ ...WORKER, SIERRA_BATCH_STOP_SECONDS: '29' })).toMatchObject({
      ok: false,
      faults: [{ check: 'environment:SIERRA_BATCH_STOP_SECONDS' }],
    });
  });

  it('names every fault at once, each with what to do', () => {
    const result = readEnvironment({ AWS_BATCH_JOB_NODE_INDEX: '1', SIERRA_BATCH_SSH_PORT: '70000' });
    const names = result.ok ? [] : result.faults.map((fault) => fault.check.replace('environment:', ''));
    expect(names.sort()).toEqual([
      'AWS_BATCH_JOB_ID',
      'AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS',
      'AWS_BATCH_JOB_NODE_INDEX',
      'AWS_BATCH_JOB_NUM_NODES',
      'AWS_REGION',
      'SIERRA_BATCH_RUN',
      'SIERRA_BATCH_SHARED',
      'SIERRA_BATCH_SSH_PORT',
    ]);
    expect(result.ok ? [] : result.faults.filter((fault) => fault.todo === '')).toEqual([]);
  });

  it('asks no main address of main', () => {
    const { AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: _, ...main } = WORKER;
    expect(configOf({ ...main, AWS_BATCH_JOB_NODE_INDEX: '0' }).mainAddress).toBeUndefined();
  });
});

describe('a node’s own address', () => {
  it('is the first of ECS’ metadata, whatever else is in there', () => {
    expect(addressIn({ Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: ['10.0.2.106'] }] })).toBe(
      '10.0.2.106',
    );
    for (const metadata of [null, 'x', {}, { Networks: 1 }, { Networks: [{ IPv4Addresses: [1] }] }])
      expect(addressIn(metadata)).toBeUndefined();
  });

  it('is never loopback nor ECS’ own 169.254', () => {
    const one = (address: string, internal = false) => [
      { address, internal, family: 'IPv4' as const, netmask: '', mac: '', cidr: null },
    ];
    const interfaces = {
      lo: one('127.0.0.1', true),
      'ecs-eth0': one('169.254.172.2'),
      eth0: one('10.0.1.7'),
    };
    expect(fromInterfaces(interfaces)).toBe('10.0.1.7');
    expect(fromInterfaces({ lo: one('127.0.0.1', true) })).toBeUndefined();
  });
});

describe('what tasks get', () => {
  it('are the names that PARALLEL lists, in any way of writing them', () => {
    expect(namesInParallel('--env A --env=B,C --jobs 3 --env "D" --env _ --environment X')).toEqual([
      'A',
      'B',
      'C',
      'D',
    ]);
    expect(namesInParallel('')).toEqual([]);
  });

  it('is the manifest’s word before node 0’s, and nothing that nobody has', () => {
    const environment = taskEnvironment(
      { environment: { PATH: '/opt/bin', PARALLEL: '--env NAMED --env ABSENT' } },
      { PATH: '/usr/bin', NAMED: 'x', OTHER: 'y' },
    );
    expect(environment).toEqual({
      LANG: 'C.UTF-8',
      PATH: '/opt/bin',
      PARALLEL: '--env NAMED --env ABSENT',
      NAMED: 'x',
    });
  });

  it('is the locale of the image or machine, unless the manifest says what that would overrule', () => {
    const own = { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', LC_NUMERIC: 'C', LC_CTYPE: '' };
    const of = (environment: Record<string, string>, variables: Record<string, string> = own) =>
      taskEnvironment({ environment }, variables);
    expect(of({})).toEqual({ LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', LC_NUMERIC: 'C' });
    expect(of({ LANG: 'C' })).toEqual({ LANG: 'C' });
    expect(of({ LC_TIME: 'C' })).toEqual({ LANG: 'de_DE.UTF-8', LC_NUMERIC: 'C', LC_TIME: 'C' });
    expect(of({}, { LC_TIME: 'C' })).toEqual({ LANG: 'C.UTF-8', LC_TIME: 'C' });
  });

  it('are as many threads as they have, unless the manifest sets them', () => {
    expect(taskEnvironment({ environment: { MKL_NUM_THREADS: '9' }, threads: 2 }, {})).toMatchObject({
      OMP_NUM_THREADS: '2',
      NUMBA_NUM_THREADS: '2',
      MKL_NUM_THREADS: '9',
    });
  });

  it('are the node’s own AWS variables by its own sshd, never a line break into its configuration', () => {
    const config = configOf({
      ...WORKER,
      AWS_BATCH_CE_NAME: 'with "quotes" and \\',
      AWS_SESSION_TOKEN: 'two\nlines',
      SECRET_OF_THE_USER: 'x',
    });
    const environment = sessionEnvironment(config, '/tmp/p');
    expect(environment).toMatchObject({
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/worker',
      AWS_BATCH_JOB_ID: 'b1f7#2',
      SIERRA_BATCH_NODE: 'b1f7-3-2',
      HOME: '/tmp/p/home',
      SHLVL: '1',
    });
    expect(Object.keys(environment)).not.toContain('SECRET_OF_THE_USER');
    const text = renderSshdConfig({
      folder: '/tmp/p',
      address: '10.0.1.12',
      port: 22,
      user: 'sierra',
      fanout: 'pool',
      sessionEnvironment: environment,
    });
    expect(text.match(/^SetEnv /gm)).toHaveLength(1);
    // Each silent connection of a stranger's is a process for half a minute.
    expect(text).toMatch(/^MaxStartups 20$/m);
    expect(text).toContain('"AWS_BATCH_CE_NAME=with \\"quotes\\" and \\\\"');
    expect(text).not.toContain('two\nlines');
  });
});

describe('the ssh configuration', () => {
  it('keeps a percent sign of a folder from being a token', () => {
    const text = renderSshConfig({
      folder: '/tmp/100%h',
      user: 'u',
      port: 22,
      clientKeyFile: '/tmp/100%h/client_key',
      ownAddress: '10.0.1.10',
    });
    expect(text).toContain('IdentityFile "/tmp/100%%h/client_key"');
    expect(text).toContain('ControlPath "/tmp/100%%h/m-%h"');
  });
});
