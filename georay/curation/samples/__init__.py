"""Samples: clues and curated pictures become conversations, split by place."""

from georay.curation.samples.mix import mix_locatable
from georay.curation.samples.run import SamplesFolder, SamplesSummary, make_samples

__all__ = ["SamplesFolder", "SamplesSummary", "make_samples", "mix_locatable"]
