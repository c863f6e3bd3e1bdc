"""Work that goes on although something fails: faults by workloads, and what came of each."""
