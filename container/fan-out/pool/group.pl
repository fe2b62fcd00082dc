# One job of a node's GNU parallel: runs a group of tasks one after another, each in a fresh bash and a process group of
# its own, with its own files in the results tree, its own row and its own time limit. As GNU parallel does over ssh, a task
# is a script of its own and not `bash -c`: that would exit 127 for an unset variable where a script exits 1, and be silent
# about a program that was killed.
#
#   perl group.pl ID_BUDGET_PATIENCE_LIMIT_FIRST.COUNT.OFFSET.LENGTH.TRY[_…]
#
# BUDGET: milliseconds after which tasks that have not begun are given back. They are as well when one task takes a quarter of
# a second, so that none waits behind a long one, and when no slot was free for PATIENCE milliseconds.
# LIMIT: milliseconds a task may take, 0 for no limit. Then ranges of the frozen list: the sequence number of the first
# command, how many, where their lines lie in the file, and the how manieth try of them this is.
# There may be more groups than slots: a task begins with the token of a slot. So another task runs while its files are opened
# on storage that takes its time, or while this program starts.
# stdout: `S ID SEQ` once a task that is not over at once has begun, `L ID SEQ TEXT` with the end of what a failed one said on
# stderr, then `R ID SEQ START RUNTIME EXITVAL SIGNAL BYTES OPENING LEFT OOM`: OPENING in seconds, LEFT processes that left the task and
# run on, OOM 1 where the kernel killed for memory while it ran. `G ID SEQ` for one given back, `E ID` at the end, `N ID MESSAGE` when
# this node cannot start tasks, `D ID SEQ` when the folder that tasks start in is gone since that task, `F ID MESSAGE` when the
# results cannot be written. Whole lines are written, at most PIPE_BUF of them at once: those of
# several groups never mix. Rows of short tasks go together, since each write wakes sshd, ssh and node 0.
#   perl group.pl ready: tells the agent that GNU parallel starts jobs as their lines come.
#
# Without modules, `strict` among them: to load them takes twice as long as all else at the start, and each task's fork copies
# what they take. What they would do is done by the system's own calls; a test has this read with `strict` and `warnings`.
sub ENOENT() { 2 }
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
# Of what a failed task said; escaped it fits a message.
sub TAIL_BYTES() { 1500 }
# A signal that comes just before a wait does not end it.
sub LOOK() { 1 }

