# One job of a node's GNU parallel: runs a group of tasks one after another, each in a fresh bash and a process group of
# its own, with its own files in the results tree, its own row and its own time limit. As GNU parallel does over ssh, a task
# is a script of its own and not `bash -c`: that would exit 127 for an unset variable where a script exits 1, and be silent
# about a program that was killed.
#
#   perl group.pl ID_BUDGET_PATIENCE_LIMIT_FIRST.COUNT.OFFSET.LENGTH[_…]
#
# BUDGET: milliseconds after which tasks that have not begun are given back. They are as well when one task takes a quarter of
# a second, so that none waits behind a long one, and when no slot was free for PATIENCE milliseconds.
# LIMIT: milliseconds a task may take, 0 for no limit. Then ranges of the frozen list: the sequence number of the first
# command, how many, and where their lines lie in the file.
# There may be more groups than slots: a task begins with the token of a slot. So another task runs while its files are opened
# on storage that takes its time, or while this program starts.
# stdout: `R ID SEQ START RUNTIME EXITVAL SIGNAL BYTES OPENING` a task, OPENING in seconds, `G ID SEQ` for one given back, `E ID` at the end,
# `F ID MESSAGE` when the results cannot be written. Whole lines are written, at most PIPE_BUF of them at once: those of
# several groups never mix. Rows of short tasks go together, since each write wakes sshd, ssh and node 0.
#
# Without modules, `strict` among them: to load them takes twice as long as all else at the start, and each task's fork copies
# what they take. What they would do is done by the system's own calls; a test has this read with `strict` and `warnings`.
sub EINTR() { 4 }
sub WNOHANG() { 1 }
sub O_WRONLY() { 01 }
sub O_CREAT() { 0100 }
sub CLOCK_REALTIME() { 0 }
sub CLOCK_MONOTONIC() { 1 }
sub CLOCK_BOOTTIME() { 7 }
# Of /proc, on every machine.
sub TICKS_A_SECOND() { 100 }
sub ITIMER_REAL() { 0 }
sub PR_SET_CHILD_SUBREAPER() { 36 }
# In seconds.
sub TICK() { 0.05 }
sub SAID_WITHIN() { 0.5 }
sub LONG() { 0.25 }
sub MAX_BYTES() { 3500 }

