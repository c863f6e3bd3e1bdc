"""Locates a whole collection: lists, measures, asks and reports."""

from georay.flow.collection.locate import announced as announced
from georay.flow.collection.locate import locate_collection as locate_collection
from georay.flow.collection.summary import LocateSummary as LocateSummary
