"""The HTTP side of a process: the app, who is calling, cases, lists, problem documents."""
