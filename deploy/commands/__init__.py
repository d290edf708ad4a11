"""The sub-commands of `xunban` that run the system. A module's `app` is mounted by deploy/cli.py."""
