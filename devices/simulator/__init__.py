"""A fleet of simulated network devices: real SSH servers on many 127.x.y.z addresses in one process."""
