"""`python -m tests.chaos cells|storm|broken|quick`: see the modules of these names."""

import argparse
import sys

from tests.chaos import cells, storm
from tests.chaos.plant import Plant

FOUND = 3


def main():
    """Parse, play, print; exit with FOUND when anything is wrong, so that a harness that fell over is told from it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["cells", "storm", "broken", "quick"])
    parser.add_argument("--only", default="")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--width", type=int, default=3)
    parser.add_argument("--broken", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    plant = Plant()
    try:
        if options.what == "cells":
            played, wrong = cells.main(plant, options.only, options.width)
            wrong += [f"{cell}: {problem}" for cell in played for problem in cell.problems]
        elif options.what == "broken":
            wrong = cells.main_broken(plant, options.broken)
        elif options.what == "quick":
            wrong = quick(plant)
        else:
            counts, wrong = storm.main(plant, options.kills, broken=options.broken, seed=options.seed)
            print("\n".join(f"{name:<28} {value}" for name, value in counts.items()))
    finally:
        if options.keep:
            print(plant.folder)
            for child in plant.children:
                child.kill()
        else:
            plant.close()
    print("\n".join(wrong[:60]) or "Nothing is wrong.")
    sys.exit(FOUND if wrong else 0)


def quick(plant):
    """Twenty cells, a short storm, and the builds that must be caught, on one plant; return what is wrong."""
    played, wrong = cells.main(plant, cells.CHOSEN, 5)
    wrong += [f"{cell}: {problem}" for cell in played for problem in cell.problems]
    counts, more = storm.main(plant, 20, first=200_000)
    print(counts)
    wrong += more
    return wrong + cells.main_broken(plant)


if __name__ == "__main__":
    main()
