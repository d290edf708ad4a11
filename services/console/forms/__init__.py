"""Every form of the console: what is typed becomes the body of a command. Pure."""
