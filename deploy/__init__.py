"""How Xunban is run: the embedded stack, migrations and the command line. No rules of the trade."""
