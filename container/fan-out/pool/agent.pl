# Runs on a node, at the end of node 0's one ssh connection to it, and owns that node's GNU parallel.
#
#   perl agent.pl SCRATCH SLOTS GROUPS ADDRESS
#
# SLOTS tasks run at once, in up to GROUPS groups.
#
# stdin, from node 0: a group of tasks a line, passed on to GNU parallel as it comes; `end`: no more groups;
# `stop MILLISECONDS`: end every task now. A stdin that closes without `end` is a lost connection: every task is ended,
# so that node 0 may give them to other nodes.
# stdout, to node 0: `ready` once GNU parallel has started a job of the one line that it was given, or `U WHY` where it does not;
# then what the group runners write. All that this starts is found on the image's PATH, whatever the tasks' is.
use strict;
use warnings;
use Config;
# Signals cut a second short: it is rather less.
use constant READY_SECONDS => 15;

my ($scratch, $slots, $groups_at_once, $address) = @ARGV;

my $parallel_home = make_parallel_home();
# This node's own and gone with it: tasks' scripts lie there while they run.
my $scripts = $ENV{HOME} // '/tmp';

# The variables that every task gets, over what sshd set; NUL separated because values may hold newlines. The group runner
# gives them to tasks: what is started here is not to be changed by them. Options of the user's PARALLEL are for node 0.
my %tasks;
open(my $file, '<', "$scratch/environment") or die "pool: cannot read $scratch/environment: $!\n";
{
    local $/ = "\0";
    while (my $pair = <$file>) {
        chomp $pair;
        my ($name, $value) = split /=/, $pair, 2;
        $tasks{$name} = $value unless $name =~ /\APARALLEL(_HOME|_SHELL)?\z/;
    }
}
close $file;
# What GNU parallel and its shell give to jobs where it was not set, and stock's tasks do not have.
$ENV{SIERRA_BATCH_POOL_UNSET} = join ' ',
    grep { !defined $ENV{$_} } qw(TMPDIR OLDPWD SSHPASS PARALLEL_REMOTE_TMPDIR PARALLEL_RSYNC_OPTS);
$ENV{"SIERRA_BATCH_POOL_TASK_$_"} = $tasks{$_} for keys %tasks;
$ENV{PARALLEL_HOME} = $parallel_home if defined $parallel_home;
$ENV{SIERRA_BATCH_POOL_ADDRESS} = $address;
$ENV{SIERRA_BATCH_POOL_SCRIPTS} = $scripts;
$ENV{SIERRA_BATCH_POOL_SLOTS} = $slots;
# Of this container in version 2 and 1 of cgroups, else of the machine.
($ENV{SIERRA_BATCH_POOL_OOM}) =
    grep { -r } qw(/sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control /proc/vmstat), '/dev/null';
# The numbers of clock_gettime, setitimer and prctl in Linux.
my %calls = (x86_64 => '228 38 157', aarch64 => '113 103 167', powerpc64le => '246 104 171', s390x => '260 104 172');
my ($machine) = $Config{archname} =~ /\A(\w+)/;
$ENV{SIERRA_BATCH_POOL_CALLS} = $calls{$machine} // unusable("system calls of $machine are not known");
# A token for each slot, with its number: whoever holds it may run a task. Here it is kept, wherever it is opened.
pipe(my $tokens, my $token_writer) or die "pool: pipe: $!\n";
syswrite($token_writer, pack 'n', $_) for 1 .. $slots;
$ENV{SIERRA_BATCH_POOL_TOKENS} = "/proc/$$/fd/" . fileno $tokens;
# sshd made a session for this command; tasks stay in it, so the session is how they are found again.
my $session = (split ' ', (stat_of($$))[1])[3];

pipe(my $from, my $groups) or die "pool: pipe: $!\n";
my $parallel = fork // die "pool: fork: $!\n";
if ($parallel == 0) {
    close $groups;
    open STDIN, '<&', $from or die "pool: $!\n";
    close $from;
    # GNU parallel's own temporary files outlive it when it is killed: they go where all goes when the node ends.
    $ENV{TMPDIR} = $scripts;
    # /bin/sh starts faster than bash, and only starts the group runner; each task gets a bash of its own.
    $ENV{PARALLEL_SHELL} = '/bin/sh';
    $ENV{SIERRA_BATCH_POOL} = $scratch;
    # A group runner that dies says nothing; its shell does. A shell that cannot fork ends at once (dash with 2, bash with 254) and
    # would say nothing either: it becomes the group runner, which waits for processes and says where there are none.
    my $runner = 'perl -w "$SIERRA_BATCH_POOL/group.pl" {}';
    {
        exec 'parallel', '--plain', '--will-cite', '--ungroup', '--jobs', $groups_at_once,
            "trap 'case \$? in 2|254) exec $runner;; esac' 0; $runner || echo X {}; trap - 0";
    }
    unusable("cannot start GNU parallel: $!");
}
close $from;
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = $SIG{HUP} = sub { end_tasks(2000); exit 143 };

