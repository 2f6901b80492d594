"""Named experiments: functions whose docstring gives command, hardware, time and expected score."""
