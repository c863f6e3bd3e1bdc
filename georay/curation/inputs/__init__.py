"""Lists the inputs of a run: folders, patterns and lists become one table."""

from georay.curation.inputs.lists import BAD_ENTRY
from georay.curation.inputs.remarks import Remark, Remarks
from georay.curation.inputs.sources import Listing, labelled, list_inputs

__all__ = ["BAD_ENTRY", "Listing", "Remark", "Remarks", "labelled", "list_inputs"]
