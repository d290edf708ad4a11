"""Several changes as one statement; what they do to rows is shown on a real database elsewhere."""

from libs.log.read.statements import whole


def test_the_placeholders_of_each_part_go_on_where_those_before_it_end() -> None:
    condition = "moved as (update p set n = $2 where k = $1 returning true)"
    parts = ("delete from a where k = $1 and exists (select from moved)", "insert into b select $2, $1")
    assert whole(condition, 2, parts) == (
        "with moved as (update p set n = $2 where k = $1 returning true),"
        " part_0 as (delete from a where k = $3 and exists (select from moved)),"
        " part_1 as (insert into b select $5, $4)"
        " select exists (select from moved)"
    )
