import type { Saying } from '../text/says.ts';

/** What SIERRA 1.5 says when it fails outside its runs, as its awsbatch plugin and its pipeline word it. */
export const SIERRA_MESSAGES: readonly { messages: readonly Saying[]; why: string; next: string }[] = [
  {
    messages: [/Non-AWS Batch environment detected/],
    why: 'SIERRA did not see the variables that AWS Batch sets on every node.',
    next: 'Do not clear the environment in a wrapper around `sierra`; start SIERRA by `run.sierra` alone.',
  },
  {
    messages: [/Non-hpc\.awsbatch environment detected/, [/SIERRA_NODEFILE '/, /' does not exist/]],
    why: 'SIERRA did not find the list of nodes.',
    next: 'Leave `--nodefile` and `SIERRA_NODEFILE` to sierra-batch, which writes that list.',
  },
  {
    messages: [/visual capture not supported/i],
    why: 'SIERRA’s visual capture (`--engine-vc`) does not work on AWS Batch.',
    next: 'Take `--engine-vc` out of `run.sierra.args` and submit again.',
  },
  {
    messages: [/does not implement ExpShellCmdsGenerator/],
    why: 'SIERRA was asked to run one experiment after another; on AWS Batch it can only run all of them as one batch.',
    next: 'Take `--exec-parallelism-paradigm` out of `run.sierra.args`: sierra-batch supplies `per-batch`.',
  },
  {
    messages: [[/FileExistsError/s, /exp-inputs/]],
    why: 'The inputs of this experiment are already there from an earlier run, and SIERRA refuses to make them twice.',
    next: 'Go on with the earlier run by `resume:` in the manifest, name another `workspace`, or have all of it generated and run again with `--exp-overwrite`.',
  },
  {
    messages: [
      [/FileNotFoundError/s, /exp-inputs/],
      [/commands\.txt/s, /No such file|does not exist/],
    ],
    why: 'Stage 2 found no inputs: stage 1 has not been run in this folder.',
    next: 'Add stage 1 to `--pipeline`, or name the `workspace` in which it was run.',
  },
  {
    messages: [/--jobs(\/-j\/--max-procs\/-P)? (None|failed)|--jobs None|Parsing of --jobs/],
    why: 'SIERRA handed GNU parallel no number of jobs, because on AWS Batch it computes none.',
    next: 'Set `run.jobsPerNode` in the manifest, and start SIERRA by `run.sierra` alone.',
  },
  {
    messages: [/Command line too long/],
    why: 'A command is longer than GNU parallel can send over ssh (about 63,000 bytes), which ends its whole run.',
    next: 'Use `fanout: pool`, which has no such limit, or shorten the paths.',
  },
  {
    messages: [/pyarrow requires NumPy/],
    why: 'The installed pyarrow needs numpy 2, and SIERRA needs numpy below 2.',
    next: "Install `pyarrow<20` in the image or the virtual environment beside SIERRA (`pip install sierra-research 'pyarrow<20'`), and resume.",
  },
  {
    messages: [
      /np\.float_|numpy\.core\.multiarray failed to import|compiled using NumPy 1|was removed in the NumPy 2\.0/,
    ],
    why: 'SIERRA needs numpy below 2, and a newer one is installed.',
    next: 'Install `numpy<2` in the image or the virtual environment, and resume.',
  },
  {
    messages: [/ROS1|ros1gazebo/i],
    why: 'SIERRA’s ROS1 with Gazebo does not work on AWS Batch.',
    next: 'Run this experiment with another engine, or on machines of your own.',
  },
  {
    messages: [/ModuleNotFoundError|No module named|ImportError/],
    why: 'SIERRA could not load a Python module, most often the project or a plugin.',
    next: 'Set `SIERRA_PLUGIN_PATH` (and `PYTHONPATH`) under `environment` to where `inputs` brings the project.',
  },
  {
    messages: [/@implements/, [/does not match/, /signature/], [/TypeError:/, /unexpected keyword/]],
    why: 'A plugin was written for another version of SIERRA.',
    next: 'Use the SIERRA version the project was written for, or adapt the plugin.',
  },
  {
    messages: [[/Required \.\w+ packages /, / missing/]],
    why: 'SIERRA looked for a system package that the image does not have.',
    next: 'Add it to the image, or `--skip-pkg-checks` to `run.sierra.args` where SIERRA works without.',
  },
  {
    messages: [/latex|dvipng|kpsewhich/i],
    why: 'Stage 4 draws its text with LaTeX, which is not in the image.',
    next: 'Switch `text.usetex` off in the project’s configuration, or add LaTeX to the image; then resume.',
  },
  {
    messages: [/the following arguments are required|unrecognized arguments|invalid choice/],
    why: 'SIERRA does not accept one of its options.',
    next: 'Correct `run.sierra.args` and submit again; `sierra --help` lists the options.',
  },
];
