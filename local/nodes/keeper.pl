# Starts a node's process and ends it when the local system is gone, however that died: the kernel closes our stdin.
#
#   perl keeper.pl COMMAND [ARGUMENT …]
#
# Passes TERM on and exits as the process did (128 + signal for one that was ended by a signal). The node's temporary folder
# is the local system's to remove; without one left, the keeper does it. What a task left behind, in whatever session and
# without any mark, becomes a child of the keeper and ends with it, as a container's processes do.
use strict;
use warnings;
use File::Path 'remove_tree';
use POSIX ();

# prctl(PR_SET_CHILD_SUBREAPER, 1)
my $prctl = { x86_64 => 157, aarch64 => 167 }->{ (POSIX::uname())[4] };
syscall $prctl, 36, 1, 0, 0, 0 if $prctl;

my $child = fork // die "keeper: fork: $!\n";
if ($child == 0) {
    setpgrp 0, 0;
    open STDIN, '<', '/dev/null' or die "keeper: $!\n";
    exec { $ARGV[0] } @ARGV or die "keeper: cannot start $ARGV[0]: $!\n";
}
setpgrp $child, $child;
$SIG{TERM} = sub { kill 'TERM', $child };
$SIG{INT} = $SIG{HUP} = 'IGNORE';
$SIG{CHLD} = sub { };

my $orphaned;
for (;;) {
    my ($status, $pid);
    while (($pid = waitpid -1, POSIX::WNOHANG) > 0) {
        $status = $? & 127 ? 128 + ($? & 127) : $? >> 8 if $pid == $child;
    }
    if (defined $status) {
        end_rest();
        if ($orphaned && $ENV{TMPDIR}) { chdir '/'; remove_tree($ENV{TMPDIR}) }
        exit $status;
    }
    if ($orphaned && time - $orphaned > 30) { kill 'KILL', -$child }
    my $ready = '';
    vec($ready, 0, 1) = 1 unless $orphaned;
    # The nap is short because a SIGCHLD that comes just before it does not end it.
    if (select($ready, undef, undef, 0.2) > 0 && !sysread STDIN, my $data, 1) {
        $orphaned = time;
        kill 'TERM', $child;
    }
}

# Until nothing is left: what is killed may have started something just before.
sub end_rest {
    for (1 .. 500) {
        my @left = descendants() or return;
        kill 'KILL', @left;
        1 while waitpid(-1, POSIX::WNOHANG) > 0;
        select undef, undef, undef, 0.02;
    }
}

sub descendants {
    my (%children, @found);
    local $/; # A name may hold a newline.
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $file, '<', $stat or next;
        my ($pid, $parent) = (<$file> // '') =~ /\A(\d+) .*\) \S (\d+) /s or next;
        push @{$children{$parent}}, $pid;
    }
    my @heirs = ($$);
    while (defined(my $pid = shift @heirs)) {
        push @heirs, @{$children{$pid} // []};
        push @found, @{$children{$pid} // []};
    }
    return @found;
}
