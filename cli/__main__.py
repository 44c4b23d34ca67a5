"""`python -m cli` is the `rushes` command."""

from cli.main import main

main()
