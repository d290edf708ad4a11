"""How complete the log is: heartbeats of the sources, watermarks of the lanes."""
