"""Real cases of other people's cities, driven through the public APIs and judged by what their files say."""
