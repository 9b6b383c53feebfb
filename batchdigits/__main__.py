"""`python -m batchdigits` is the command `batchdigits`."""

from batchdigits.cli import main

if __name__ == "__main__":
    main()
