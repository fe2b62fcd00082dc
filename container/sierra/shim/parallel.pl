#!/usr/bin/perl
# Stands in front of GNU parallel on the PATH that SIERRA gets on node 0. What may be SIERRA's own line is shown to the
# runner, over the socket beside this file; the runner runs it through the pool and answers how it ended:
#   E TEXT  a line for stderr        X CODE  ended with that code        G  not SIERRA's line: GNU parallel itself
# Everything else goes to GNU parallel at once, with the arguments, input and environment it would have had.
use strict;
use warnings;

my ($here) = $0 =~ m{\A(.*)/[^/]*\z}s or die "parallel: called without its folder\n";
my $path = join ':', grep { $_ ne $here } split /:/, $ENV{PATH} // '', -1;

gnu_parallel() unless grep({ $_ eq '--sshloginfile' } @ARGV) && -f STDIN;

require Socket;
my $commands = readlink '/proc/self/fd/0';
socket(my $runner, Socket::PF_UNIX(), Socket::SOCK_STREAM(), 0) or gnu_parallel();
# Nobody listens any more: SIERRA's line works by itself too.
connect($runner, Socket::pack_sockaddr_un("$here/runner")) or gnu_parallel();
$ENV{PATH} = $path;
my $text = join '', map { "$_\0" } scalar @ARGV, @ARGV, $commands, map { "$_=$ENV{$_}" } keys %ENV;
while (length $text) {
    my $sent = syswrite $runner, $text or gnu_parallel();
    substr($text, 0, $sent) = '';
}
shutdown $runner, 1;
while (my $answer = <$runner>) {
    chomp $answer;
    gnu_parallel() if $answer eq 'G';
    exit $1 if $answer =~ /\AX (\d+)\z/;
    print STDERR substr($answer, 2), "\n" if $answer =~ /\AE /;
}
print STDERR "parallel: the runner of this node went away\n";
exit 255;

sub gnu_parallel {
    $ENV{PATH} = $path;
    for my $folder (split /:/, $path, -1) {
        my $program = ($folder eq '' ? '.' : $folder) . '/parallel';
        exec { $program } $program, @ARGV if -f $program && -x _;
    }
    print STDERR "parallel: command not found\n";
    exit 127;
}
