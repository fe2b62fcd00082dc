# Starts a node's process and ends it when the local system is gone, however that died: the kernel closes our stdin.
#
#   perl keeper.pl COMMAND [ARGUMENT …]
#
# Passes TERM on and exits as the process did (128 + signal for one that was ended by a signal). The node's temporary folder
# is the local system's to remove; without one left, the keeper does it.
use strict;
use warnings;
use File::Path 'remove_tree';

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
    if (waitpid($child, 1) == $child) {
        my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
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
