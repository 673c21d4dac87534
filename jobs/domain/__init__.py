"""Pure values and rules of jobs: specification, states, plan, execution."""
