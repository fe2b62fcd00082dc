"""Robots look for food on a torus and carry it home: `python3 simulate.py RUN.json`. Standard library only."""

import csv
import json
import math
import pathlib
import random
import sys


def main() -> None:
    run = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    output = pathlib.Path(run["output"])
    output.mkdir(parents=True, exist_ok=True)
    rows = simulate(
        seed=int(run["seed"]),
        robots=int(run["swarm"]["robots"]),
        steps=int(run["setup"]["steps"]),
        walk=run["swarm"]["walk"],
    )
    # SIERRA takes a half-written file for a whole one.
    part = output / "foraging.csv.part"
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "collected", "searching"])
        writer.writerows(rows)
    part.rename(output / "foraging.csv")


def simulate(seed: int, robots: int, steps: int, walk: str):
    """One row a step: food brought home so far, and the share of robots that still look for some."""
    chance = random.Random(seed)
    side = 20.0
    food = [(chance.uniform(0, side), chance.uniform(0, side)) for _ in range(40)]
    swarm = [Robot(chance, side, walk) for _ in range(robots)]
    collected = 0
    for step in range(steps):
        for robot in swarm:
            collected += robot.step(food)
        searching = sum(not robot.carries for robot in swarm) / max(1, robots)
        yield step, collected, round(searching, 4)


class Robot:
    def __init__(self, chance: random.Random, side: float, walk: str) -> None:
        self.chance, self.side, self.walk = chance, side, walk
        self.x = self.y = side / 2
        self.heading = chance.uniform(0, 2 * math.pi)
        self.left = 0
        self.carries = False

    def step(self, food: list) -> int:
        """Answers 1 when food was brought home."""
        home = (self.side / 2 - self.x, self.side / 2 - self.y)
        if self.carries:
            self.heading = math.atan2(home[1], home[0])
        elif self.left == 0:
            self.heading = self.chance.uniform(0, 2 * math.pi)
            # A Lévy walk has a few long legs among many short ones.
            self.left = min(30, int(self.chance.paretovariate(1.2))) if self.walk == "levy" else 3
        self.left = max(0, self.left - 1)
        self.x = (self.x + math.cos(self.heading)) % self.side
        self.y = (self.y + math.sin(self.heading)) % self.side
        if self.carries and math.hypot(*home) < 1.5:
            self.carries = False
            return 1
        if not self.carries:
            for place in food:
                if math.hypot(place[0] - self.x, place[1] - self.y) < 0.8:
                    food.remove(place)
                    self.carries = True
                    break
        return 0


if __name__ == "__main__":
    main()
