"""The page that lays models side by side: figures, answers, and the files behind them."""

from georay.evaluation.report.answers import ModelAnswer, PictureAnswers, pictures_with_answers
from georay.evaluation.report.page import ComparisonPage, render_comparison

__all__ = [
    "ComparisonPage",
    "ModelAnswer",
    "PictureAnswers",
    "pictures_with_answers",
    "render_comparison",
]
