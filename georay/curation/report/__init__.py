"""The report of a curation run: one self-contained HTML page."""

from georay.curation.report.data import ChartedScores, Example, ReportData, charted_scores
from georay.curation.report.page import render_report

__all__ = ["ChartedScores", "Example", "ReportData", "charted_scores", "render_report"]
