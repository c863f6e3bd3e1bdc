"""The report of a curation run: one self-contained HTML page."""

from georay.curation.report.data import Example, ReportData
from georay.curation.report.page import render_report

__all__ = ["Example", "ReportData", "render_report"]
