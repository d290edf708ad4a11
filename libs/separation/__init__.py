"""巡办分离: who may discover, dispatch, handle, verify and close one case (rulebook.md d). Pure: no I/O, no clock.

`rules` says it, `powers` asks it of a person, `routes` of a unit.
"""
