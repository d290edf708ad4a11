"""Boston 311: imported with the file's targets, judged by the file's own flag."""
