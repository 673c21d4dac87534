"""What is due becomes a run: the tick, admission, the gate of approvals, overlap, and the start."""
