"""Columns and constraints of jobs, triggers and runs; collected for Django."""

from jobs.models.jobs import JobDevice, JobTag, JobTask, ServiceJob, TaskDevice
from jobs.models.runs import DeviceRun, JobRun, StepResult
from jobs.models.triggers import ScheduleFilter, Trigger

__all__ = [
    "DeviceRun",
    "JobDevice",
    "JobRun",
    "JobTag",
    "JobTask",
    "ScheduleFilter",
    "ServiceJob",
    "StepResult",
    "TaskDevice",
    "Trigger",
]
