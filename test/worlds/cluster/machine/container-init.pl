# Process 1 of a node's container, as docker's own init: starts the runner, takes in orphans, passes signals on.
#
#   perl container-init.pl [--own-processes] COMMAND [ARGUMENT …]
#
# With --own-processes COMMAND itself is process 1 of a namespace below this one's, as the entry of an image is.
# A line on stdin is the name of a signal for the runner. Exits as the runner did, 128 + signal for one that was ended by a
# signal; at the end of stdin at once. With process 1 everything in the container ends.
use strict;
use warnings;
use POSIX ();

if ($ARGV[0] eq '--own-processes') {
    shift;
    my $machine = (POSIX::uname())[4];
    my $unshare = { x86_64 => 272, aarch64 => 97 }->{$machine} // die "container: no system calls of $machine known\n";
    my $new_pids = 0x20000000;
    syscall($unshare, $new_pids) == 0 or die "container: unshare: $!\n";
}
my $runner = fork // die "container: fork: $!\n";
if ($runner == 0) {
    setpgrp 0, 0;
    open STDIN, '<', '/dev/null' or die "container: $!\n";
    exec { $ARGV[0] } @ARGV or die "container: cannot start $ARGV[0]: $!\n";
}
$SIG{CHLD} = sub { };
my $said = '';
for (;;) {
    while ((my $ended = waitpid(-1, 1)) > 0) {
        exit($? & 127 ? 128 + ($? & 127) : $? >> 8) if $ended == $runner;
    }
    my $ready = '';
    vec($ready, 0, 1) = 1;
    # The nap is short because a SIGCHLD that comes just before it does not end it.
    next unless select($ready, undef, undef, 0.1) > 0;
    sysread(STDIN, $said, 4096, length $said) or exit 137;
    while ($said =~ s/\A(\w+)\n//) { kill $1, $runner }
}
