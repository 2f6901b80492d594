"""``python -m robovlms``: the command line."""

from robovlms.cli.main import main

if __name__ == "__main__":
    main()
