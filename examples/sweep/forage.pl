#!/usr/bin/env perl
# A small agent-based simulation: robots look for food on a torus by a correlated random walk and carry it to the nest.
#
#   perl forage.pl --seed N --robots N --speed X > result.csv
#
# Writes one line of comma separated values: seed, robots, speed, food brought home, steps to half of it.
use strict;
use warnings;
use Getopt::Long;

my ($seed, $robots, $speed) = (1, 10, 0.5);
GetOptions('seed=i' => \$seed, 'robots=i' => \$robots, 'speed=f' => \$speed) or exit 2;
die "forage: --robots must be at least 1\n" if $robots < 1;
srand $seed * 7919 + $robots;

my ($size, $steps, $food) = (60, 3000, 150);
my @food = map { [rand $size, rand $size] } 1 .. $food;
my @robot = map { { x => $size / 2, y => $size / 2, heading => rand 6.2832, load => 0 } } 1 .. $robots;
my ($home, $half) = (0, '');

for my $step (1 .. $steps) {
    for my $r (@robot) {
        if ($r->{load}) {
            my ($dx, $dy) = ($size / 2 - $r->{x}, $size / 2 - $r->{y});
            my $distance = sqrt($dx * $dx + $dy * $dy);
            if ($distance < 1.5) { $home++; $r->{load} = 0; $half = $step if $half eq '' && $home >= $food / 2 }
            else { $r->{heading} = atan2 $dy, $dx }
        }
        else {
            $r->{heading} += (rand() - 0.5) * 0.8;
            for my $i (0 .. $#food) {
                my ($dx, $dy) = ($food[$i][0] - $r->{x}, $food[$i][1] - $r->{y});
                if ($dx * $dx + $dy * $dy < 1) { splice @food, $i, 1; $r->{load} = 1; last }
            }
        }
        $r->{x} = wrap($r->{x} + $speed * cos $r->{heading});
        $r->{y} = wrap($r->{y} + $speed * sin $r->{heading});
    }
}
print join(',', $seed, $robots, $speed, $home, $half || $steps), "\n";

sub wrap { my $v = shift; $v < 0 ? $v + $size : $v >= $size ? $v - $size : $v }
