"""The reception desk: an appeal, a report from patrol, photographs."""