my ($descriptor) = @ARGV;
my ($agent) = $ENV{SIERRA_BATCH_POOL_TOKENS} =~ m:/proc/(\d+)/:;
if ($descriptor eq 'ready') { kill 'USR1', $agent; exit 0 }
my $scratch = delete $ENV{SIERRA_BATCH_POOL};
# To a task it looks as if node 0's GNU parallel had sent it here.
$ENV{PARALLEL_SSHLOGIN} = $ENV{PARALLEL_SSHHOST} = delete $ENV{SIERRA_BATCH_POOL_ADDRESS};
my ($scripts, $slots, $oom_file) = delete @ENV{qw(SIERRA_BATCH_POOL_SCRIPTS SIERRA_BATCH_POOL_SLOTS SIERRA_BATCH_POOL_OOM)};
my ($clock_gettime, $setitimer, $prctl) = split / /, delete $ENV{SIERRA_BATCH_POOL_CALLS};
open(my $tokens, '+<:unix', $ENV{SIERRA_BATCH_POOL_TOKENS}) or die "pool: $ENV{SIERRA_BATCH_POOL_TOKENS}: $!\n";
delete $ENV{SIERRA_BATCH_POOL_TOKENS};
my ($id, $budget, $patience, $limit, @ranges) = split /_/, $descriptor;
open(my $node0, '>&:unix', \*STDOUT) or die "pool: $!\n";
open(my $own_errors, '>&:unix', \*STDERR) or die "pool: $!\n";
$SIG{__WARN__} = sub { syswrite $own_errors, "pool: $_[0]" };
# The standard streams of a task: it inherits the first, and gets pipes for the others.
open(STDIN, '<', '/dev/null') or die "pool: $!\n";
open(STDOUT, '>', '/dev/null') or die "pool: $!\n";
open(STDERR, '>', '/dev/null') or die "pool: $!\n";
my ($unsent, $sending, $sent_at, $ticking, $unheard) = ('', 0, 0, 0, 0);
my ($commands, $results, $workdir, $grace, $gpus, $most_mib) = settings("$scratch/settings");
delete @ENV{qw(PARALLEL_SHELL PARALLEL_TMP PARALLEL_HOME), split / /, delete $ENV{SIERRA_BATCH_POOL_UNSET}};
for (grep /\ASIERRA_BATCH_POOL_TASK_/, keys %ENV) { $ENV{s/\ASIERRA_BATCH_POOL_TASK_//r} = delete $ENV{$_} }
# What the manifest sets is the task's; what it leaves out is made here.
my $makes_tmp = !defined $ENV{TMPDIR};
my @makes_gpus = $gpus ? grep { !defined $ENV{$_} } qw(CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES) : ();
# What a task leaves behind becomes a child of ours, in whatever session it is: so it is known whether anything is left.
my $inherits = syscall($prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;

# The task under way: its process, its number, when it began, when it was told to end because of a limit, its output.
my ($child, $current, $start, $ended_at, $is_told) = (0, 0, 0, 0, 0);
my (@streams, $session, %drains);
# Of both streams together: bytes that came, and whether they were more than a task may write.
my ($came, $is_over) = (0, 0);
my $wanted = '';
# Told to end, it goes on to take what its task says until that has ended.
my $ends = 0;
$SIG{TERM} = $SIG{INT} = $SIG{HUP} = sub {
    $ends = 1;
    if ($child) { kill 'TERM', -$child }
    else { send_lines(); exit 143 }
};
# Handlers, since what is ignored here would be ignored by tasks.
$SIG{PIPE} = $SIG{CHLD} = sub { };
$SIG{ALRM} = \&tick;
# Perl takes handlers away while it ends: a tick that comes then would kill it, and the node would look broken.
END { tick_every(0) if $setitimer }

# A program that is not there: the linker then knows what it would look for in every child that is to become a task.
{ local $^W = 0; exec { '' } '' }

my @tasks;
open(my $list, '<:raw', $commands) or failed("cannot read $commands: $!");
for my $range (@ranges) {
    my ($first, $count, $offset, $length, $try) = split /\./, $range;
    seek($list, $offset, 0);
    my $block = '';
    read($list, $block, $length) == $length or failed("$commands is shorter than planned");
    my @lines = split /\n/, $block, -1;
    push @tasks, map { [$first + $_, $lines[$_] // '', $try] } 0 .. $count - 1;
}
close $list;
unless (chdir $workdir) {
    if ($! == ENOENT) { removed(0) }
    failed("cannot enter $workdir: $!");
}
opendir(my $here, '.');

my $begin = now();
my ($late, $waits, $opening) = (0, 0, 0);
my $oom_kills = oom_kills();
while (my $task = shift @tasks) {
    run(@$task);
    if (@tasks && ($late || now() > $begin + $budget / 1000)) { give_back() }
}
say_line("E $id");
send_lines();

sub run {
    my ($seq, $command, $try) = @_;
    my $asked = now();
    # No clock ticks while storage is asked: each signal would be a message to it. What would be told too late is told now.
    send_lines() if $asked + $opening > $sent_at + SAID_WITHIN;
    my ($folder, $is_new) = results_folder($command);
    @ENV{qw(PARALLEL_SEQ SIERRA_BATCH_TASK SIERRA_BATCH_TRY)} = ($seq, $seq, $try);
    my $script = "$scripts/par-job-$seq";
    my $tmp = "$scripts/tmp-$seq";
    # A task may have removed its HOME, where both lie.
    mkdir $scripts, 0700 unless -d $scripts;
    # On its second line, as GNU parallel has it: bash's messages say so.
    put($script, "\n$command") or cannot($seq, "cannot write $script: $!");
    if ($makes_tmp) {
        mkdir $tmp, 0700 or -d $tmp or cannot($seq, "cannot make $tmp: $!");
        $ENV{TMPDIR} = $tmp;
    }
    # Who has no slot yet leaves another's files alone: a command of the same beginning may be running in this folder.
    if ($is_new) { put("$folder/seq", $seq) or failed("cannot write $folder/seq: $!") }
    @streams = map { { file => opened("$folder/$_"), path => "$folder/$_", bytes => 0, tail => '' } } qw(stdout stderr);
    $opening = now() - $asked;
    my $token = take_token();
    if (!$token) {
        tidy($script, $tmp);
        say_line("G $id $seq");
        return;
    }
    if (!$is_new || grep { -s $_->{file} } @streams) {
        put("$folder/seq", $seq) or failed("cannot write $folder/seq: $!");
        for (@streams) { truncate($_->{file}, 0) or failed("cannot empty the files in $folder: $!") }
    }
    own_things(unpack 'n', $token);
    ($start, $ended_at, $is_told, $current, $came, $is_over) = (now(), 0, 0, $seq, 0, 0);
    my $time_of_day = clock(CLOCK_REALTIME);
    watch();
    if (!begin($script)) {
        my $why = $!;
        syswrite($tokens, $token);
        tidy($script, $tmp);
        cannot($seq, "cannot start a process: $why");
    }
    # Who starts no other task soon is told of now: should the node be lost, this is what ran.
    if (!@tasks) { say_start(); send_lines() }
    my $status = until_over();
    # Its last words may still lie in the pipes; who talks on and on is not waited for.
    for (1 .. 100) { last unless (grep { $_->{from} } @streams) && copy(0) }
    my @left = $inherits && waitpid(-1, WNOHANG) != -1 ? rest() : ();
    my $runtime = now() - $start;
    $child = 0;
    unwatch();
    for (@streams) { drain($_) if $_->{from} }
    say_over() if $is_over;
    if ($ends) { send_lines(); exit 143 }
    syswrite($tokens, $token);
    tidy($script, $tmp);
    close $_->{file} for @streams;
    my $signal = $status & 127;
    # As stock over ssh reports it: 128 + signal, and no signal.
    my $exitval = $is_over ? 153 : $ended_at ? 124 : $signal ? 128 + $signal : $status >> 8;
    say_line("L $id $seq " . escaped($streams[1]{tail})) if $exitval && $streams[1]{tail} ne '';
    my $oom = $exitval == 137 ? rose() : 0;
    say_line(sprintf 'R %s %d %.3f %.3f %d 0 %d %.4f %d %d',
        $id, $seq, $time_of_day, $runtime, $exitval, $streams[0]{bytes}, $opening, scalar @left, $oom);
    removed($seq) if !(stat $here)[3] && !-d $workdir;
}

# What a slot has to itself.
sub own_things {
    my ($slot) = @_;
    $ENV{PARALLEL_JOBSLOT} = $ENV{SIERRA_BATCH_SLOT} = $slot;
    return unless @makes_gpus;
    my ($first, $after) = map { int($_ * $gpus / $slots) } $slot - 1, $slot;
    # With fewer devices than slots each has one, which others have as well.
    my $devices = join ',', $first .. ($after > $first ? $after - 1 : $first);
    $ENV{$_} = $devices for @makes_gpus;
}

# Starts the task with pipes before its files: who opens /dev/stderr again, as wrappers do, empties a file and no pipe.
# A node may be out of processes for a moment; bash waits as long for them.
sub begin {
    my ($script) = @_;
    $wanted = '';
    my @writers;
    for (@streams) {
        # As above: neither is ever asked whether it is a terminal, nor where it stands.
        BEGIN { ${^OPEN} = ":unix\0:unix" }
        pipe($_->{from}, my $to) or return 0;
        push @writers, $to;
        vec($wanted, fileno $_->{from}, 1) = 1;
    }
    my $pid;
    for my $nap (1, 2, 4, 8, 0) {
        $pid = fork;
        last if defined $pid || $ends;
        my $until = now() + $nap;
        while (!$ends && now() < $until) { select undef, undef, undef, $until - now() }
    }
    return 0 unless defined $pid;
    if ($pid == 0) {
        $unsent = '';
        setpgrp 0, 0;
        open(STDOUT, '>&', $writers[0]);
        open(STDERR, '>&', $writers[1]);
        { exec { '/bin/bash' } '/bin/bash', $script }
        print STDERR "/bin/bash: $!\n";
        exit 126;
    }
    # Both sides set the group: whoever comes first, a signal sent now reaches it.
    setpgrp $child = $pid, $pid;
    return 1;
}

# Takes what the task says until its processes have ended: its group, and what it started in groups of its own, as timeout(1) has one.
# What left its session (setsid, daemons) it does not wait for, unless its time is over: then that ends, too. Answers its status.
sub until_over {
    my ($status, $nap) = (undef, 0.005);
    while (1) {
        if (!grep { $_->{from} } @streams) {
            if (!defined $status) { $status = $? if waitpid($child, 0) == $child }
            elsif ($inherits || kill 0, -$child) { select undef, undef, undef, $nap }
        } else {
            copy(defined $status ? $nap : LOOK);
        }
        my $pid;
        while (($pid = waitpid -1, WNOHANG) > 0) { $status = $? if $pid == $child; delete $drains{$pid} }
        next unless defined $status;
        return $status if $inherits ? $pid == -1 || !holds() : !kill 0, -$child;
        $nap = $nap * 1.5 > 0.2 ? 0.2 : $nap * 1.5;
    }
}

sub holds {
    return grep { $ended_at || $_->{group} == $child || $_->{session} == $session } rest();
}

# Moves what the task has said into its files.
sub copy {
    my ($seconds) = @_;
    my $reads = $wanted;
    return 0 if select($reads, undef, undef, $seconds) < 1;
    for my $stream (@streams) {
        my $from = $stream->{from} or next;
        next unless vec($reads, fileno $from, 1);
        my $read = sysread($from, my $data, 65536);
        next if !defined $read && $! == EINTR;
        if (!$read) {
            vec($wanted, fileno $from, 1) = 0;
            close delete $stream->{from};
            next;
        }
        $stream->{bytes} += $read;
        $stream->{tail} = substr $stream->{tail} . $data, -TAIL_BYTES();
        $data = within($data);
        write_all($stream->{file}, $data) or failed("cannot write $stream->{path}: $!");
    }
    return 1;
}

# As much of it as the task may write. With more the task is ended; what it says until then is read and not kept.
sub within {
    my ($data) = @_;
    $came += length $data;
    my $more = $most_mib ? $came - $most_mib * 2**20 : 0;
    return $data if $more <= 0;
    if (!$ended_at) {
        $is_over = 1;
        end_task(now());
        watch();
    }
    return $more < length $data ? substr $data, 0, -$more : '';
}

# Its last line says why it was ended.
sub say_over {
    my $limit = $most_mib % 1024 ? "$most_mib MiB" : $most_mib / 1024 . ' GiB';
    my $words = ($streams[1]{tail} =~ /[^\n]\z/ ? "\n" : '') . "output over $limit\n";
    $streams[1]{tail} = substr $streams[1]{tail} . $words, -TAIL_BYTES();
    write_all($streams[1]{file}, $words) or failed("cannot write $streams[1]{path}: $!");
}

# What runs on may say something yet, and would die of a pipe that nobody reads.
sub drain {
    my ($stream) = @_;
    my $pid = fork;
    if (defined $pid && $pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP PIPE CHLD);
        close $_ for $node0, $own_errors, $tokens, grep { defined } map { $_->{from} } grep { $_ != $stream } @streams;
        $ended_at ||= 1;
        while (sysread $stream->{from}, my $data, 65536) { write_all($stream->{file}, within($data)) or last }
        exit 0;
    }
    $drains{$pid} = 1 if $pid;
    close delete $stream->{from};
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
    return if $ticking || !($waits || @tasks || $limit || $is_over || $unsent ne '');
    $ticking = 1;
    tick_every(TICK);
}

sub unwatch {
    return unless $ticking;
    $ticking = 0;
    tick_every(0);
}

# Sends rows that wait, gives back the tasks that do, ends the task whose time is over. Runs within waitpid and select.
sub tick {
    my $now = now();
    if ($child) { say_start() }
    send_lines() if $now > $sent_at + SAID_WITHIN;
    return unless $child;
    if (@tasks && $now > over_budget()) { give_back(); send_lines() }
    if ($is_over || $limit && $now > $start + $limit / 1000) { end_task($now) }
    unwatch() unless @tasks || $limit || $is_over || $unsent ne '';
}

sub say_start {
    say_line("S $id $current") unless $is_told;
    $is_told = 1;
}

# TERM to the task and all it started, KILL to what is left when its grace is over.
sub end_task {
    my ($now) = @_;
    my $signal = $ended_at ? 'KILL' : 'TERM';
    return if $ended_at && $now <= $ended_at + $grace / 1000;
    $ended_at ||= $now;
    kill $signal, -$child, map { $_->{pid} } $inherits ? rest() : ();
    kill 'CONT', -$child;
}

# What the task started and runs on. What earlier tasks left behind is older, and what that starts is not the task's.
sub rest {
    my $since = $start + clock(CLOCK_BOOTTIME) - now() - 1 / TICKS_A_SECOND;
    opendir(my $proc, '/proc') or return ();
    my (%children, @rest);
    for my $pid (grep { /\A\d+\z/ } readdir $proc) {
        open(my $stat, '<', "/proc/$pid/stat") or next;
        my ($fields) = (<$stat> // '') =~ /\A.*\) (.*)/s or next;
        my ($state, $parent, $group, $in, $began) = (split / /, $fields)[0 .. 3, 19];
        $session = $in if $pid == $$;
        next if $drains{$pid} || $began / TICKS_A_SECOND < $since;
        push @{$children{$parent}}, { pid => $pid, group => $group, session => $in, is_over => $state eq 'Z' };
    }
    my @heirs = ($$);
    while (defined(my $pid = shift @heirs)) {
        push @rest, grep { !$_->{is_over} } @{$children{$pid} // []};
        push @heirs, map { $_->{pid} } @{$children{$pid} // []};
    }
    return @rest;
}

# When the tasks that wait behind the one under way are given back.
sub over_budget {
    my ($all, $one) = ($begin + $budget / 1000, $start + LONG);
    return $all < $one ? $all : $one;
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
    # Another task may have laid a pipe there, on which this one would wait, a link or a folder.
    for ($is_new ? () : map { "$folder/$_" } qw(seq stdout stderr)) {
        next if !lstat || -f _;
        unlink or remove($_);
    }
    return ($folder, $is_new);
}

sub put {
    my ($path, $text) = @_;
    open(my $file, '>:unix', $path) or return 0;
    return defined syswrite($file, $text) && close $file;
}

sub opened {
    my ($path) = @_;
    # With a buffer Perl would ask of each whether it is a terminal, and FUSE asks its program that.
    BEGIN { ${^OPEN} = ":unix\0:unix" }
    sysopen(my $file, $path, O_WRONLY | O_CREAT) or failed("cannot write $path: $!");
    return $file;
}

sub write_all {
    my ($file, $data) = @_;
    for (my $from = 0; $from < length $data;) {
        my $written = syswrite($file, $data, length($data) - $from, $from);
        if (defined $written) { $from += $written }
        elsif ($! != EINTR) { return 0 }
    }
    return 1;
}

# What lay in a folder of the task's own goes with it.
sub tidy {
    my ($script, $tmp) = @_;
    unlink $script;
    remove($tmp) if $makes_tmp && !rmdir $tmp;
}

sub remove {
    my ($folder) = @_;
    chmod 0700, $folder;
    opendir(my $entries, $folder) or return;
    for (grep { !/\A\.\.?\z/ } readdir $entries) {
        unlink "$folder/$_" or !-l "$folder/$_" && -d _ && remove("$folder/$_");
    }
    rmdir $folder;
}

# One line of what a task said, as it was but for signs that would end the line or mean something to a terminal.
sub escaped {
    my ($text) = @_;
    my %names = ("\\" => '\\\\', "\n" => '\\n', "\r" => '\\r', "\t" => '\\t');
    $text =~ s/([\\\0-\x1f\x7f])/$names{$1} || '?'/ge;
    return $text;
}

# How often the kernel has killed here because memory was used up.
sub oom_kills {
    open(my $file, '<', $oom_file) or return 0;
    for (<$file>) { return $1 if /\Aoom_kill (\d+)/ }
    return 0;
}

sub rose {
    my $before = $oom_kills;
    $oom_kills = oom_kills();
    return $oom_kills > $before ? 1 : 0;
}

sub settings {
    my ($path) = @_;
    open(my $file, '<', $path) or failed("cannot read $path: $!");
    local $/;
    return split /\0/, <$file>;
}

# Shared storage does not do its work.
sub failed {
    my ($message) = @_;
    removed($current) if $! == ENOENT && !-d $workdir;
    ends_with('F', $message);
}

# This node does not do its work: others may.
sub cannot {
    my ($seq, $message) = @_;
    say_line("G $id $seq");
    give_back();
    ends_with('N', $message);
}

# A task has removed the folder that all start in.
sub removed {
    my ($seq) = @_;
    ends_with('D', $seq);
}

sub ends_with {
    my ($kind, $message) = @_;
    $message =~ s/\s+/ /g;
    say_line("$kind $id " . substr $message, 0, 800);
    say_line("E $id") if $kind eq 'N';
    send_lines();
    exit 0;
}

sub say_line {
    my ($line) = @_;
    send_lines() if length($unsent) + length $line > MAX_BYTES;
    $unsent .= "$line\n";
}

# The clock may tick in the midst of it. Where nobody hears any more, the agent ends the task.
sub send_lines {
    return if $sending || $unsent eq '';
    $sending = 1;
    my $lines = $unsent;
    $unsent = '';
    $unheard ||= !write_all($node0, $lines);
    ($sending, $sent_at) = (0, now());
}
