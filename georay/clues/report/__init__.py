"""The report of a run of clues: one self-contained HTML page."""

from georay.clues.report.page import render_report

__all__ = ["render_report"]
