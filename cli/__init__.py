"""`xunban`: the command line, one module per command. Decides nothing itself."""
