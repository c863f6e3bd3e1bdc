"""Samples: clues and curated pictures become conversations, split by place."""

from georay.curation.samples.make_samples import SamplesFolder, SamplesSummary, make_samples
from georay.curation.samples.mix import mix_locatable

__all__ = ["SamplesFolder", "SamplesSummary", "make_samples", "mix_locatable"]
