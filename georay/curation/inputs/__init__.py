"""What a run reads: folders, patterns and lists become one table of inputs, and nothing is lost."""

from georay.curation.inputs.lists import BAD_ENTRY
from georay.curation.inputs.remarks import Remark, Remarks
from georay.curation.inputs.sources import Listing, labelled, list_inputs

__all__ = ["BAD_ENTRY", "Listing", "Remark", "Remarks", "labelled", "list_inputs"]
