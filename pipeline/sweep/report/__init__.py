"""The report of a sweep: one HTML file without network access, and its pictures as PNG, from plain trial records."""

from pipeline.sweep.report.study import Study
from pipeline.sweep.report.write import write

__all__ = ["Study", "write"]
