// What `sierra-batch init` writes, below the schema line. Each is valid as it stands; a test checks that.

const HEAD = `# An experiment for sierra-batch. \`sierra-batch validate\` checks this file, \`sierra-batch plan\` shows what it would run.
apiVersion: sierra-batch/v1
`;

const TAIL = `
# A folder on shared storage that outlives runs:
# workspace: my-workspace

timeouts: {queue: 6h, join: 10m, run: 2h, task: 10m}

# Attempts of the whole job when machines are lost, and how often a failing task is tried again.
retry: {attempts: 2, tasks: 1}

# The run ends when it has used this much instance time:
# budget: {maxNodeHours: 40}

# When to tell you: rejected, stuck, failed, succeeded, cancelled, timed-out.
# notify: [failed, succeeded]

# tags: {project: my-project}
`;

export const COMMANDS_MANIFEST = `${HEAD}name: my-sweep

# A node is a machine. vCPUs and memory left out are the deployment's.
cluster: {nodes: 2, vcpus: 2, memory: 1GiB}

run:
  commands:
    # One command for each combination; {key} is replaced, \${…} is the shell's.
    template: "mkdir -p results && echo seed {seed}, speed {speed} > results/{seed}-{speed}.txt"
    matrix:
      seed: {from: 1, to: 10}
      speed: [0.1, 0.5]
  # Tasks at once on each node:
  jobsPerNode: 2

# Files that tasks need: a folder beside this file is packed and sent along.
# inputs: [{from: ./project, to: .}]

# environment: {OMP_NUM_THREADS: "1"}

# What is kept in the bucket when the run has ended; relative to the folder in which tasks start.
outputs: [results/]
${TAIL}`;

export const SIERRA_MANIFEST = `${HEAD}name: my-swarms

# A node is a machine. vCPUs and memory left out are the deployment's.
cluster: {nodes: 2, vcpus: 2, memory: 1GiB}

run:
  sierra:
    # As on SIERRA's own command line. Left out, since sierra-batch supplies them: --execenv, --sierra-root, --nodefile,
    # --exec-jobs-per-node. Stages 1 and 2 run on all nodes, 3 to 5 on the first.
    args:
      - --project=projects.my_project
      - --engine=engine.argos
      - --expdef-template=project/template.argos
      - --controller=my.controller
      - --scenario=LowBlockCount.10x10x1
      - --batch-criteria
      - population_size.Log8
      - --n-runs=4
    # When runs of the experiment fail: go on to statistics with the others, or stop.
    onFailedRuns: process
  # Simulations at once on each node:
  jobsPerNode: 2

# Your project: a folder beside this file is packed and sent along, and SIERRA looks for its plugins there.
# inputs: [{from: ./project, to: project}]

# environment: {SIERRA_PLUGIN_PATH: project}

# What is kept in the bucket when the run has ended: SIERRA's own tree, which begins with the name of the project.
outputs: [projects.my_project/]
${TAIL}`;