my ($descriptor) = @ARGV;
my $scratch = delete $ENV{SIERRA_BATCH_POOL};
# To a task it looks as if node 0's GNU parallel had sent it here.
$ENV{PARALLEL_SSHLOGIN} = $ENV{PARALLEL_SSHHOST} = delete $ENV{SIERRA_BATCH_POOL_ADDRESS};
my $scripts = delete $ENV{SIERRA_BATCH_POOL_SCRIPTS};
my ($clock_gettime, $setitimer, $prctl) = split / /, delete $ENV{SIERRA_BATCH_POOL_CALLS};
open(my $tokens, '+<:unix', $ENV{SIERRA_BATCH_POOL_TOKENS}) or die "pool: $ENV{SIERRA_BATCH_POOL_TOKENS}: $!\n";
delete $ENV{SIERRA_BATCH_POOL_TOKENS};
my ($id, $budget, $patience, $limit, @ranges) = split /_/, $descriptor;
# The standard streams are the tasks': a task inherits them as they are, and nothing is left to do between fork and exec.
open(my $node0, '>&:unix', \*STDOUT) or die "pool: $!\n";
open(my $own_errors, '>&:unix', \*STDERR) or die "pool: $!\n";
$SIG{__WARN__} = sub { syswrite $own_errors, "pool: $_[0]" };
open(STDIN, '<', '/dev/null') or die "pool: $!\n";
my ($unsent, $sending, $sent_at, $ticking) = ('', 0, 0, 0);
my ($commands, $results, $workdir) = settings("$scratch/settings");
delete @ENV{qw(PARALLEL_SHELL PARALLEL_TMP PARALLEL_HOME), split / /, delete $ENV{SIERRA_BATCH_POOL_UNSET}};
for (grep /\ASIERRA_BATCH_POOL_TASK_/, keys %ENV) { $ENV{s/\ASIERRA_BATCH_POOL_TASK_//r} = delete $ENV{$_} }
# What a task leaves behind becomes a child of ours, in whatever session it is: so it is known whether anything is left.
my $inherits = syscall($prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;

# The task under way: its process, when it began, when it was told to end because its time was over.
my ($child, $start, $ended_at) = (0, 0, 0);
$SIG{TERM} = $SIG{INT} = $SIG{HUP} = sub { kill 'TERM', -$child if $child; send_lines(); exit 143 };
$SIG{PIPE} = 'DEFAULT';
$SIG{CHLD} = 'DEFAULT';
$SIG{ALRM} = \&tick;
# Perl takes handlers away while it ends: a tick that comes then would kill it, and the node would look broken.
END { tick_every(0) }

# A program that is not there: the linker then knows what it would look for in every child that is to become a task.
{ local $^W = 0; exec { '' } '' }

my @tasks;
open(my $list, '<:raw', $commands) or failed("cannot read $commands: $!");
for my $range (@ranges) {
    my ($first, $count, $offset, $length) = split /\./, $range;
    seek($list, $offset, 0);
    my $block = '';
    read($list, $block, $length) == $length or failed("$commands is shorter than planned");
    my @lines = split /\n/, $block, -1;
    push @tasks, map { [$first + $_, $lines[$_] // ''] } 0 .. $count - 1;
}
close $list;
chdir $workdir or failed("cannot enter $workdir: $!");

my $begin = now();
my ($late, $waits, $opening) = (0, 0, 0);
while (my $task = shift @tasks) {
    run(@$task);
    if (@tasks && ($late || now() > $begin + $budget / 1000)) { give_back() }
}
say_line("E $id");
send_lines();

sub run {
    my ($seq, $command) = @_;
    my $asked = now();
    # No clock ticks while storage is asked: each signal would be a message to it. What would be told too late is told now.
    send_lines() if $asked + $opening > $sent_at + SAID_WITHIN;
    my ($folder, $is_new) = results_folder($command);
    $ENV{PARALLEL_SEQ} = $seq;
    my $script = "$scripts/par-job-$seq";
    # On its second line, as GNU parallel has it: bash's messages say so.
    put($script, "\n$command");
    # Who has no slot yet leaves another's files alone: a command of the same beginning may be running in this folder.
    put("$folder/seq", $seq) if $is_new;
    {
        # With a buffer Perl would ask of each whether it is a terminal, and FUSE asks its program that.
        BEGIN { ${^OPEN} = ":unix\0:unix" }
        sysopen(STDOUT, "$folder/stdout", O_WRONLY | O_CREAT) or failed("cannot write $folder/stdout: $!");
        sysopen(STDERR, "$folder/stderr", O_WRONLY | O_CREAT) or failed("cannot write $folder/stderr: $!");
    }
    $opening = now() - $asked;
    my $token = take_token();
    if (!$token) {
        unlink $script;
        say_line("G $id $seq");
        return;
    }
    if (!$is_new || -s STDOUT || -s STDERR) {
        put("$folder/seq", $seq);
        truncate(STDOUT, 0) && truncate(STDERR, 0) or failed("cannot empty the files in $folder: $!");
    }
    $ENV{PARALLEL_JOBSLOT} = unpack 'n', $token;
    ($start, $ended_at) = (now(), 0);
    my $time_of_day = clock(CLOCK_REALTIME);
    watch();
    $child = fork // failed("fork: $!");
    if ($child == 0) {
        setpgrp 0, 0;
        { exec { '/bin/bash' } '/bin/bash', $script }
        print STDERR "/bin/bash: $!\n";
        exit 126;
    }
    # Both sides set the group: whoever comes first, a signal sent now reaches it.
    setpgrp $child, $child;
    waitpid $child, 0;
    my $status = $?;
    unlink $script;
    if ($ended_at) { end_rest() }
    else { settle($folder) }
    my $runtime = now() - $start;
    $child = 0;
    unwatch();
    syswrite($tokens, $token);
    my $signal = $status & 127;
    # As stock over ssh reports it: 128 + signal, and no signal.
    my $exitval = $ended_at ? 124 : $signal ? 128 + $signal : $status >> 8;
    my $bytes = -s STDOUT // 0;
    say_line(sprintf 'R %s %d %.3f %.3f %d 0 %d %.4f', $id, $seq, $time_of_day, $runtime, $exitval, $bytes, $opening);
}

# Waits for a slot of this node. Without one, after a while: another node may have a free one.
sub take_token {
    my $until = now() + $patience / 1000;
    $waits = 1;
    watch();
    my $token;
    until (sysread($tokens, $token, 2)) {
        if (now() < $until) { next }
        $late = 1;
        last;
    }
    $waits = 0;
    return $token;
}

# The clock ticks while there is something to watch beside the task's end.
sub watch {
    return if $ticking || !($waits || @tasks || $limit || $unsent ne '');
    $ticking = 1;
    tick_every(TICK);
}

sub unwatch {
    return unless $ticking;
    $ticking = 0;
    tick_every(0);
}

# Sends rows that wait, gives back the tasks that do, ends the task whose time is over. Runs within waitpid.
sub tick {
    my $now = now();
    send_lines() if $now > $sent_at + SAID_WITHIN;
    return unless $child;
    if (@tasks && $now > over_budget()) { give_back(); send_lines() }
    if ($limit && $now > $start + $limit / 1000) { end_task($now) }
    unwatch() unless @tasks || $limit || $unsent ne '';
}

# TERM to the task and all it started, KILL to what is left half a second later.
sub end_task {
    my ($now) = @_;
    if (!$ended_at) {
        $ended_at = $now;
        kill 'TERM', -$child;
        kill 'CONT', -$child;
        signal_rest('TERM');
    } elsif ($now > $ended_at + 0.5) {
        kill 'KILL', -$child;
    }
}

# What a task that was ended started and left behind has had its time, too, and the same half second to end by itself.
sub end_rest {
    while (leaves_something() && now() <= $ended_at + 0.5) { select undef, undef, undef, 0.02 }
    kill 'KILL', -$child;
    for (1 .. 10) {
        last unless signal_rest('KILL');
        select undef, undef, undef, 0.01;
        leaves_something();
    }
}

# To all that descends from the task in groups or sessions of their own, as timeout(1) and setsid(1) make them. What earlier
# tasks left behind is older. Answers how many there were.
sub signal_rest {
    my ($signal) = @_;
    my $since = $start + clock(CLOCK_BOOTTIME) - now() - 1 / TICKS_A_SECOND;
    opendir(my $proc, '/proc') or return 0;
    my (%children, %is_spared);
    for my $pid (grep { /\A\d+\z/ } readdir $proc) {
        open(my $stat, '<', "/proc/$pid/stat") or next;
        my ($fields) = (<$stat> // '') =~ /\A.*\) (.*)/s or next;
        my ($state, $parent, $group, $began) = (split / /, $fields)[0, 1, 2, 19];
        push @{$children{$parent}}, $pid;
        $is_spared{$pid} = $began / TICKS_A_SECOND < $since || $group == $child || $state eq 'Z';
    }
    my ($found, @heirs) = (0, $$);
    while (defined(my $pid = shift @heirs)) {
        my @own = @{$children{$pid} // []};
        push @heirs, @own;
        $found += kill $signal, grep { !$is_spared{$_} } @own;
    }
    return $found;
}

# When the tasks that wait behind the one under way are given back.
sub over_budget {
    my ($all, $one) = ($begin + $budget / 1000, $start + LONG);
    return $all < $one ? $all : $one;
}

# Over ssh a task is over when the last process holding its output is: a background child's late output belongs to it.
sub settle {
    my ($folder) = @_;
    my $nap = 0.005;
    # Its time may be over meanwhile: then the clock ends what is left.
    while (leaves_something()) {
        return unless holds_output($folder);
        select undef, undef, undef, $nap;
        $nap = $nap * 1.5 > 0.2 ? 0.2 : $nap * 1.5;
    }
}

sub leaves_something {
    my $pid;
    1 while ($pid = waitpid -1, WNOHANG) > 0;
    return $inherits ? $pid == 0 : kill 0, -$child;
}

sub holds_output {
    my ($folder) = @_;
    my %ours = map { my @s = stat "$folder/$_"; @s ? ("$s[0]:$s[1]" => 1) : () } qw(stdout stderr);
    opendir(my $proc, '/proc') or return 0;
    my (%children, @left);
    for my $pid (grep { /\A\d+\z/ } readdir $proc) {
        open(my $stat, '<', "/proc/$pid/stat") or next;
        my ($state, $parent, $group) = (<$stat> // '') =~ /\A.*\) (\S) (\d+) (\d+) /s or next;
        push @{$children{$parent}}, $pid;
        push @left, $pid if $group == $child && $state ne 'Z';
    }
    my @heirs = ($$);
    while (defined(my $pid = shift @heirs)) {
        push @left, @{$children{$pid} // []};
        push @heirs, @{$children{$pid} // []};
    }
    for my $pid (@left) {
        opendir(my $open, "/proc/$pid/fd") or next;
        for my $fd (readdir $open) {
            my @s = stat "/proc/$pid/fd/$fd";
            return 1 if @s && $ours{"$s[0]:$s[1]"};
        }
    }
    return 0;
}

# Seconds of a clock that nobody sets, to the microsecond and better: what takes how long.
sub now { return clock(CLOCK_MONOTONIC) }

sub clock {
    my $time = pack 'q2', 0, 0;
    syscall $clock_gettime, $_[0], $time;
    my ($seconds, $nanoseconds) = unpack 'q2', $time;
    return $seconds + $nanoseconds / 1e9;
}

# 0: no longer.
sub tick_every {
    my $interval = pack 'q4', (0, $_[0] * 1e6) x 2;
    syscall $setitimer, ITIMER_REAL, $interval, 0;
}

sub give_back {
    say_line("G $id $_->[0]") for splice @tasks;
    $late = 1;
}

# GNU parallel's folder for a command: `\`, tab and `/` escaped, cut at the file system's 255 bytes.
sub results_folder {
    my ($name) = @_;
    $name =~ s/\\/\\\\/g;
    $name =~ s/\t/\\t/g;
    $name =~ s/\0/\\0/g;
    $name =~ s:/:\\_:g;
    my $folder = "$results/1/" . substr $name, 0, 255;
    my $is_new = mkdir $folder;
    $is_new or -d $folder or failed("cannot make a folder in $results: $!");
    return ($folder, $is_new);
}

sub put {
    my ($path, $text) = @_;
    open(my $file, '>:unix', $path) or failed("cannot write $path: $!");
    syswrite($file, $text) // failed("cannot write $path: $!");
    close $file or failed("cannot write $path: $!");
}

sub settings {
    my ($path) = @_;
    open(my $file, '<', $path) or failed("cannot read $path: $!");
    local $/;
    return split /\0/, <$file>;
}

sub failed {
    my ($message) = @_;
    $message =~ s/\s+/ /g;
    say_line("F $id " . substr $message, 0, 800);
    send_lines();
    exit 1;
}

sub say_line {
    my ($line) = @_;
    send_lines() if length($unsent) + length $line > MAX_BYTES;
    $unsent .= "$line\n";
}

# The clock may tick in the midst of it.
sub send_lines {
    return if $sending || $unsent eq '';
    $sending = 1;
    my ($lines, $from) = ($unsent, 0);
    $unsent = '';
    while ($from < length $lines) {
        my $written = syswrite($node0, $lines, length($lines) - $from, $from);
        if (defined $written) { $from += $written }
        elsif ($! != EINTR) { exit 1 }
    }
    ($sending, $sent_at) = (0, now());
}
