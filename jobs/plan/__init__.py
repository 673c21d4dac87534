"""From a job and the database to what will be sent: the plan's builder, and the job's rows as a JobSpec and back."""
