"""A whole collection located: listed as curation lists, measured, asked about, and reported."""

from georay.flow.collection.locate import announced as announced
from georay.flow.collection.locate import locate_collection as locate_collection
from georay.flow.collection.summary import LocateSummary as LocateSummary
