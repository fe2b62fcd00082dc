# One job of a node's GNU parallel: runs a group of tasks one after another, each in a fresh bash and a process group of
# its own, with its own files in the results tree, its own row and its own time limit.
#
#   perl group.pl ID_BUDGET_LIMIT_FIRST.COUNT.OFFSET.LENGTH[_…]
#
# BUDGET: milliseconds after which tasks that have not begun are given back, so that nobody waits behind a long one.
# LIMIT: milliseconds a task may take, 0 for no limit. Then ranges of the frozen list: the sequence number of the first
# command, how many, and where their lines lie in the file.
# stdout: `R ID SEQ START RUNTIME EXITVAL SIGNAL BYTES` a task, `G ID SEQ` for one given back, `E ID` at the end,
# `F ID MESSAGE` when the results cannot be written. Each line is one write shorter than PIPE_BUF: lines never mix.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($descriptor) = @ARGV;
my $scratch = delete $ENV{SIERRA_BATCH_POOL};
# To a task it looks as if node 0's GNU parallel had sent it here.
$ENV{PARALLEL_SSHLOGIN} = $ENV{PARALLEL_SSHHOST} = delete $ENV{SIERRA_BATCH_POOL_ADDRESS};
my ($id, $budget, $limit, @ranges) = split /_/, $descriptor;
my ($commands, $results, $workdir) = settings("$scratch/settings");
delete @ENV{qw(PARALLEL_SHELL PARALLEL_TMP)};

my $child = 0;
$SIG{TERM} = $SIG{INT} = $SIG{HUP} = sub { kill 'TERM', -$child if $child; exit 143 };

$SIG{CHLD} = sub { };

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

my $begin = time;
my $late = 0;
while (my $task = shift @tasks) {
    run(@$task);
    if (@tasks && ($late || (time - $begin) * 1000 > $budget)) { give_back() }
}
say_line("E $id");

sub run {
    my ($seq, $command) = @_;
    my $folder = results_folder($command);
    $ENV{PARALLEL_SEQ} = $seq;
    put("$folder/seq", $seq);
    open(my $out, '>', "$folder/stdout") or failed("cannot write $folder/stdout: $!");
    open(my $err, '>', "$folder/stderr") or failed("cannot write $folder/stderr: $!");
    my $start = time;
    $child = fork // failed("fork: $!");
    if ($child == 0) {
        setpgrp 0, 0;
        $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP CHLD PIPE);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>&', $out;
        open STDERR, '>&', $err;
        { no warnings 'exec'; exec { '/bin/bash' } '/bin/bash', '-c', $command }
        print STDERR "/bin/bash: $!\n";
        exit 126;
    }
    # Both sides set the group: whoever comes first, a signal sent now reaches it.
    setpgrp $child, $child;
    my ($status, $timed_out) = wait_for($child, $start);
    settle_group($child, $folder, $start) unless $timed_out;
    my $runtime = time - $start;
    $child = 0;
    my $signal = $status & 127;
    # As stock over ssh reports it: 128 + signal, and no signal.
    my $exitval = $timed_out ? 124 : $signal ? 128 + $signal : $status >> 8;
    say_line(sprintf 'R %s %d %.3f %.3f %d 0 %d', $id, $seq, $start, $runtime, $exitval, -s $out // 0);
}

# Waits for the task; at the budget gives the others back, at the limit ends it and all it started.
sub wait_for {
    my ($pid, $start) = @_;
    for (;;) {
        my $now = time;
        my $to_limit = $limit ? $start + $limit / 1000 - $now : 1e9;
        my $to_budget = @tasks ? $begin + $budget / 1000 - $now : 1e9;
        if ($to_limit <= 0) { end_group($pid); return (0, 1) }
        if ($to_budget <= 0) { give_back(); next }
        my $wait = $to_limit < $to_budget ? $to_limit : $to_budget;
        return ($?, 0) if wait_at_most($pid, $wait);
    }
}

# True when the process has ended within so many seconds.
sub wait_at_most {
    my ($pid, $seconds) = @_;
    return waitpid($pid, 0) == $pid if $seconds > 1e8;
    my $until = time + $seconds;
    for (;;) {
        return 1 if waitpid($pid, 1) == $pid;
        my $left = $until - time;
        return 0 if $left <= 0;
        # SIGCHLD ends the nap; the nap is short because one that arrives just before it does not.
        select undef, undef, undef, $left < 0.05 ? $left : 0.05;
    }
}

sub end_group {
    my ($pid) = @_;
    kill 'TERM', -$pid;
    kill 'CONT', -$pid;
    for my $step (1 .. 50) {
        last if waitpid($pid, 1) == $pid;
        kill 'KILL', -$pid if $step == 25;
        select undef, undef, undef, 0.02;
    }
    kill 'KILL', -$pid;
}

# Over ssh a task is over when the last process holding its output is: a background child's late output belongs to it.
sub settle_group {
    my ($pid, $folder, $start) = @_;
    my $nap = 0.005;
    while (kill 0, -$pid) {
        return unless holds_output($pid, $folder);
        if ($limit && (time - $start) * 1000 > $limit) { kill 'KILL', -$pid; return }
        if (@tasks && (time - $begin) * 1000 > $budget) { give_back() }
        select undef, undef, undef, $nap;
        $nap = $nap * 1.5 > 0.2 ? 0.2 : $nap * 1.5;
    }
}

sub holds_output {
    my ($group, $folder) = @_;
    my %ours = map { my @s = stat "$folder/$_"; @s ? ("$s[0]:$s[1]" => 1) : () } qw(stdout stderr);
    opendir(my $proc, '/proc') or return 0;
    for my $pid (grep { /\A\d+\z/ } readdir $proc) {
        open(my $stat, '<', "/proc/$pid/stat") or next;
        my $line = <$stat> // next;
        my @fields = $line =~ /\A.*\) (.*)\z/s ? split(' ', $1) : next;
        next unless $fields[2] == $group && $fields[0] ne 'Z';
        for my $fd (1, 2) {
            my @s = stat "/proc/$pid/fd/$fd";
            return 1 if @s && $ours{"$s[0]:$s[1]"};
        }
    }
    return 0;
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
    mkdir $folder or -d $folder or failed("cannot make a folder in $results: $!");
    return $folder;
}

sub put {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or failed("cannot write $path: $!");
    print $file $text;
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
    exit 1;
}

sub say_line {
    my ($line) = @_;
    $line .= "\n";
    syswrite(STDOUT, $line) == length $line or exit 1;
}
