"""Every option and every default, each with the mark of where it comes from and the stages that it decides (``option.py``).

[P] stated in the paper, [C] read in the authors' code, [S] secondary source, [R] reconstruction, [M] measured here.
"""

from kec_core.config.clustering import Algorithm, ClusteringConfig, GroundingConfig
from kec_core.config.mapping import (
    ConceptSource,
    KnowledgeConfig,
    MappingConfig,
    Similarity,
    VocabularyMode,
)
from kec_core.config.option import Options
from kec_core.config.run import (
    OPTIONS,
    PAPER_WEIGHT,
    EncoderDefaults,
    LLMConfig,
    RunConfig,
    paper_defaults,
    studio_defaults,
)

__all__ = [
    "OPTIONS",
    "PAPER_WEIGHT",
    "Algorithm",
    "ClusteringConfig",
    "ConceptSource",
    "EncoderDefaults",
    "GroundingConfig",
    "KnowledgeConfig",
    "LLMConfig",
    "MappingConfig",
    "Options",
    "RunConfig",
    "Similarity",
    "VocabularyMode",
    "paper_defaults",
    "studio_defaults",
]
