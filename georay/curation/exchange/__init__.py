"""Samples in the forms that other training tools read, and conversations of those forms back."""

from georay.curation.exchange.conversations import conversation_files, read_conversations
from georay.curation.exchange.export import ExportSummary, export_samples
from georay.curation.exchange.external_rows import ExternalRow, Unreadable
from georay.curation.exchange.forms import FORMS, Form, Pictures
from georay.curation.exchange.incoming import Incoming

__all__ = [
    "FORMS",
    "ExportSummary",
    "ExternalRow",
    "Form",
    "Incoming",
    "Pictures",
    "Unreadable",
    "conversation_files",
    "export_samples",
    "read_conversations",
]