$| = 1;
# Versions before 2022 start nothing until they have a line for each job at once, or their input ends: tasks would wait for ever.
my ($ready, $waited) = (0, 0);
$SIG{USR1} = sub { print "ready\n" unless $ready++ };
syswrite($groups, "ready\n");

my ($buffer, $ended, $stopped) = ('', 0, 0);
READ: while (1) {
    vec(my $reads = '', fileno STDIN, 1) = 1;
    if (select($reads, undef, undef, 1) < 1) {
        if (!$ready && ++$waited >= READY_SECONDS) {
            my ($version) = `parallel --version` =~ /(\d{8})/;
            unusable('parallel is version ' . ($version // '(unknown)') . ', which does not start a job as soon as its line comes');
        }
        # It may end (for want of memory, say) while node 0 waits for what it was given.
        next unless has_ended($parallel);
        unusable('GNU parallel ended at once') unless $ready;
        print STDERR "pool: GNU parallel ended before it was told to\n";
        last READ;
    }
    sysread(STDIN, my $data, 65536) or last READ;
    $buffer .= $data;
    while ($buffer =~ s/\A([^\n]*)\n//) {
        my $line = $1;
        if ($line eq 'end') { $ended = 1; last READ }
        if ($line =~ /\Astop (\d+)\z/) { $stopped = 1; end_tasks($1); last READ }
        syswrite($groups, "$line\n") // last READ;
    }
}
close $groups;
end_tasks(1000) unless $ended || $stopped;
waitpid $parallel, 0;
exit($ended ? $? >> 8 > 0 ? 1 : 0 : 1);

# Node 0 is told why this node cannot be used, whatever is done.
sub unusable {
    my ($why) = @_;
    syswrite STDOUT, "U $why\n";
    kill 'KILL', session_pids() if defined $parallel && $parallel;
    exit 1;
}

# GNU parallel keeps there what it finds out about a machine. Finding out how long a command may be takes as long as all
# else that it does at its start; ours are short, so any system's least is told beforehand. The session's HOME is this
# node's own and goes with it. Without one GNU parallel looks for a place by itself.
sub make_parallel_home {
    my $home = $ENV{HOME} // return;
    open(my $name, '<', '/proc/sys/kernel/hostname') or return;
    chomp(my $host = <$name> // return);
    my $folder = "$home/.parallel";
    for my $part ('', '/tmp', '/tmp/sshlogin', "/tmp/sshlogin/$host") { mkdir "$folder$part" }
    my $file = "$folder/tmp/sshlogin/$host/linelen";
    return $folder if -s $file;
    open(my $length, '>', "$file.$$") or return;
    print $length 65_000;
    close $length or return;
    return rename("$file.$$", $file) ? $folder : undef;
}

# TERM to everything in this session but us, KILL to what is left after so many milliseconds.
sub end_tasks {
    my ($grace) = @_;
    my @pids = session_pids();
    # GNU parallel first, or it would start the next group when one ends.
    kill 'KILL', $parallel;
    kill 'TERM', @pids;
    kill 'CONT', @pids;
    for (my $waited = 0; $waited < $grace; $waited += 20) {
        return unless session_pids();
        select undef, undef, undef, 0.02;
    }
    for (1 .. 50) {
        @pids = session_pids() or return;
        kill 'KILL', @pids;
        select undef, undef, undef, 0.02;
    }
}

sub session_pids {
    my @pids;
    opendir(my $proc, '/proc') or return;
    for my $pid (grep { /\A\d+\z/ && $_ != $$ } readdir $proc) {
        my ($state, $rest) = stat_of($pid) or next;
        push @pids, $pid if defined $rest && (split ' ', $rest)[3] == $session && $state ne 'Z';
    }
    return @pids;
}

sub has_ended {
    my ($pid) = @_;
    my ($state) = stat_of($pid) or return 1;
    return $state eq 'Z';
}

# State and all fields from the state on of /proc/PID/stat; the name before them may hold anything.
sub stat_of {
    my ($pid) = @_;
    open(my $stat, '<', "/proc/$pid/stat") or return;
    my $line = <$stat> // return;
    my ($fields) = $line =~ /\A.*\) (.*)\z/s or return;
    return (substr($fields, 0, 1), $fields);
}
