import type { FailureKind } from './kind.ts';
import { both, ended, mentions, onOneNodeAlone, says } from './kind.ts';

const NOT_FOUND = /command not found|: not found$|: No such file or directory$/;

/** Programs, scripts, packages and files that are not there or do not fit. */
export const PROGRAMS: readonly FailureKind[] = [
  {
    name: 'windows-line-ends',
    matches: says(/\\r['’]|\$'\\r'|\^M: bad interpreter|\r/),
    why: 'the lines of a script end as on Windows (CR LF), and the CR counts as part of a name',
    next: "Convert the script before you submit: `sed -i 's/\\r$//' FILE`.",
  },
  {
    name: 'interpreter-missing',
    matches: says(/cannot execute: required file not found|bad interpreter: No such file/),
    why: 'the interpreter in the first line of a script was not found; line ends of Windows (CR LF) look the same',
    next: "Correct the first line (`#!/usr/bin/env python3`), or convert the script: `sed -i 's/\\r$//' FILE`.",
  },
  {
    name: 'text-busy',
    matches: says(/Text file busy|ETXTBSY/),
    why: 'the program was being written while it was started',
    next: 'Build or copy the program once, before the tasks: let no task write the file that others start.',
  },
  {
    name: 'arguments-too-long',
    matches: says(/Argument list too long|E2BIG/),
    why: 'a command had more arguments than Linux allows',
    next: 'Let `find … -exec … {} +` or `xargs` split the list of files.',
  },
  {
    name: 'exec-format',
    matches: says(/Exec format error|cannot execute binary file/),
    why: 'what was started is neither a program for this kind of processor nor a script that begins with `#!`',
    next: 'Build it for the architecture of the nodes (x86-64 unless the deployment says otherwise), or give the script a first line.',
  },
  {
    name: 'is-a-directory',
    matches: says(/: Is a directory$|IsADirectoryError|EISDIR/),
    why: 'a folder was named where a file is needed',
    next: 'Correct the path in the command.',
  },
  {
    name: 'syntax',
    matches: says(
      /bash: (?:-c: )?(?:line \d+: )?(?:syntax error|unexpected EOF)|syntax error near unexpected token|unexpected EOF while looking for matching|syntax error: unexpected end of file/,
    ),
    why: 'bash could not read the command',
    next: 'Correct the quotes and brackets of the command in the manifest: each line is run by bash as it stands.',
  },
  {
    name: 'unset-variable',
    matches: says(/: unbound variable$/),
    why: 'a variable of the shell was not set',
    next: 'Set it under `environment`, or in the command itself.',
  },
  {
    name: 'shell-set-up',
    matches: says(
      /(?:^|: )(?:conda|mamba|micromamba|module|ml|pyenv|nvm): (?:command )?not found|CondaError: Run 'conda init'|not been properly configured to use 'conda activate'/,
    ),
    why: 'the shell of a task reads no `.bashrc`, so what is set up there is missing',
    next: 'Call the program by its path (`/opt/conda/envs/NAME/bin/python`), or set the shell up in the command (`. /opt/conda/etc/profile.d/conda.sh && conda activate NAME && …`).',
  },
  {
    name: 'python-module-missing',
    matches: says(/ModuleNotFoundError|No module named/),
    why: 'a Python module was not found',
    next: 'Bring the module into the image or a virtual environment on shared storage, and set `PYTHONPATH` or `PATH` under `environment`.',
  },
  {
    name: 'library-missing',
    matches: says(
      /error while loading shared libraries|cannot open shared object file|version `(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+' not found|undefined symbol: /,
    ),
    why: 'a shared library was not found, or was another version than the program was built with',
    next: 'Bring the library into the image, or set `LD_LIBRARY_PATH` under `environment`; or build the program in the image.',
  },
  {
    name: 'python-versions',
    matches: says(
      /cannot import name (?!.*circular import)|numpy\.dtype size changed|numpy\.core\.multiarray failed to import|compiled using NumPy 1\.x cannot be run/,
    ),
    why: 'Python packages that do not fit each other were installed',
    next: 'Install the versions that the program was tested with (`pip freeze` where it works shows them).',
  },
  {
    name: 'package-missing',
    matches: says(
      /there is no package called|ArgumentError: Package \S{1,100} (?:\[|not found in current path)|Cannot find (?:module|package) '|Can't locate \S{1,200} in @INC|^lua\S{0,20}: \S{1,200} module '/,
    ),
    why: 'a package that the program loads was not installed',
    next: 'Install it in the image, or in an environment that `inputs` bring.',
  },
  {
    name: 'java-class',
    matches: says(
      /Could not find or load main class|ClassNotFoundException|UnsupportedClassVersionError|NoClassDefFoundError/,
    ),
    why: 'Java did not find a class, or one that a newer Java made',
    next: 'Check `-cp` and the folder that tasks start in; build for the Java that the image has.',
  },
  {
    name: 'ros-package',
    matches: says(
      /PackageNotFoundError: "package|ResourceNotFound: |RLException: \[\S+\] is neither a launch file/,
    ),
    why: 'ROS did not find a package',
    next: 'Source the workspace in the command (`. install/setup.bash && …`) or in the image’s entry.',
  },
  {
    name: 'argos-library',
    matches: mentions(/Can't load library "?\S+"? |ARGOS_PLUGIN_PATH/),
    why: 'ARGoS did not find a library of the experiment',
    next: 'Set `ARGOS_PLUGIN_PATH` under `environment` to the folder where the nodes have it.',
  },
  {
    name: 'encoding',
    matches: says(/Unicode(?:En|De)codeError: '(?:ascii|charmap|latin-1)' codec|unmappable character/),
    why: 'text beyond ASCII was read or written without UTF-8',
    next: 'Set `LANG: C.UTF-8` (for Python also `PYTHONUTF8: "1"`) under `environment`.',
  },
  {
    name: 'mpi-as-root',
    matches: mentions(/mpirun has detected an attempt to run as root/),
    why: 'Open MPI refuses to run as root',
    next: 'Add `--allow-run-as-root`, or set `OMPI_ALLOW_RUN_AS_ROOT: "1"` and `OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1"` under `environment`.',
  },
  {
    name: 'mpi-slots',
    matches: mentions(/There are not enough slots available in the system/),
    why: 'Open MPI was asked for more processes than it counts cores',
    next: 'Ask for fewer (`-np`), for more `cluster.vcpus`, or add `--map-by :OVERSUBSCRIBE`.',
  },
  {
    name: 'license',
    matches: says(
      /License checkout failed|Could not check ?out (?:a )?licen[sc]e|Failed to (?:obtain|check ?out) (?:a )?(?:valid )?licen[sc]e|GurobiError: (?:No Gurobi license|HostID mismatch)|connect to licen[sc]e server/i,
    ),
    why: 'the program got no license',
    next: 'Bring a license that holds on the nodes by `inputs` or in the image; a license server must be within their reach.',
  },
  {
    name: 'unknown-option',
    matches: says(
      /unrecognized (?:arguments|option)|unknown (?:option|argument|flag)|invalid option|no such option/i,
    ),
    why: 'the program does not know an option of the command',
    next: 'Correct the option in the manifest.',
  },
  {
    name: 'command-not-found-one-node',
    matches: (group, observed) => both(ended(127), says(NOT_FOUND))(group) && onOneNodeAlone(group, observed),
    why: 'the command was not found, and only on one node',
    next: 'Put the program on shared storage or in the image: what is installed on one node alone is not on the others.',
  },
  {
    name: 'command-not-found',
    matches: both(ended(127), says(NOT_FOUND)),
    why: 'the command was not found',
    next: 'Check the spelling in the manifest; bring the program in by `inputs` or in the image, and set `PATH` under `environment` if it is elsewhere.',
  },
  {
    name: 'not-executable',
    matches: both(ended(126), says(/Permission denied/)),
    why: 'the command was found but may not be executed',
    next: 'Make it executable (`chmod +x`) before you submit, or start it by its interpreter (`python3 sim.py`).',
  },
  {
    name: 'aws-denied',
    matches: says(
      /AccessDenied\b|is not authorized to perform|Unable to locate credentials|NoCredentialsError/,
    ),
    why: 'AWS refused what they asked for',
    next: 'Ask the operators of the deployment to let the job’s role do this.',
  },
  {
    name: 'read-only',
    matches: says(/Read-only file system|EROFS/i),
    why: 'they wrote where nothing may be written',
    next: 'Write below the folder that tasks start in, or to `$TMPDIR`.',
  },
  {
    name: 'permission',
    matches: says(/Permission denied(?! \(publickey)|PermissionError|EACCES|AccessDeniedException/i),
    why: 'a file or folder may not be read or written by the tasks’ user',
    next: 'Write below the folder that tasks start in, or change the permission of the file before you submit.',
  },
  {
    name: 'no-such-file',
    matches: (group) =>
      says(
        /No such file or directory|FileNotFound(?:Error|Exception)|NoSuchFileException|ENOENT|file not found|Unable to access jarfile/i,
      )(group) ||
      both(
        says(/cannot open the connection/),
        mentions(/cannot open file '[^'\n]{0,300}': No such file or directory/),
      )(group),
    why: 'a file that they needed was not there',
    next: 'Tasks start in the run’s folder on shared storage: bring the file in by `inputs`, and name it relative to there; a folder for results has to be made first (`mkdir -p results && …`).',
  },
];
