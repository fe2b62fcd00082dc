# Runs a command and tells what is left of it: every process that it started is a descendant of this one for good (child
# subreaper), whatever it did to get away. For Linux on x86-64 and arm64; needs no privileges.
#
#   perl reaper.pl SECONDS COMMAND [ARGUMENT …]
#
# TERM, INT and HUP go to the command; USR1 kills it (SIGKILL). When it has ended, waits up to SECONDS until nothing is left.
# The last line on stderr is JSON: exit code, milliseconds to the end, processes left, listening sockets (all of this
# network namespace).
use strict;
use warnings;
use JSON::PP;
use POSIX qw(uname WNOHANG);
use Time::HiRes qw(time sleep);

my $patience = shift;
my $prctl = (uname())[4] eq 'aarch64' ? 167 : 157;
syscall($prctl, 36, 1, 0, 0, 0) == 0 or die "reaper: prctl: $!\n";
my $child = fork // die "reaper: fork: $!\n";
if ($child == 0) { exec { $ARGV[0] } @ARGV or die "reaper: $ARGV[0]: $!\n" }
for my $name (qw(TERM INT HUP)) { $SIG{$name} = sub { kill $name, $child } }
$SIG{USR1} = sub { kill 'KILL', $child };

my $code;
until (defined $code) {
    my $pid = waitpid(-1, WNOHANG);
    if ($pid == $child) { $code = $? & 127 ? 128 + ($? & 127) : $? >> 8 }
    elsif ($pid <= 0) { sleep 0.02 }
}
my @left;
for (my $until = time + $patience;;) {
    1 while waitpid(-1, WNOHANG) > 0;
    @left = descendants($$);
    last if !@left || time > $until;
    sleep 0.05;
}
my @named = map { command($_) } @left;
kill 'KILL', @left if @left;
print STDERR "\n", JSON::PP->new->canonical->encode({
    code => $code, left => \@named, listeners => [listeners()],
}), "\n";

sub descendants {
    my %children;
    opendir my $proc, '/proc' or die;
    for my $pid (grep { /^\d+$/ } readdir $proc) {
        open my $stat, '<', "/proc/$pid/stat" or next;
        my $line = <$stat> // next;
        push @{ $children{$1} }, $pid if $line =~ /\) [^Z] (\d+)/;
    }
    my @found = @{ $children{ $_[0] } // [] };
    for (my $at = 0; $at < @found; $at++) { push @found, @{ $children{ $found[$at] } // [] } }
    return @found;
}

sub command {
    open my $file, '<', "/proc/$_[0]/cmdline" or return "$_[0]";
    my $line = <$file> // '';
    $line =~ s/\0/ /g;
    return "$_[0] $line";
}

sub listeners {
    my @found;
    for my $table (qw(tcp tcp6)) {
        open my $file, '<', "/proc/self/net/$table" or next;
        while (<$file>) { my @f = split; push @found, $f[1] if $f[3] eq '0A' }
    }
    open my $file, '<', '/proc/self/net/unix' or return @found;
    while (<$file>) { my @f = split; push @found, $f[7] if ($f[7] // '') =~ /sierra-batch|\bsb-/ }
    return @found;
}
