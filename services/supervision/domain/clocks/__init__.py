"""Every clock of a case, from the fact that starts it to the step that is due. Pure: no I/O, no clock.

The path of a due instant, by module:

    fact of the log ──► moves          which clocks it starts, stops, continues, ends or revives
                          │
                        limits         for a start: which limit (pinned_rules: by which version of the directory)
                          │
                        from_facts ──► DeadlineSet, StageFinished, …        own events, with the due instant known now
                                              │
                        case_clocks ◄─────────┘   read back: the clocks of one case, each a track of operations
                          │
                        operations ──► fold       in the order of their instants: started, stopped, due, breached
                                        │ └─ libs/directory/rules/lamps    when it turns 黄 and 长红
                                        │
                                      ladder      warning, breach, levels: each a step at its own instant
                                        │
                                      steps ──► DeadlineWarned, DeadlineBreached, AutoEscalated   behind the watermark

    a calendar was published ──► recount ──► DeadlineRecomputed             open limits over changed days, counted anew
"""
