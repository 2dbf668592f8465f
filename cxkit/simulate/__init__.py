"""Studies with a planted truth, to try the kit on and to check it by."""
