"""Columns and constraints of jobs, triggers and runs; collected for Django."""

from jobs.models.jobs import JobDevice, JobTag, JobTask, ServiceJob, TaskDevice
from jobs.models.runs import DeviceLock, DeviceRun, JobRun, KeptConfiguration, LinePlace, StepResult
from jobs.models.triggers import Pulse, ScheduleFilter, Trigger

__all__ = [
    "DeviceLock",
    "DeviceRun",
    "JobDevice",
    "JobRun",
    "JobTag",
    "JobTask",
    "KeptConfiguration",
    "LinePlace",
    "Pulse",
    "ScheduleFilter",
    "ServiceJob",
    "StepResult",
    "TaskDevice",
    "Trigger",
]
