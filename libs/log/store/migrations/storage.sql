-- Room on the page for the case's next versions: an update that finds it there moves no index entry.
alter table read.case_view set (fillfactor = 50);
