"""From photos to noun sets (KEC 3.1 and the merge of 3.2): over-clusters, nouns per centre, concept components."""

from kec_core.mapping.components import components
from kec_core.mapping.nouns import component_nouns, nouns_of_centres
from kec_core.mapping.overclusters import count_overclusters, over_cluster

__all__ = ["component_nouns", "components", "count_overclusters", "nouns_of_centres", "over_cluster"]
