"""`python -m caredispatch.cli`: the same command, for processes that start each other."""

from caredispatch.cli import main

main()
