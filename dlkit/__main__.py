"""`python -m dlkit`: the same as the command `dlkit`."""

from dlkit.cli.commands import main

if __name__ == "__main__":
    main()
