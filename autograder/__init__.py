"""Everything an author's and an instructor's machine does: build, check, make classes, grade."""
