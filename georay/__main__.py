"""`python -m georay` is the `georay` command."""

from georay.cli import main

main()
