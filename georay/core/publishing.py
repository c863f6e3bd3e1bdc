"""Moved: see `run_folder`."""

from georay.core.run_folder import are_whole as are_whole
from georay.core.run_folder import fingerprints as fingerprints
from georay.core.run_folder import finish_publishing as finish_publishing
from georay.core.run_folder import new_folder as new_folder
from georay.core.run_folder import only_writer as only_writer
from georay.core.run_folder import publishing as publishing
from georay.core.run_folder import read_facts as read_facts
